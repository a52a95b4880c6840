#!/bin/sh
# A reload also loads what somebody else edited: the plan lists it, and where it does not, apply refuses.
set -eu
if [ "${1-}" != inside ]; then
    build=$(dirname -- "$HAMEDIC")
    exec sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$build" \
        sh "$HAMEDIC_SOURCE/tests/integration/activates.sh" inside "$build"
fi
PATH=$2:$PATH
cd /root

fail() {
    echo "activates: $*" >&2
    exit 1
}
ask() { # COMMAND
    echo "$1" | socat -t 5 - UNIX-CONNECT:/run/haproxy/admin.sock
}
worker() {
    ask 'show info' | sed -n 's/^Pid: //p'
}

mkdir -p /etc/haproxy /run/haproxy
config=/etc/haproxy/haproxy.cfg
cat >$config <<'END'
global
    nbthread 2
    maxconn 400
    stats socket /run/haproxy/admin.sock mode 600 level admin

defaults
    mode tcp
    timeout connect 1s
    timeout client 5s
    timeout server 5s

frontend web
    bind 127.0.0.1:8080
    maxconn 50
    default_backend app

backend app
    server a1 127.0.0.1:9001 maxconn 10
END
haproxy -W -f $config -p /run/haproxy.pid 2>/run/haproxy.log &
rounds=50
until ask 'show info' >/dev/null 2>&1; do
    rounds=$((rounds - 1))
    [ "$rounds" -gt 0 ] || fail "HAProxy did not start: $(cat /run/haproxy.log)"
    sleep 0.2
done
hamedic keygen >/dev/null
hamedic keygen -o ops -W >/dev/null
install -D -m 644 ops.pub /etc/hamedic/operators/ops.pub

# Somebody edits a server and does not reload.
sed -i 's/:9001 maxconn 10/:9001 maxconn 99/' $config
hamedic plan --set haproxy.maxconn:frontend/web=80 -o listed.plan >plan.text
jq -e '.activates | length == 1' listed.plan >/dev/null || fail "not listed: $(jq -c .activates listed.plan)"
grep -q 'reload also activates' plan.text || fail "the plan does not say what the reload activates"

# What changes at run time after the plan touches no file, and is found all the same.
before=$(worker)
sum=$(sha256sum $config)
ask 'set maxconn global 300' >/dev/null
hamedic approve listed.plan -k ops.key </dev/null >/dev/null
status=0
hamedic apply listed.plan >apply.text 2>error.text || status=$?
[ "$status" -eq 3 ] || fail "apply ended with $status: $(cat apply.text error.text)"
grep -q 'would also activate.*global maxconn' error.text || fail "it does not say why: $(cat error.text)"
[ "$(worker)" = "$before" ] || fail "HAProxy was reloaded"
[ "$(sha256sum $config)" = "$sum" ] || fail "the file was changed"

# As it was planned, it is applied.
ask 'set maxconn global 400' >/dev/null
hamedic apply listed.plan >apply.text 2>&1 || fail "apply: $(cat apply.text)"
[ "$(worker)" != "$before" ] || fail "HAProxy was not reloaded"

# A change without a reload lists nothing.
sed -i 's/maxconn 80/maxconn 81/' $config
hamedic plan --set haproxy.maxconn:server/app/a1=20 -o quiet.plan >/dev/null
jq -e '.activates == []' quiet.plan >/dev/null || fail "listed without a reload"
# Without a master nothing can be reloaded: that is said when it is planned.
kill "$(cat /run/haproxy.pid)"
rounds=50
while ask 'show info' >/dev/null 2>&1; do
    rounds=$((rounds - 1))
    [ "$rounds" -gt 0 ] || fail "HAProxy did not end"
    sleep 0.2
done
haproxy -D -f $config -p /run/haproxy.pid
status=0
hamedic plan --set haproxy.maxconn:frontend/web=90 -o never.plan >plan.text 2>error.text || status=$?
[ "$status" -eq 1 ] || fail "a reload that cannot be done was planned: $status"
grep -q 'without a master' error.text || fail "it does not say why: $(cat error.text)"
[ ! -e never.plan ] || fail "a plan was written"
echo "activates: ok"
