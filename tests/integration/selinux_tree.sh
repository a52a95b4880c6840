#!/bin/sh
# Makes a tree with a real SELinux policy store in it, for tests without an SELinux kernel:
#
#   selinux_tree.sh DIR [CACHE]
#
# DIR is emptied and filled: Debian's base policy (package selinux-policy-default: all port types and port
# contexts) and the module tests/fixtures/selinux/hamedic_haproxy.cil (HAProxy's domain and boolean), as store "default".
# Building takes some seconds; with CACHE (a directory that is made) it is built there once and copied.
set -eu

fixtures=$(cd "$(dirname "$0")/../fixtures/selinux" && pwd)
base=${HAMEDIC_BASE_POLICY:-/usr/share/selinux/default/base.pp.bz2}
contexts=${HAMEDIC_POLICY_CONTEXTS:-/etc/selinux/default/contexts}

fail() {
    echo "selinux_tree.sh: $*" >&2
    exit 1
}

build() {
    rm -rf -- "$1"
    mkdir -p "$1/etc/selinux/default" "$1/var/lib/selinux/default" "$1/etc/hamedic"
    cp -R "$contexts" "$1/etc/selinux/default/contexts"
    rm -f "$1/etc/selinux/default/contexts/files"/file_contexts*
    printf 'SELINUX=enforcing\nSELINUXTYPE=default\n' >"$1/etc/selinux/config"
    printf 'module-store = direct\nexpand-check = 0\n' >"$1/etc/selinux/semanage.conf"
    semodule -p "$1" -s default -n -N -i "$base" -i "$fixtures/hamedic_haproxy.cil" >"$1.log" 2>&1 ||
        fail "cannot build the store: $(cat "$1.log")"
    # libsemanage makes them with its own mask; a host has them as packages do.
    chmod 755 "$1/etc/selinux/default/policy"
    rm -f "$1.log"
}

[ $# -ge 1 ] && [ -n "$1" ] && [ "$1" != / ] || fail "usage: selinux_tree.sh DIR [CACHE]"
[ "$(id -u)" = 0 ] || fail "needs root: libsemanage's store is root's"
command -v semodule >/dev/null || fail "semodule is missing (package policycoreutils)"
[ -f "$base" ] || fail "'$base' is missing (package selinux-policy-default)"

if [ $# -lt 2 ]; then
    build "$1"
    exit 0
fi
mkdir -p "$2"
key=$(cat "$0" "$base" "$fixtures/hamedic_haproxy.cil" | sha256sum | cut -c1-16)
(
    flock 9
    if [ ! -d "$2/$key" ]; then
        rm -rf "$2/building"
        build "$2/building"
        mv -T "$2/building" "$2/$key"
    fi
) 9>"$2/lock"
rm -rf -- "$1"
mkdir -p "$(dirname "$1")"
cp -a "$2/$key" "$1"
