#!/bin/sh
# Confirm or roll back, as far as a tree shows it: what awaits stays when it is confirmed in time, and comes back when it is
# not; everybody names it meanwhile, and nothing that is wrong elsewhere keeps it from coming back. Who wakes the agent
# (systemd), and restarts of the host, are shown in tests/lab.
set -eu
helpers=$HAMEDIC_SOURCE/tests/integration/helpers
# shellcheck source=tests/integration/helpers/tree.sh
. "$helpers/tree.sh"

cfg=$tree/etc/haproxy/haproxy.cfg
tree_make
cp -a "$tree" "$work/kept"
before=$(host_state)
awaiting() { # SECONDS
    rm -rf "$tree" "$work/fix.plan"*
    cp -a "$work/kept" "$tree"
    plan_make "$work/fix.plan" haproxy.maxconn:global=3000 sysctl.dropin:net.core.somaxconn=4096
    approve "$work/fix.plan" ops-1
    "${HAMEDIC_TEST_PROGRAMS:?}/awaiting" "$tree" "$work/fix.plan" "$1" || fail "nothing awaits"
    applied
}
applied() {
    grep -q 'maxconn 3000 ' "$cfg" || wrong "not applied"
}
as_before() {
    [ "$before" = "$(host_state)" ] || wrong "the host is not as before"
}
state() {
    done_with 0 history --json
    jq -r '.transactions[-1].state' "$work/out"
}

# ---- what cannot be held is refused, and nothing begins ----

plan_make "$work/fix.plan" haproxy.maxconn:global=3000
approve "$work/fix.plan" ops-1
refused 1 "--confirm: nothing holds a deadline for a tree" apply --confirm 60 "$work/fix.plan"
for bad in 0 -1 x '' 86401 99999999999999999999 1.5; do
    done_with 64 apply "--confirm=$bad" "$work/fix.plan"
    says err "expected seconds, 1 to 86400"
done

# ---- confirmed ----

awaiting 600
[ "$(state)" = "awaiting confirmation" ] || wrong "tells another state"
[ -n "$(find "$tree/etc" -name '.hamedic.*')" ] || wrong "what was displaced is gone before it is decided"
for look in "plan --set haproxy.maxconn:global=4000" "show $work/fix.plan" history "diagnose"; do
    # shellcheck disable=SC2086 # words of a command
    run $look
    says err "awaits its confirmation for"
done
plan_make "$work/next.plan" haproxy.maxconn:server/shop/shop1=100
approve "$work/next.plan" ops-1
refused 3 "awaits its confirmation for" apply "$work/next.plan"
done_with 0 recover
says out "awaits its confirmation for"
done_with 0 recover --deadline
applied
done_with 0 confirm
says out "Confirmed"
applied
[ -z "$(find "$tree/etc" -name '.hamedic.*')" ] || wrong "left files behind"
[ "$(state)" = applied ] || wrong "tells another state"
done_with 0 history
says out "kept by"
done_with 0 confirm
says out "confirmed already"
done_with 0 recover
says out "No transaction was interrupted."
done_with 0 rollback
as_before
refused 1 "no transaction awaits a confirmation" confirm

# ---- taken back before its time is over ----

awaiting 600
done_with 0 rollback
as_before
refused 1 "no transaction awaits a confirmation" confirm

# ---- not confirmed ----

# The timer's look begins before the time is over, and waits for it.
awaiting 3
done_with 4 recover --deadline
says out "was not confirmed in time"
as_before
[ "$(state)" = "rolled back" ] || wrong "tells another state"
done_with 0 history
says out "not confirmed within 3 s"
done_with 0 recover --deadline
refused 1 "no transaction awaits a confirmation" confirm

# Nobody looked: it is named, and the first who may change something takes it back.
stranded() {
    awaiting 1
    sleep 1.1
}
stranded
done_with 0 plan --set haproxy.maxconn:global=4000
says err "was not confirmed in time"
applied
done_with 4 confirm
as_before
stranded
done_with 0 recover
as_before
stranded
done_with 0 rollback
as_before
stranded
plan_make "$work/next.plan" haproxy.maxconn:server/shop/shop1=100
approve "$work/next.plan" ops-1
done_with 3 apply "$work/next.plan"
says out "was not confirmed in time"
says err "moved since the plan"
as_before

# ---- nothing is in the way of taking back ----

# One of another boot is over: its record says so.
awaiting 600
python3 "$helpers/journal_times.py" "$tree"/var/lib/hamedic/tx/0* 0 00000000-0000-4000-8000-000000000000
done_with 0 recover
says out "was not confirmed in time"
as_before
done_with 0 history
says out "before the host was restarted"

for broken in policy settings configuration keys machine-id; do
    awaiting 600
    case $broken in
    policy) mkdir -p "$tree/etc/hamedic/policy.d" && echo 'no policy {' >"$tree/etc/hamedic/policy.d/broken.conf" ;;
    settings) echo 'nothing = like it' >"$tree/etc/hamedic/hamedic.conf" ;;
    configuration) printf 'backend shop\n    server %s\n' "'" >"$tree/etc/haproxy/other.cfg" ;;
    keys) rm -rf "$tree/etc/hamedic/agent.key" "$tree/etc/hamedic/agent.pub" "$tree/etc/hamedic/operators" ;;
    machine-id) rm "$tree/etc/machine-id" ;;
    esac
    run diagnose
    says err "awaits its confirmation for"
    done_with 0 rollback
    [ "$broken" != settings ] || says err "going on without settings"
    grep -q 'maxconn 2000 ' "$cfg" || wrong "not taken back"
done
awaiting 600
echo 'nothing = like it' >"$tree/etc/hamedic/hamedic.conf"
done_with 0 confirm
applied
echo "confirm: ok"
