#!/bin/sh
# Real HAProxy in namespaces: descriptors used up, reloads that fail, kernel settings that lose; and what only looks like it.
set -eu
if [ "${1-}" != inside ]; then
    build=$(dirname -- "$HAMEDIC")
    exec sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$build" \
        sh "$HAMEDIC_SOURCE/tests/integration/limits.sh" inside "$build"
fi
PATH=$2:$PATH
cd /root

fail() {
    echo "limits: $*" >&2
    tail -n 20 /run/haproxy.log >&2 || true
    [ ! -f diagnosis ] || jq -c '.findings[] | [.cause, .state, .summary]' diagnosis >&2
    exit 1
}
ask() { # COMMAND
    echo "$1" | socat -t 2 - UNIX-CONNECT:/run/haproxy/admin.sock
}
until_true() { # COMMAND...
    rounds=300
    until "$@" >/dev/null 2>&1; do
        rounds=$((rounds - 1))
        [ "$rounds" -gt 0 ] || fail "waited in vain: $*"
        sleep 0.1
    done
}
diagnose() {
    status=0
    hamedic diagnose --json >diagnosis || status=$?
    [ "$status" -eq 0 ] || [ "$status" -eq 2 ] || fail "diagnose ended with $status"
}
state_of() { # CAUSE
    jq -r --arg cause "$1" '[.findings[] | select(.cause == $cause) | .state][0] // "none"' diagnosis
}
expect() { # CAUSE STATE
    [ "$(state_of "$1")" = "$2" ] || fail "$situation: $1 is $(state_of "$1"), not $2"
}
evidence() { # CAUSE SOURCE PART
    jq -e --arg cause "$1" --arg source "$2" --arg part "$3" \
        '[.findings[] | select(.cause == $cause) | .evidence[] | select(.source == $source and (.text | contains($part)))] | length > 0' \
        diagnosis >/dev/null || fail "$situation: $1 has no evidence of $2 with '$3'"
}
begin_haproxy() { # LIMIT ARGUMENT...
    limit=$1
    shift
    # shellcheck disable=SC3045
    (ulimit -n "$limit" && exec haproxy -W -f "$config" -p /run/haproxy.pid "$@") 2>>/run/haproxy.log &
    until_true ask 'show info'
    until_true is_settled
}
# Once its worker runs, the master executes itself anew to wait for it.
is_settled() {
    tr '\0' '\n' <"/proc/$(cat /run/haproxy.pid)/environ" | grep -q HAPROXY_PROCESSES
}
end_haproxy() {
    kill "$(cat /run/haproxy.pid)"
    until_true is_gone
}
is_gone() {
    ! kill -0 "$(cat /run/haproxy.pid)" 2>/dev/null
}
worker() {
    ask 'show info' | sed -n 's/^Pid: //p'
}
# The master has said so, and is itself again.
has_failed() {
    tr '\0' '\n' <"/proc/$(cat /run/haproxy.pid)/environ" | grep -q '|type=m;.*;failedreloads=[1-9]' &&
        grep -q 'Loading failure' /run/haproxy.log && ask 'show info'
}
reload_and_fail() {
    : >/run/haproxy.log
    kill -USR2 "$(cat /run/haproxy.pid)"
    until_true has_failed
}

mkdir -p /etc/haproxy /run/haproxy
config=/etc/haproxy/haproxy.cfg
write_config() { # MAXCONN [GLOBAL LINE]
    cat >$config <<END
global
    nbthread 1
    maxconn $1
    ${2-}
    stats socket /run/haproxy/admin.sock mode 600 level admin

defaults
    mode tcp
    timeout connect 1s
    timeout client 60s
    timeout server 60s

frontend web
    bind 127.0.0.1:8080
    default_backend app

backend app
    server a1 127.0.0.1:9001
END
}
hamedic keygen >/dev/null
hamedic keygen -o ops -W >/dev/null
install -D -m 644 ops.pub /etc/hamedic/operators/ops.pub
repair() { # plans, approves and applies
    rm -f fix.plan fix.plan.*
    hamedic plan -o fix.plan >plan.text 2>&1 || fail "$situation: plan: $(cat plan.text)"
    hamedic approve fix.plan -k ops.key </dev/null >/dev/null
    hamedic apply fix.plan >apply.text 2>&1 || fail "$situation: apply: $(cat apply.text)"
}

# Holds connections, on both sides, until it is told to let go.
cat >hold.py <<'END'
import select, socket, sys, threading
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", 9001))
server.listen(512)
held = []
def accept():
    while True:
        held.append(server.accept()[0])
threading.Thread(target=accept, daemon=True).start()
for _ in range(int(sys.argv[1])):
    client = socket.socket()
    client.settimeout(2)
    client.connect(("127.0.0.1", 8080))
    held.append(client)
print("held", flush=True)
threading.Event().wait()
END
hold() { # COUNT
    : >hold.said
    python3 hold.py "$1" >hold.said &
    holder=$!
    until_true grep -q held hold.said
    sleep 0.5
}
let_go() {
    kill "$holder"
    wait "$holder" 2>/dev/null || true
    holder=
}

# ---- descriptors used up: started with fewer than its maxconn needs ----
situation="no strict-limits, idle"
write_config 2000 "no strict-limits"
begin_haproxy 256
diagnose
expect fd-limit none
expect maxconn-over-budget proven
situation="no strict-limits, 150 clients"
hold 150
diagnose
expect fd-limit proven
evidence fd-limit process "limit 256"
expect global-maxconn none
let_go
end_haproxy

situation="as many clients as maxconn allows"
write_config 60
begin_haproxy 256
hold 90
diagnose
expect fd-limit none
expect global-maxconn proven
let_go

# ---- a file that was edited, and was not reloaded ----
situation="edited, not reloaded"
write_config 61
diagnose
expect reload-failed none

# ---- a reload that fails: not enough descriptors, and the repair ----
situation="reload failed for want of descriptors"
write_config 5000
sed -i 's/bind 127.0.0.1:8080/&\n    bind 127.0.0.1:8081/' $config
before=$(worker)
reload_and_fail
[ "$(worker)" = "$before" ] || fail "$situation: it did not fail"
diagnose
expect reload-failed proven
expect maxconn-over-budget proven
expect fd-limit none
evidence reload-failed process "counts 1 failed"
evidence reload-failed stats "global maxconn: 5000 in the file, 60 runs"
repair
[ "$(worker)" != "$before" ] || fail "$situation: the repair did not reload"
jq -e '.activates | length > 0' fix.plan >/dev/null || fail "$situation: the plan does not list what the reload activates"
diagnose
expect reload-failed none
expect maxconn-over-budget none
[ "$(ask 'show info' | sed -n 's/^Maxconn: //p')" -gt 60 ] || fail "$situation: the old maxconn runs"
hamedic rollback >rollback.text 2>&1 || fail "$situation: rollback: $(cat rollback.text)"
grep -q 'maxconn 5000' $config || fail "$situation: the file is not as before"
end_haproxy

# ---- a reload that fails: somebody else has the port ----
situation="reload failed for a port"
write_config 60
begin_haproxy 256 -S /run/haproxy-master.sock
socat TCP-LISTEN:8082,bind=127.0.0.1,fork /dev/null &
other=$!
sed -i 's/bind 127.0.0.1:8080/&\n    bind 127.0.0.1:8082/' $config
reload_and_fail
diagnose
expect reload-failed proven
expect maxconn-over-budget none
evidence reload-failed master "1 failed"
hamedic plan >plan.text 2>&1 || fail "$situation: plan: $(cat plan.text)"
grep -q 'No changes\|no changes\|Nothing' plan.text || fail "$situation: something is planned: $(cat plan.text)"
kill "$other"
wait "$other" 2>/dev/null || true
kill -USR2 "$(cat /run/haproxy.pid)"
no_failure() {
    diagnose
    [ "$(state_of reload-failed)" = none ]
}
until_true no_failure

# ---- kernel settings: a file of HAProxy's that loses ----
mkdir -p /etc/sysctl.d
rm -f /etc/sysctl.d/*
running=$(cat /proc/sys/net/core/somaxconn)
situation="HAProxy's file loses"
echo 'net.core.somaxconn = 16384' >/etc/sysctl.d/50-haproxy.conf
printf '# local\nnet.core.somaxconn = 1024\n' >/etc/sysctl.d/99-zz-local.conf
diagnose
expect sysctl-overridden proven
repair
jq -e '[.changes[].address] == ["sysctl.dropin:net.core.somaxconn"]' fix.plan >/dev/null || fail "$situation: $(cat plan.text)"
grep -qx 'net.core.somaxconn = 16384' /etc/sysctl.d/99-zz-local.conf ||
    fail "$situation: the file that wins was not edited: $(cat /etc/sysctl.d/*)"
[ "$(cat /proc/sys/net/core/somaxconn)" = 16384 ] || fail "$situation: the running value is not the one"
diagnose
expect sysctl-overridden none
hamedic rollback >rollback.text 2>&1 || fail "$situation: rollback: $(cat rollback.text)"
[ "$(cat /proc/sys/net/core/somaxconn)" = "$running" ] || fail "$situation: rolled back, and still another value"
printf '# local\nnet.core.somaxconn = 1024\n' | cmp -s - /etc/sysctl.d/99-zz-local.conf || fail "$situation: rolled back, and another file"
[ ! -e /etc/sysctl.d/99-hamedic.conf ] || fail "$situation: a file of ours stays"

situation="nobody knows for whom"
mv /etc/sysctl.d/50-haproxy.conf /etc/sysctl.d/50-x.conf
diagnose
expect sysctl-overridden possible
situation="the file that wins is HAProxy's"
mv /etc/sysctl.d/99-zz-local.conf /etc/sysctl.d/99-zz-haproxy.conf
diagnose
expect sysctl-overridden none
# Here no boot sets anything: the running value proves nothing.
expect sysctl-not-persistent none
situation="a vendor's file loses"
rm -f /etc/sysctl.d/50-x.conf
echo "net.core.somaxconn = $running" >/etc/sysctl.d/99-zz-haproxy.conf
diagnose
expect sysctl-overridden none
echo "limits: ok"
