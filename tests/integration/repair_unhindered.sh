#!/bin/sh
# A HAProxy that cannot be examined (two of them run, and nobody says which) keeps nothing from being taken back but what
# runs in it, and that is told; once it can be examined again, the rest comes back, too.
set -eu
if [ "${1-}" != inside ]; then
    build=$(dirname -- "$HAMEDIC")
    exec sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$build" \
        sh "$HAMEDIC_SOURCE/tests/integration/repair_unhindered.sh" inside "$build"
fi
PATH=$2:$PATH
cd /root

fail() {
    echo "repair_unhindered: $*: $(cat out err 2>/dev/null)" >&2
    exit 1
}
ask() { # COMMAND
    echo "$1" | socat -t 5 - UNIX-CONNECT:/run/haproxy/admin.sock
}
wait_for() { # WORDS COMMAND...
    words=$1
    rounds=50
    shift
    until "$@" >/dev/null 2>&1; do
        rounds=$((rounds - 1))
        [ "$rounds" -gt 0 ] || fail "$words"
        sleep 0.2
    done
}
ends_with() { # STATUS COMMAND...
    expected=$1
    status=0
    shift
    "$@" </dev/null >out 2>err || status=$?
    [ "$status" -eq "$expected" ] || fail "'$*' ended with $status instead of $expected"
}
apply() { # ADDRESS=VALUE...
    rm -f fix.plan*
    for wish in "$@"; do
        set -- "$@" --set "$wish"
        shift
    done
    ends_with 0 hamedic plan -o fix.plan "$@"
    ends_with 0 hamedic approve fix.plan -k ops.key
    ends_with 0 hamedic apply fix.plan
}

mkdir -p /etc/haproxy /run/haproxy
config=/etc/haproxy/haproxy.cfg
cat >$config <<'END'
global
    maxconn 400
    stats socket /run/haproxy/admin.sock mode 600 level admin

defaults
    mode tcp
    timeout connect 1s
    timeout client 5s
    timeout server 5s

listen web
    bind 127.0.0.1:8080
    server a1 127.0.0.1:9001 maxconn 10
END
sed -e 's/admin.sock/other.sock/; s/8080/8081/' $config >other.cfg
haproxy -W -f $config -p /run/haproxy.pid 2>/run/haproxy.log &
wait_for "HAProxy did not start" ask 'show info'
hamedic keygen >/dev/null
hamedic keygen -o ops -W >/dev/null
install -D -m 644 ops.pub /etc/hamedic/operators/ops.pub
other() {
    rm -f /run/other.pid
    haproxy -W -f other.cfg -p /run/other.pid 2>/run/other.log &
    wait_for "the other HAProxy did not start" test -s /run/other.pid
    ends_with 1 hamedic plan --set haproxy.maxconn:global=500
}
end_other() {
    kill "$(cat /run/other.pid)"
    wait_for "the other HAProxy did not end" sh -c '! kill -0 "$(cat /run/other.pid)"'
}

# What does not run in HAProxy comes back as if nothing were.
before=$(cat /proc/sys/net/core/somaxconn)
apply sysctl.dropin:net.core.somaxconn=$((before * 2))
[ "$(cat /proc/sys/net/core/somaxconn)" = $((before * 2)) ] || fail "not applied"
other
ends_with 0 hamedic rollback
[ "$(cat /proc/sys/net/core/somaxconn)" = "$before" ] || fail "not taken back"
end_other

# What does: the file is as before, what runs is told, and comes back by a second try.
sum=$(sha256sum $config)
apply haproxy.maxconn:server/web/a1=20
ask 'show servers conn web' >/dev/null
other
ends_with 5 hamedic rollback
grep -q 'HAProxy could not be examined' err || fail "it does not say why"
[ "$(sha256sum $config)" = "$sum" ] || fail "the file is not as before"
end_other
ends_with 0 hamedic rollback
ask 'show stat' | grep '^web,a1,' | cut -d, -f7 | grep -qx 10 || fail "what runs is not as before: $(ask 'show stat')"
echo "repair_unhindered: ok"
