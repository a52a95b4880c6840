#!/bin/sh
# Files that cannot be replaced, or must not be: refused before anything is visible, saying what and where; and those
# that only look so: done right.
set -eu
helpers=$HAMEDIC_SOURCE/tests/integration/helpers
# shellcheck source=tests/integration/helpers/tree.sh
. "$helpers/tree.sh"

dir=$tree/etc/haproxy
cfg=$dir/haproxy.cfg
sysctl_dir=$tree/etc/sysctl.d
dropin=$sysctl_dir/99-hamedic.conf
wishes="haproxy.maxconn:global=4000 sysctl.dropin:net.core.somaxconn=4096"
mounts=
leave() {
    chattr -ia "$cfg" "$dir" "$sysctl_dir" 2>/dev/null || :
    for at in $mounts; do umount "$at" 2>/dev/null || :; done
}
# shellcheck disable=SC2034 # helpers/tree.sh calls it
cleanup=leave

tree_make
cp -a "$tree" "$work/plain"
plan=$work/fix.plan
# shellcheck disable=SC2086 # one word each
plan_make "$plan" $wishes
approve "$plan" ops-1

clean() {
    leave
    mounts=
    rm -rf "$tree"
    cp -a "$work/plain" "$tree"
}
nothing_left() {
    [ -z "$(find "$tree/etc" "$tree/srv" -name '.hamedic*' 2>/dev/null)" ] || wrong "left something staged"
    [ -z "$(ls -A "$tree/var/lib/hamedic/tx")" ] || wrong "left a transaction"
}
hazards=0
# A plan that was made before; then COMMAND; apply refuses with that status and those words, and changes nothing.
hazard() { # STATUS WORDS COMMAND...
    ending=$1 words=$2
    shift 2
    "$@"
    before=$(host_state)
    done_with "$ending" apply "$plan"
    ran="$ran ($*)"
    one_line_names "$words"
    [ "$before" = "$(host_state)" ] || wrong "changed something"
    nothing_left
    clean
    hazards=$((hazards + 1))
}

# ---- what cannot be replaced ----

hazard 1 "'haproxy.cfg' has 2 hard links" ln "$cfg" "$tree/etc/second"
mount_on_itself() {
    mount --bind "$1" "$1"
    mounts=$1
}
hazard 1 "'haproxy.cfg' is a mount point of its own" mount_on_itself "$cfg"
read_only() {
    mount_on_itself "$1"
    mount -o remount,bind,ro "$1"
}
hazard 1 "Read-only file system" read_only "$dir"
hazard 1 "Read-only file system" read_only "$sysctl_dir"
hazard 1 "'haproxy.cfg' is immutable or append-only (chattr)" chattr +i "$cfg"
hazard 1 "'haproxy.cfg' is immutable or append-only (chattr)" chattr +a "$cfg"
hazard 1 "the directory of 'haproxy.cfg' is immutable or append-only (chattr)" chattr +i "$dir"
hazard 1 "the directory of 'haproxy.cfg' is immutable or append-only (chattr)" chattr +a "$dir"
hazard 1 "the directory of '99-hamedic.conf' is immutable or append-only (chattr)" chattr +a "$sysctl_dir"
trusted() {
    python3 -c 'import os, sys; os.setxattr(sys.argv[1], "trusted.note", b"x")' "$cfg"
}
hazard 1 "'haproxy.cfg' has the attribute 'trusted.note', which a replacement would lose" trusted
exec 9>>"$cfg"
hazard 3 "'haproxy.cfg' is being written to by somebody" true
exec 9>&-

# ---- what must not be: others may write there ----

for mode in 0777 1777 0757; do
    hazard 3 "directory '/etc/haproxy' may be written by others than root (mode $mode)" chmod $mode "$dir"
    hazard 3 "directory '/etc/sysctl.d' may be written by others than root (mode $mode)" chmod $mode "$sysctl_dir"
    hazard 3 "directory '/etc' may be written by others than root (mode $mode)" chmod $mode "$tree/etc"
done
group_may() {
    chgrp 1000 "$1"
    chmod 0775 "$1"
}
hazard 3 "directory '/etc/haproxy' may be written by others than root (mode 0775)" group_may "$dir"
hazard 3 "directory '/etc' may be written by others than root (mode 0775)" group_may "$tree/etc"
hazard 3 "directory '/etc/haproxy' belongs to uid 1000, expected root" chown 1000 "$dir"
hazard 3 "directory '/etc' belongs to uid 1000, expected root" chown 1000 "$tree/etc"
# user::rwx user:1000:rwx group::r-x mask::rwx other::r-x
access_list() {
    python3 -c 'import os, struct, sys
entries = ((1, 7, 0xffffffff), (2, 7, 1000), (4, 5, 0xffffffff), (16, 7, 0xffffffff), (32, 5, 0xffffffff))
os.setxattr(sys.argv[1], "system.posix_acl_access",
    struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries))' "$1"
}
hazard 3 "directory '/etc/haproxy' may be written by others than root (its access list)" access_list "$dir"
hazard 3 "directory '/etc' may be written by others than root (its access list)" access_list "$tree/etc"
hazard 3 "'haproxy.cfg' may be written by everybody (mode 0666)" chmod 0666 "$cfg"

# ---- what is no file, or is another since the plan ----

instead() { # PATH COMMAND...: in its place
    rm -r "$1"
    "$2" "$1"
}
folder() { mkdir "$1"; }
pipe() { mkfifo "$1"; }
device() { mknod "$1" c 1 3; }
link() {
    cp "$work/plain/etc/haproxy/haproxy.cfg" "$tree/etc/other"
    ln -s ../other "$1"
}
# An empty folder is a configuration of no files.
hazard 1 "there is no configuration file" instead "$cfg" folder
hazard 1 "haproxy.cfg" instead "$cfg" pipe
hazard 1 "haproxy.cfg" instead "$cfg" device
for something in folder pipe device; do
    : >"$dropin"
    hazard 3 "99-hamedic.conf" instead "$dropin" $something
done
hazard 3 "'/etc/haproxy/haproxy.cfg'" instead "$cfg" link
dangling() { ln -s /nowhere "$1"; }
: >"$dropin"
hazard 3 "99-hamedic.conf" instead "$dropin" dangling

# ---- what only looks so ----

# A configuration that is a link to a managed file, or stands below a link: the file itself is edited, the link stays.
right() { # REAL_FILE
    rm -f "$work/right.plan"*
    state=$(host_state)
    # shellcheck disable=SC2086 # one word each
    plan_make "$work/right.plan" $wishes
    approve "$work/right.plan" ops-1
    was=$(stat -c '%a %u:%g' "$1")
    done_with 0 apply "$work/right.plan"
    grep -q 'maxconn 4000 ' "$1" || wrong "did not edit '$1'"
    [ "$was" = "$(stat -c '%a %u:%g' "$1")" ] || wrong "gave it another mode or owner"
    [ -z "$(find "$tree/etc" "$tree/srv" -name '.hamedic*' 2>/dev/null)" ] || wrong "left something staged"
    done_with 0 rollback
    [ "$state" = "$(host_state)" ] || wrong "did not take all back"
    clean
    hazards=$((hazards + 1))
}
mkdir -p "$tree/srv/managed"
mv "$cfg" "$tree/srv/managed/lb-1.cfg"
ln -s /srv/managed/lb-1.cfg "$cfg"
right "$tree/srv/managed/lb-1.cfg"
mkdir -p "$tree/srv"
mv "$dir" "$tree/srv/haproxy"
ln -s ../srv/haproxy "$dir"
right "$tree/srv/haproxy/haproxy.cfg"
# Owned by another user, and to be written by his group: that is theirs to decide, and stays so.
chown 1000:1000 "$cfg"
chmod 0664 "$cfg"
right "$cfg"
# Root's own group is root.
chmod 0775 "$dir"
right "$cfg"

# The managed file of a link is looked at as any other.
mkdir -p "$tree/srv/managed"
mv "$cfg" "$tree/srv/managed/lb-1.cfg"
ln -s /srv/managed/lb-1.cfg "$cfg"
rm -f "$plan"*
# shellcheck disable=SC2086 # one word each
plan_make "$plan" $wishes
approve "$plan" ops-1
hazard 3 "directory '/srv/managed' may be written by others than root (mode 0777)" chmod 0777 "$tree/srv/managed"

echo "$hazards hazards, each refused or done right"
