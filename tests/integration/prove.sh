#!/bin/sh
# Only what works stays: a service that got worse, a finding that did not go, a reload that only says it worked, and a
# running value that somebody else set meanwhile. All is taken back then, with the reason, and HAProxy serves as before.
set -eu
if [ "${1-}" != inside ]; then
    build=$(dirname -- "$HAMEDIC")
    exec sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$build" \
        sh "$HAMEDIC_SOURCE/tests/integration/prove.sh" inside "$build"
fi
build=$2
PATH=$build:$PATH
cd /root

fail() {
    echo "prove: ${situation-}: $*" >&2
    cat apply.text >&2 2>/dev/null || true
    tail -n 20 /run/haproxy.log >&2 || true
    exit 1
}
ask() { # COMMAND
    echo "$1" | socat -t 2 - UNIX-CONNECT:/run/haproxy/admin.sock
}
until_true() { # COMMAND...
    rounds=600
    until "$@" >/dev/null 2>&1; do
        rounds=$((rounds - 1))
        [ "$rounds" -gt 0 ] || fail "waited in vain: $*"
        sleep 0.1
    done
}
info() { # FIELD
    ask 'show info' | sed -n "s/^$1: //p"
}
is_info() { # FIELD VALUE
    [ "$(info "$1")" = "$2" ]
}
status_of() { # SERVER
    ask 'show stat' | awk -F, -v name="$1" '$2 == name { print $18 }'
}
is_status() { # SERVER WORDS
    [ "$(status_of "$1")" = "$2" ]
}
serves() {
    curl -s -o /dev/null -w '%{http_code}' --max-time 3 http://127.0.0.1:8080/ | grep -qx 200
}
backend() { # PORT, sets $pid
    "$build/tests/host/backend" "127.0.0.1:$1=0" >"backend.$1" &
    pid=$!
    until_true grep -q ready "backend.$1"
}

mkdir -p /etc/haproxy /run/haproxy /root/bin
config=/etc/haproxy/haproxy.cfg
write_config() { # FILE
    cat >"$1" <<'END2'
global
    nbthread 1
    maxconn 400
    stats socket /run/haproxy/admin.sock mode 600 level admin

defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s

frontend web
    bind 127.0.0.1:8080
    maxconn 50
    default_backend app

backend app
    server a1 127.0.0.1:9001 check inter 200 fall 1 rise 1 maxconn 10
    server a2 127.0.0.1:9002 check inter 200 fall 1 rise 1
    server a3 127.0.0.1:9003 check inter 200 fall 1 rise 1
END2
}
write_config $config
# The master executes itself anew by this name, so that a later reload may meet another program there.
ln -s "$(command -v haproxy)" /root/bin/haproxy
real=$(readlink -f /root/bin/haproxy)
backend 9001
a1=$pid
backend 9002
a2=$pid
is_gone() {
    ! ask 'show info'
}
start() {
    /root/bin/haproxy -W -f $config -p /run/haproxy.pid 2>>/run/haproxy.log &
    until_true ask 'show info'
    until_true is_status a1 UP
    until_true is_status a2 UP
    until_true is_status a3 DOWN
    until_true serves
}
start
hamedic keygen >/dev/null
hamedic keygen -o ops -W >/dev/null
install -D -m 644 ops.pub /etc/hamedic/operators/ops.pub

plan() { # ADDRESS=VALUE...
    rm -f fix.plan fix.plan.*
    for wish in "$@"; do
        set -- "$@" --set "$wish"
        shift
    done
    hamedic plan -o fix.plan "$@" >plan.text 2>&1 || fail "plan: $(cat plan.text)"
    hamedic approve fix.plan -k ops.key </dev/null >/dev/null
    before=$(sha256sum $config)
    running=$(ask 'show stat' | cut -d, -f1,2,7; info Maxconn)
}
# Applies it; it stands still behind COMMITTING, the fifth record (the first is the lock's): the baseline was taken.
begin() {
    rm -f trace
    strace -qq -o trace -e trace=pwrite64 -e inject=pwrite64:signal=SIGSTOP:when=5 \
        hamedic apply fix.plan >apply.text 2>&1 &
    applying=$!
    until_true grep -qF 'stopped by SIGSTOP' trace
}
# It goes on, and ends so.
ends() { # STATUS WORDS
    kill -CONT "$(cat /run/hamedic/lock)"
    status=0
    wait "$applying" || status=$?
    [ "$status" -eq "$1" ] || fail "apply ended with $status instead of $1"
    tr -s ' \n' ' ' <apply.text | grep -qF -- "$2" || fail "does not say '$2'"
}
is_before() {
    [ "$(sha256sum $config)" = "$before" ] || fail "haproxy.cfg is not as before"
    until_true serves
    now=$(ask 'show stat' | cut -d, -f1,2,7; info Maxconn)
    [ "$running" = "$now" ] || fail "HAProxy does not run as before: $now"
    [ ! -e /etc/sysctl.d/99-hamedic.conf ] || fail "the kernel's settings are not as before"
}

situation="a server that was DOWN before"
plan haproxy.maxconn:frontend/web=60
hamedic apply fix.plan >apply.text 2>&1 || fail "apply ended with $?"
until_true is_status a3 DOWN
hamedic rollback >apply.text 2>&1 || fail "rollback ended with $?"
is_before

situation="a server that goes down meanwhile"
until_true is_status a2 UP
plan haproxy.maxconn:frontend/web=60 haproxy.maxconn:global=300
begin
kill "$a2"
wait "$a2" 2>/dev/null || true
ends 4 "app/a2 was UP and is DOWN"
is_before
backend 9002
a2=$pid
until_true is_status a2 UP

situation="a listener that is lost meanwhile"
plan haproxy.maxconn:server/app/a1=20
begin
ask 'disable frontend web' >/dev/null
ends 4 "nothing listens on tcp/8080 any more"
ask 'enable frontend web' >/dev/null
is_before

# ---- running values that somebody else sets meanwhile ----

situation="a server's maxconn set meanwhile"
plan haproxy.maxconn:server/app/a1=20
begin
ask 'set maxconn server app/a1 33' >/dev/null
ends 4 "somebody changed the running value meanwhile: it was 10 when it was planned, and is 33"
[ "$(ask 'show stat' | awk -F, '$2 == "a1" { print $7 }')" = 33 ] || fail "somebody's value is lost"
ask 'set maxconn server app/a1 10' >/dev/null
is_before

situation="the global maxconn set before a reload"
plan haproxy.maxconn:frontend/web=60
begin
ask 'set maxconn global 333' >/dev/null
ends 4 "somebody set the global maxconn from 400 to 333 meanwhile: the reload would lose that"
[ "$(info Maxconn)" = 333 ] || fail "somebody's value is lost"
ask 'set maxconn global 400' >/dev/null
is_before

situation="a server put into maintenance before a reload"
plan haproxy.maxconn:frontend/web=60
begin
ask 'set server app/a2 state maint' >/dev/null
ends 4 "somebody put app/a2 in maintenance meanwhile (it was in use): the reload would lose that"
is_status a2 MAINT || fail "the server is used again"
ask 'set server app/a2 state ready' >/dev/null
until_true is_status a2 UP
is_before

situation="a kernel setting set meanwhile"
old=$(cat /proc/sys/net/core/somaxconn)
plan sysctl.dropin:net.core.somaxconn=5000
begin
echo 4321 >/proc/sys/net/core/somaxconn
ends 4 "somebody changed the running value meanwhile: it was $old when it was planned, and is 4321"
[ "$(cat /proc/sys/net/core/somaxconn)" = 4321 ] || fail "somebody's value is lost"
echo "$old" >/proc/sys/net/core/somaxconn
is_before

# ---- a reload that only says it worked ----

situation="a reload that loads something else"
cp $config /root/old.cfg
# The same words, but another file is there for it: a mount of its own. And what it starts on the way and waits for is no
# worker that ended.
cat >/root/other <<END2
#!/bin/sh
(sleep 0.3; :)
exec unshare --mount sh -c 'mount --bind /root/old.cfg $config && exec $real "\$@"' sh "\$@"
END2
chmod 755 /root/other
plan haproxy.maxconn:frontend/web=60
worker=$(info Pid)
ln -sf /root/other /root/bin/haproxy
status=0
hamedic apply fix.plan >apply.text 2>&1 || status=$?
[ "$status" -eq 4 ] || fail "apply ended with $status"
tr -s ' \n' ' ' <apply.text | grep -q 'the running HAProxy has maxconn 50, not 60' || fail "it does not say why"
[ "$(info Pid)" != "$worker" ] || fail "HAProxy was not reloaded"
is_before
ln -sf "$real" /root/bin/haproxy
kill "$(cat /run/haproxy.pid)"
until_true is_gone
start

# ---- an undo's reload ----

situation="a configuration that nobody can load, when it is taken back"
plan haproxy.maxconn:frontend/web=60
hamedic apply fix.plan >apply.text 2>&1 || fail "apply ended with $?"
until_true serves
echo 'nonsense' >>$config
worker=$(info Pid)
status=0
hamedic rollback >apply.text 2>&1 || status=$?
[ "$status" -eq 5 ] || fail "rollback ended with $status"
grep -q 'haproxy -c refuses the configuration' apply.text || fail "it does not say why"
[ "$(info Pid)" = "$worker" ] && serves || fail "the worker does not go on"
! tr '\0' '\n' <"/proc/$(cat /run/haproxy.pid)/environ" | grep -q 'failedreloads=[1-9]' ||
    fail "HAProxy was told to load what it cannot load"
sed -i '/^nonsense/d' $config
hamedic rollback >apply.text 2>&1 || fail "the second rollback ended with $?"
is_before

# ---- a Runtime API that does not answer ----

situation="no Runtime API before"
chmod 755 /run/haproxy
mv /run/haproxy/admin.sock /run/haproxy/kept.sock
rm -f fix.plan fix.plan.*
hamedic plan -o fix.plan --set sysctl.dropin:net.core.somaxconn=5000 >plan.text 2>&1 || fail "plan: $(cat plan.text)"
hamedic approve fix.plan -k ops.key </dev/null >/dev/null
hamedic apply fix.plan >apply.text 2>&1 || fail "apply ended with $?"
tr -s ' \n' ' ' <apply.text | grep -q 'Runtime API did not answer before' || fail "it does not say what was not compared"
hamedic rollback >apply.text 2>&1 || fail "rollback ended with $?"
mv /run/haproxy/kept.sock /run/haproxy/admin.sock
is_before
kill "$(cat /run/haproxy.pid)" "$a1" "$a2"
until_true is_gone

# ---- what was wrong must be gone ----

# "late": those who found the queue full come back some time after the reload, which a new Pid shows: a client's first
# packet is sent again after a second.
cat >hold.py <<'END2'
import re, socket, sys, threading, time
def accept(server):
    while True:
        held.append(server.accept()[0])
def pid():
    with socket.socket(socket.AF_UNIX) as api:
        api.settimeout(5)
        try:
            api.connect("/run/haproxy/admin.sock")
            api.sendall(b"show info\n")
            return re.search(rb"^Pid: (\d+)$", b"".join(iter(lambda: api.recv(65536), b"")), re.M).group(1)
        except (OSError, AttributeError):
            return None
count, mode = int(sys.argv[1]), sys.argv[2]
held = []
if mode == "serve":
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", 9001))
    server.listen(4096)
    threading.Thread(target=accept, args=(server,), daemon=True).start()
if mode == "late":
    old = None
    while old is None:
        old = pid()
    print("ready", flush=True)
    while pid() in (None, old):  # the API may be away for a moment
        time.sleep(0.01)
    time.sleep(0.7)
for _ in range(count):
    client = socket.socket()
    client.setblocking(mode == "serve")  # the queue has room for those; for the late ones the kernel goes on by itself
    client.connect_ex(("127.0.0.1", 8080))
    held.append(client)
print("ready", flush=True)
threading.Event().wait()
END2
hold() { # COUNT serve|late
    : >"held.$2"
    python3 hold.py "$1" "$2" >"held.$2" &
    pid=$!
    until_true grep -q ready "held.$2"
}
write_config $config
sed -i -e 's/mode http/mode tcp/' -e 's/^    maxconn 400/    maxconn 60/' -e '/^    maxconn 50/d' -e '/a2\|a3/d' -e 's/ check .*//' $config
for more in 300 0; do
    situation="a global maxconn that is used up, and $more clients that come back later"
    /root/bin/haproxy -W -f $config -p /run/haproxy.pid 2>>/run/haproxy.log &
    until_true ask 'show info'
    hold 90 serve
    holder=$pid other=
    until_true is_info CurrConns 60
    rm -f fix.plan fix.plan.*
    hamedic plan -o fix.plan >plan.text 2>&1 || fail "plan: $(cat plan.text)"
    jq -e '[.findings[] | [.cause, .state]] | index([["global-maxconn", "proven"]])' fix.plan >/dev/null ||
        fail "another finding: $(cat plan.text)"
    hamedic approve fix.plan -k ops.key </dev/null >/dev/null
    before=$(sha256sum $config)
    begin
    if [ "$more" -gt 0 ]; then
        hold "$more" late
        other=$pid
        ends 4 "global-maxconn of global is still there: all 120 connections that the global maxconn allows are in use"
        [ "$(sha256sum $config)" = "$before" ] || fail "haproxy.cfg is not as before"
        until_true is_info Maxconn 60
    else
        ends 0 "what was wrong is gone"
        [ "$(info Maxconn)" = 120 ] || fail "the new maxconn does not run"
    fi
    kill "$(cat /run/haproxy.pid)" "$holder" $other
    until_true is_gone
done
echo "prove: ok"
