#!/bin/sh
# Kills a policy store transaction (a boolean and a port) at every file system call that changes names or makes
# data durable. After each kill the store, once repaired, must be as before or as wanted, never in between, and
# must still take the undo.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
store=${HAMEDIC_TEST_PROGRAMS:?}/policy_store
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
calls="rename unlink rmdir fsync syncfs"

fail() {
    echo "selinux_crash.sh: $kill: $*" >&2
    exit 1
}
fresh() {
    sh "$here/../fixtures/selinux/make_tree.sh" "$dir/tree" "$dir/cache"
}

command -v strace >/dev/null || { echo "selinux_crash.sh: strace is missing" >&2; exit 1; }
kill="no kill"
fresh
before=$("$store" "$dir/tree" show)
"$store" "$dir/tree" apply
wanted=$("$store" "$dir/tree" show)
[ "$before" != "$wanted" ] || fail "apply changes nothing"

# Kills at the call of that name and number; false where there are fewer.
kill_at() {
    kill="kill at $1 $2"
    fresh
    status=0
    strace -qq -o "$dir/trace" -e "trace=$1" -e "inject=$1:signal=SIGKILL:when=$2" \
        "$store" "$dir/tree" apply 2>/dev/null || status=$?
    [ "$status" != 0 ] || return 1
    grep -q 'killed by SIGKILL' "$dir/trace" || fail "apply failed with $status, but was not killed"
    "$store" "$dir/tree" show | sed -n 's/^store //p' >>"$dir/seen"
    "$store" "$dir/tree" repair || fail "cannot be repaired"
    after=$("$store" "$dir/tree" show)
    [ "$after" = "$before" ] || [ "$after" = "$wanted" ] || fail "neither before nor as wanted: $after"
    "$store" "$dir/tree" undo || fail "cannot be undone"
    after=$("$store" "$dir/tree" show)
    [ "$after" = "$before" ] || fail "not as before after the undo: $after"
}

: >"$dir/seen"
for call in $calls; do
    number=1
    while kill_at "$call" "$number"; do
        number=$((number + 1))
    done
    [ "$number" -gt 1 ] || fail "the transaction calls no $call"
done

# Did the kills meet what they are for?
for state in sound no-active not-installed; do
    grep -qx "$state" "$dir/seen" || fail "no kill left the store '$state'"
done
echo "$(wc -l <"$dir/seen") kills:$(sort "$dir/seen" | uniq -c | tr -s ' \n' ' ')"
