#!/bin/sh
# How long a boolean and a port take in one policy store transaction, against two: prints the ratio.
#
#   semanage.sh [DIR]       works in DIR (default: a new one), with the store of fixtures/selinux/make_tree.sh
set -eu

here=$(cd "$(dirname "$0")" && pwd)
programs=${HAMEDIC_TEST_PROGRAMS:?"the folder of policy_store (build/tests/host)"}
dir=${1:-$(mktemp -d)}
sh "$here/../fixtures/selinux/make_tree.sh" "$dir/tree" "$dir/cache"
"$programs/policy_store" "$dir/tree" measure
[ $# -gt 0 ] || rm -rf -- "$dir"
