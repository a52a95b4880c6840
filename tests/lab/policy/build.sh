#!/bin/sh
# Builds the module: build.sh DIR makes DIR/haproxy.pp. Needs the packages selinux-policy-dev, checkpolicy, semodule-utils.
# With MODULE_SOURCE another folder with haproxy.te, haproxy.if and haproxy.fc is built.
set -eu
LC_ALL=C
export LC_ALL

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
source=${MODULE_SOURCE:-$here}
makefile=/usr/share/selinux/devel/Makefile

fail() {
    echo "policy/build: $*" >&2
    exit 1
}

[ $# = 1 ] && [ -n "$1" ] || fail "usage: build.sh DIR"
[ -f "$makefile" ] || fail "'$makefile' is missing (package selinux-policy-dev)"
mkdir -p "$1"
out=$(CDPATH='' cd -- "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The Makefile writes beside the source.
cp "$source/haproxy.te" "$source/haproxy.if" "$source/haproxy.fc" "$work"
make -s -C "$work" -f "$makefile" NAME=default haproxy.pp >"$work/log" 2>&1 || fail "$(cat "$work/log")"
# It warns of what it then leaves out of the module.
if grep -qi warning "$work/log"; then
    fail "$(cat "$work/log")"
fi
cp "$work/haproxy.pp" "$out/haproxy.pp"
