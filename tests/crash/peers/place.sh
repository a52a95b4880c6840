#!/bin/sh
# A place for what is not hamedic: this machine's programs, and the etc, var and run of a tree, and
# this folder as /peers.
#
#   place.sh TREE ROOT PROGRAM [ARGUMENT]...     ROOT: an empty folder to mount it on
#
# Called in a mount namespace and a network namespace of its own (unshare --mount --net): what is mounted goes away with
# it, and the kernel settings of the network that the program sets are nobody else's.
set -eu
tree=$1
root=$2
shift 2
mount -t tmpfs -o mode=755 tmpfs "$root"
mkdir "$root/usr" "$root/proc" "$root/dev" "$root/tmp" "$root/etc" "$root/var" "$root/run"
for name in bin sbin lib lib32 lib64 libx32; do
    if [ -h "/$name" ]; then
        cp -P "/$name" "$root/$name"
    elif [ -d "/$name" ]; then
        mkdir "$root/$name"
        mount --bind "/$name" "$root/$name"
        mount -o remount,bind,ro "$root/$name"
    fi
done
mount --bind /usr "$root/usr"
mount -o remount,bind,ro "$root/usr"
for name in etc var run; do
    mount --bind "$tree/$name" "$root/$name"
done
mount --bind /proc "$root/proc"
: >"$root/dev/null"
mount --bind /dev/null "$root/dev/null"
: >"$root/dev/urandom"
mount --bind /dev/urandom "$root/dev/urandom"
mkdir "$root/peers"
mount --bind "$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)" "$root/peers"
mount -o remount,bind,ro "$root/peers"
exec chroot "$root" "$@"
