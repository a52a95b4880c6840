#!/bin/sh
# A signal, a dropped session or a full disk at any record of the journal: what is said is true, the host is wholly as
# before or wholly as planned, and nothing is left open that was said to be closed.
set -eu
helpers=$HAMEDIC_SOURCE/tests/integration/helpers
# shellcheck source=tests/integration/helpers/tree.sh
. "$helpers/tree.sh"

tree_make
cp -a "$tree" "$work/before"
state_before=$(host_state)

# A fresh tree and plan; then hamedic applies it with that fault at that call, at the Nth time.
apply_with() { # FAULT CALL N [COMMAND...]
    fault=$1 call=$2 when=$3
    shift 3
    rm -rf "$tree" "$work/fix.plan"*
    cp -a "$work/before" "$tree"
    plan_make "$work/fix.plan" haproxy.maxconn:global=3000 sysctl.dropin:net.core.somaxconn=4096
    approve "$work/fix.plan" ops-1
    status=0
    ran="apply with $fault at $call $when"
    "$@" strace -qq -o "$work/trace" -e trace="$call" -e inject="$call:$fault:when=$when" \
        "$hamedic" --root "$tree" apply "$work/fix.plan" </dev/null >"$work/out" 2>"$work/err" || status=$?
}
as_before() {
    [ "$state_before" = "$(host_state)" ] || wrong "the host is not as before"
}
applied() {
    grep -q 'maxconn 3000 ' "$tree/etc/haproxy/haproxy.cfg" || wrong "not applied"
    [ -z "$(find "$tree" -name '.hamedic.*')" ] || wrong "something staged is left"
}
closed() {
    done_with 0 recover
    says out "No transaction was interrupted."
}

# ---- signals ----

# The journal's writes are pwrite(2)s: 1 is the lock's, then OPEN, STAGED, PREPARED, COMMITTING, COMMITTED, PROVEN, DONE.
seen=
for signal in SIGTERM SIGINT SIGHUP SIGQUIT; do
    for n in 2 3 4 5 6 7 8; do
        [ "$signal" = SIGTERM ] || [ "$n" -eq 5 ] || continue
        apply_with "signal=$signal" pwrite64 "$n"
        [ "$(wc -l <"$work/trace")" -ge "$n" ] || wrong "no signal came"
        seen="$seen $status"
        case $status in
        0) applied ;;
        1 | 4)
            as_before
            cat "$work/out" "$work/err" >"$work/said"
            grep -q "stopped by $signal" "$work/said" || wrong "does not name the signal"
            ;;
        *) wrong "exit status $status" ;;
        esac
        closed
    done
done
[ "$seen" = " 1 1 4 4 4 0 0 4 4 4" ] || fail "signals ended with$seen"

# nohup says that a dropped session shall not matter.
apply_with signal=SIGHUP renameat2 2 nohup
[ "$status" -eq 0 ] || wrong "exit status $status"
applied

# ---- it, or a library that it uses, breaks: before anything was changed, and in the middle ----

seen=
for signal in SIGABRT SIGSEGV SIGBUS; do
    for n in 1 4 6; do
        apply_with "signal=$signal" pwrite64 "$n"
        seen="$seen $status"
        says err "$signal"
        says err "hamedic recover"
        run recover
        [ "$status" -eq 0 ] || wrong "exit status $status"
        as_before
        closed
    done
done
[ "$seen" = " 1 5 5 1 5 5 1 5 5" ] || fail "what broke ended with$seen"

# ---- a full disk: at one record only, and from one record on ----

for n in 2 3 4 5 6 7 8; do
    apply_with error=ENOSPC pwrite64 "$n"
    case "$n $status" in
    "2 1" | "3 1" | "4 1" | "5 1")
        as_before
        says out "Nothing was changed."
        closed
        ;;
    "6 4" | "7 4")
        as_before
        closed
        ;;
    "8 5")
        applied
        says err "the new state stands and works"
        done_with 0 recover
        applied
        ;;
    *) wrong "exit status $status" ;;
    esac
done
for n in 2 3 4 5 6 7 8; do
    apply_with error=ENOSPC pwrite64 "$n+"
    case "$n $status" in
    "2 1" | "3 1" | "4 1" | "5 1") as_before ;;
    "6 5")
        as_before
        says err "all was taken back, but that could not be recorded"
        ;;
    "7 5" | "8 5") says err "the new state stands and works" ;;
    *) wrong "exit status $status" ;;
    esac
    run recover
    [ "$status" -eq 0 ] || wrong "exit status $status"
    case $n in
    8) applied ;;
    *) as_before ;;
    esac
done

# A rollback that cannot be recorded does nothing.
apply_with error=ENOSPC pwrite64 99
[ "$status" -eq 0 ] || wrong "exit status $status"
status=0
ran="rollback on a full disk"
strace -qq -o "$work/trace" -e trace=pwrite64 -e inject=pwrite64:error=ENOSPC:when=2+ \
    "$hamedic" --root "$tree" rollback </dev/null >"$work/out" 2>"$work/err" || status=$?
[ "$status" -eq 1 ] || wrong "exit status $status"
one_line_names "No space left on device"
applied
closed
done_with 0 rollback
as_before
echo "every interruption is told and closed"
