#!/bin/sh
# The first process of a throw-away host (enter.sh): makes its root, goes there, runs the command.
set -eu
root=$HAMEDIC_HOST_ROOT
views=$HAMEDIC_HOST_VIEWS
haproxy=$HAMEDIC_HOST_HAPROXY
unset HAMEDIC_HOST_ROOT HAMEDIC_HOST_VIEWS HAMEDIC_HOST_HAPROXY

show() { # PATH: as it is outside, read-only
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1"
    mount -o remount,bind,ro "$root$1"
}

mount -t tmpfs -o mode=755 tmpfs "$root"
mount --make-private "$root"
for name in bin sbin lib lib32 lib64 libx32 usr opt; do
    if [ -h "/$name" ]; then
        cp -P "/$name" "$root/$name"
    elif [ -d "/$name" ]; then
        show "/$name"
    fi
done
cp -a /etc "$root/etc"
mkdir -p "$root/dev" "$root/proc" "$root/sys" "$root/root" "$root/home" "$root/run/lock" \
    "$root/var/lib" "$root/var/log" "$root/var/cache" "$root/var/tmp" "$root/tmp"
chmod 1777 "$root/tmp" "$root/var/tmp"
chmod 700 "$root/root"
ln -s /run "$root/var/run"
for name in null zero full random urandom tty; do
    if [ -e "/dev/$name" ]; then
        : >"$root/dev/$name"
        mount --bind "/dev/$name" "$root/dev/$name"
    fi
done
for name in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do
    ln -s "/proc/self/${name#*:}" "$root/dev/${name%:*}"
done
mount -t proc proc "$root/proc"
# The network's sysctls are this host's own; all others are the machine's, and stay as they are.
mkdir "$root/run/net"
mount --bind "$root/proc/sys/net" "$root/run/net"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount --move "$root/run/net" "$root/proc/sys/net"
rmdir "$root/run/net"
# A container may not have it; nothing here needs it. Without /sys/fs/selinux this host has no SELinux.
mount -t sysfs -o ro sysfs "$root/sys" 2>/dev/null || true
echo "$views" | while read -r view; do
    [ -z "$view" ] || show "$view"
done
[ -z "$haproxy" ] || mount --bind "$haproxy" "$root/usr/sbin/haproxy"
ip link set lo up

cd "$root"
if pivot_root . . 2>/dev/null; then
    umount -l . # the old root, which now lies over the new one
fi
# shellcheck disable=SC3045 # dash and bash have both
ulimit -S -n 1024
# shellcheck disable=SC3045
ulimit -H -n 20000 2>/dev/null || true # a lower one stays
status=0
chroot . /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
    TERM="${TERM:-dumb}" ${NO_COLOR:+"NO_COLOR=$NO_COLOR"} setpriv --bounding-set -sys_resource --inh-caps -sys_resource "$@" || status=$?
exit "$status"
