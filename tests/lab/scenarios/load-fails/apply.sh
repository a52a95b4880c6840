# The new policy cannot be loaded: all is taken back, and hamedic says so. The second time it works again, for the undo.
printf '#!/bin/sh\n[ -e /run/failed ] && exec /run/load_policy "$@"\n: >/run/failed\nexit 1\n' >/run/failing
chmod 755 /run/failing
cp -a /usr/sbin/load_policy /run/load_policy
mount --bind /run/failing /usr/sbin/load_policy
status=0
hamedic apply /root/fix.plan || status=$?
umount /usr/sbin/load_policy
[ -e /run/failed ]
exit "$status"
