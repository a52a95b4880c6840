#!/bin/sh
# Ways round the review and the policy, and ways to be told something else than what happened: none is open.
set -eu
helpers=$HAMEDIC_SOURCE/tests/integration/helpers
# shellcheck source=tests/integration/helpers/tree.sh
. "$helpers/tree.sh"

tree_make
wish=haproxy.maxconn:global=3000
plan=$work/fix.plan

# ---- another policy than the host's ----

mkdir -p "$tree/etc/hamedic/policy.d"
install -m 644 "$HAMEDIC_SOURCE/policies/strict.conf" "$tree/etc/hamedic/policy.d/"
# A copy of our own: a checkout may be writable by a group, and such a policy is refused.
loose=$work/loose.conf
install -m 644 "$HAMEDIC_SOURCE/policies/default.conf" "$loose"
done_with 0 plan -o "$plan" --policy "$loose" --set "$wish"
approve "$plan" ops-1
done_with 0 verify "$plan" --policy "$loose"
refused 3 "the plan was made under policy" apply "$plan"
before=$(fingerprint)
done_with 64 apply --policy "$loose" "$plan"
says err "unknown option '--policy'"
[ "$before" = "$(fingerprint)" ] || wrong "wrote something"
rm -r "$tree/etc/hamedic/policy.d" "$plan"*

# ---- the live host as a tree: its files would change, and nobody would look at what runs ----

for command in "apply $plan" rollback recover; do
    status=0
    ran="hamedic --root / $command"
    # shellcheck disable=SC2086 # a command and its argument
    sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$(dirname -- "$hamedic")" "$hamedic" --root / $command \
        >"$work/out" 2>"$work/err" </dev/null || status=$?
    [ "$status" -eq 1 ] || wrong "exit status $status"
    one_line_names "--root '/' is this live host itself"
done

# ---- a key that was taken away while apply waited for the lock ----

plan_make "$plan" "$wish"
approve "$plan" ops-1
rm "$tree/run/hamedic/lock"
before=$(fingerprint | grep -v operators)
ran="apply while a key is taken away"
stands_still flock 1 apply "$plan"
rm "$tree/etc/hamedic/operators/ops-1.pub"
goes_on
cp "$work/still.err" "$work/err"
[ "$ended" -eq 3 ] || wrong "exit status $ended"
one_line_names "0 of 1 operators' signatures are there: others went while it waited"
[ "$before" = "$(fingerprint | grep -v operators)" ] || wrong "wrote something"
cp "$work/ops-1.pub" "$tree/etc/hamedic/operators/"

# ---- the key decides, not the name: what is kept are the signatures that held ----

mv "$plan.minisig" "$plan.of-the-agent.minisig"
cp "$plan.ops-1.minisig" "$plan.minisig"
done_with 0 apply "$plan"
kept=$(find "$tree/var/lib/hamedic/tx" -name plan.minisig)
cmp -s "$kept" "$plan.of-the-agent.minisig" || fail "another signature than the agent's was kept as its own"
done_with 0 rollback

# ---- nothing to print to: the lock keeps its number, and the exit status tells what happened ----

for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-' '>/dev/full'; do
    rm -f "$plan"*
    plan_make "$plan" "$wish"
    approve "$plan" ops-1
    for command in "apply $plan" rollback; do
        status=0
        ran="hamedic $command $closed"
        : >"$work/out"
        : >"$work/err"
        eval "\"\$hamedic\" --root \"\$tree\" $command </dev/null >\"\$work/out\" 2>\"\$work/err\" $closed" || status=$?
        [ "$status" -eq 0 ] || wrong "exit status $status"
        grep -q '^[0-9]*$' "$tree/run/hamedic/lock" || wrong "something was written into the lock"
        [ "$(wc -l <"$tree/run/hamedic/lock")" -eq 1 ] || wrong "something was written into the lock"
    done
done

# ---- a lost undo copy: said, and the file stays ----

rm -f "$plan"*
plan_make "$plan" "$wish"
approve "$plan" ops-1
done_with 0 apply "$plan"
cp "$tree/etc/haproxy/haproxy.cfg" "$work/applied.cfg"
find "$tree/var/lib/hamedic/tx" -name 'old.*' -delete
done_with 5 rollback
says err "missing or damaged"
cmp "$work/applied.cfg" "$tree/etc/haproxy/haproxy.cfg" || wrong "the file changed"
echo "no way round is open"
