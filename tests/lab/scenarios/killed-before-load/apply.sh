# hamedic is killed when the new policy is installed and not loaded yet: libsemanage runs load_policy for that. The kernel
# then has the old policy, the disk the new one. `hamedic recover` must make both the old one again.
policy=$(ls /etc/selinux/*/policy/policy.*)
disk=$(sha256sum <"$policy")
kernel=$(sha256sum </sys/fs/selinux/policy)
printf '#!/bin/sh\nkill -KILL "$PPID"\n' >/root/killer
chmod 755 /root/killer
mount --bind /root/killer /usr/sbin/load_policy
status=0
hamedic apply /root/fix.plan || status=$?
umount /usr/sbin/load_policy
echo "hamedic ended with $status"
[ "$status" = 137 ]
[ "$(sha256sum <"$policy")" != "$disk" ]
[ "$(sha256sum </sys/fs/selinux/policy)" = "$kernel" ]
hamedic recover
[ "$(sha256sum <"$policy")" = "$disk" ]
exit 4
