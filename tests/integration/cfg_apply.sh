#!/bin/sh
# Each kind of maxconn and a stats socket on a running HAProxy: planned, approved, applied, looked at in the file and
# in the process, and taken back byte for byte. What its Runtime API reaches MUST NOT reload.
set -eu
if [ "${1-}" != inside ]; then
    build=$(dirname -- "$HAMEDIC")
    exec sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$build" \
        sh "$HAMEDIC_SOURCE/tests/integration/cfg_apply.sh" inside "$build"
fi
PATH=$2:$PATH
cd /root

fail() {
    echo "cfg_apply: $*" >&2
    exit 1
}
ask() { # COMMAND
    echo "$1" | socat -t 5 - UNIX-CONNECT:/run/haproxy/admin.sock
}
info() { # KEY
    ask 'show info' | sed -n "s/^$1: //p"
}
limit() { # PROXY NAME
    ask 'show stat' | awk -F, -v proxy="$1" -v name="$2" '
        NR == 1 { sub(/^# /, ""); for (i = 1; i <= NF; i++) if ($i == "slim") slim = i }
        $1 == proxy && $2 == name { print $slim }'
}
is() { # WHAT WANTED SEEN
    [ "$2" = "$3" ] || fail "$1: wanted '$2', saw '$3'"
}
wait_for() { # WHAT COMMAND...
    rounds=50
    what=$1
    shift
    until "$@" >/dev/null 2>&1; do
        rounds=$((rounds - 1))
        [ "$rounds" -gt 0 ] || fail "waited in vain for $what"
        sleep 0.2
    done
}

mkdir -p /etc/haproxy /run/haproxy
config=/etc/haproxy/haproxy.cfg
tab=$(printf '\t')
cat >$config <<END
# The order is not the usual one.
backend be
${tab}default-server inter 60s
${tab}server s1 127.0.0.1:9001 max"conn" 1"0"# few
${tab}server s2 127.0.0.1:9002${tab}

defaults
${tab}mode tcp
${tab}timeout connect 1s
${tab}timeout client 5s
${tab}timeout server 5s

frontend fe
${tab}bind 127.0.0.1:8080
${tab}default_backend be

global
${tab}nbthread 2
${tab}\\x6d\\x61xconn 400
${tab}stats socket /run/haproxy/admin.sock mode 600 level admin
END
cp $config before.cfg
# The defaults stand below: the backend has none of the timeouts, which is only warned of.
haproxy -c -q -f $config 2>/dev/null || fail "the configuration is not valid"
haproxy -W -f $config -p /run/haproxy.pid 2>/run/haproxy.log &
wait_for "HAProxy" ask 'show info'
hamedic keygen >/dev/null
hamedic keygen -o ops -W >/dev/null
install -D -m 644 ops.pub /etc/hamedic/operators/ops.pub

apply() { # ADDRESS=VALUE
    rm -f fix.plan*
    hamedic plan --set "$1" -o fix.plan >plan.text || fail "plan $1: $?"
    hamedic approve fix.plan -k ops.key >/dev/null </dev/null || fail "approve $1"
    hamedic apply fix.plan >apply.text 2>&1 || fail "apply $1: $(cat apply.text)"
}
back() {
    hamedic rollback >back.text 2>&1 || fail "rollback: $(cat back.text)"
    cmp $config before.cfg || fail "the file is not as before"
}
# Applies, compares the file with what sed makes of it, the running value, and whether the worker is another one.
try() { # ADDRESS=VALUE SED-SCRIPT same|new BEFORE AFTER QUESTION...
    address=$1 script=$2 worker=$3 before=$4 after=$5
    shift 5
    echo "  $address"
    is "$address before" "$before" "$("$@")"
    pid=$(info Pid)
    apply "$address"
    sed "$script" before.cfg >wanted.cfg
    cmp $config wanted.cfg || fail "$address: more or less than the token changed: $(diff wanted.cfg $config)"
    is "$address running" "$after" "$("$@")"
    case $worker in
    same) is "$address worker" "$pid" "$(info Pid)" ;;
    new) [ "$pid" != "$(info Pid)" ] || fail "$address: no reload" ;;
    esac
    back
    is "$address taken back" "$before" "$("$@")"
    [ "$worker" = new ] || is "$address worker afterwards" "$pid" "$(info Pid)"
}

try haproxy.maxconn:server/be/s1=25 's/1"0"#/25#/' same 10 25 limit be s1
try haproxy.maxconn:server/be/s2=30 "s/:9002/:9002 maxconn 30/" same '' 30 limit be s2
try haproxy.maxconn:global=300 's/xconn 400/xconn 300/' same 400 300 info Maxconn
try haproxy.maxconn:global=9000 's/xconn 400/xconn 9000/' new 400 9000 info Maxconn
try haproxy.maxconn:frontend/fe=77 "/bind/a\\${tab}maxconn 77" new 400 77 limit fe FRONTEND
try haproxy.maxconn:defaults=66 "/mode tcp/a\\${tab}maxconn 66" new 400 66 limit fe FRONTEND
try haproxy.maxconn:default-server/be=12 's/inter 60s/inter 60s maxconn 12/' new '' 12 limit be s2
try haproxy.maxconn:server/be/s1= 's/ max"conn" 1"0"#/#/' new 10 '' limit be s1

echo "  haproxy.stats_socket"
apply haproxy.stats_socket:global=/run/haproxy/second.sock
is "its mode" 600 "$(stat -c %a /run/haproxy/second.sock)"
echo 'show info' | socat -t 5 - UNIX-CONNECT:/run/haproxy/second.sock | grep -q '^Pid' || fail "no answer"
is "lines added" 1 "$(diff before.cfg $config | grep -c '^>')"
back

echo "  refused"
status=0
hamedic plan --set haproxy.maxconn:global=100000 -o big.plan 2>refused.text || status=$?
is "a maxconn without descriptors" 1 "$status"
grep -q '2 x 100000 connections' refused.text || fail "the formula is not told: $(cat refused.text)"
[ ! -e big.plan ] || fail "a plan was written"

# A foreign edit between: only our word goes.
apply haproxy.maxconn:server/be/s2=30
sed -i 's/timeout connect 1s/timeout connect 2s/' $config
hamedic rollback >back.text 2>&1 || fail "rollback: $(cat back.text)"
sed 's/timeout connect 1s/timeout connect 2s/' before.cfg | cmp - $config || fail "not only our word went"
is "running" '' "$(limit be s2)"
echo "cfg_apply: all held"
