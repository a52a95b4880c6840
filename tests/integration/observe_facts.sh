#!/bin/sh
# All sources together: on a live host, in another network namespace, with nothing running, on a tree.
set -eu
. "$HAMEDIC_SOURCE/tests/integration/observe_common.inc"

# ---- live
write_config "$dir/h.cfg" 127.43.0.4:18080 <<END
    stats socket $dir/stats.sock level admin
    maxconn 321
END
begin "$haproxy" -W -f h.cfg
until_true is_found
until_true test -S "$dir/stats.sock"
worker=$(value worker)
ask facts
[ "$status" = 0 ] || fail "the host could not be observed"
for source in process config 'haproxy -c' stats sysctl sockets probe; do
    said "source $source: ok"
done
said "tree 0"
said "info-pid $worker"
said "descriptors 1"
said "worker-memory 1"
said "check 0"
said "stat back/refuses no check"
said "listener 127.43.0.4 18080 limit 321"
said "probe 127.43.0.4 18080 connected"
said "probe 127.43.0.1 1 Connection refused"
[ "$(grep -c '^probe ' "$dir/said")" = 2 ] || fail "expected one probe for each address"
not_said "destination 127.0.0.1 127.43.0.4 18080"
said_part "sysctl net.core.somaxconn $(cat /proc/sys/net/core/somaxconn) "
said "budget 321 need 1"

# ---- a configuration that cannot be read, a socket that does not answer: the rest is still there
echo 'global "' >"$dir/h.cfg"
kill -STOP "$worker"
ask facts
kill -CONT "$worker"
[ "$status" = 0 ] || fail "one bad source took the others with it"
said "source process: ok"
said_part "source config: failed: "
said "source haproxy -c: ok"
said "check 1"
said_part "source probe: absent: "
said "proxies 0"
kill "$(cat "$dir/pid")"
until_true is_gone "$(cat "$dir/pid")"

# ---- a stats socket that takes connections and says nothing
write_config "$dir/h.cfg" 127.43.0.4:18080 <<END
    stats socket $dir/stats.sock level admin
END
begin "$haproxy" -W -f h.cfg
until_true is_found
until_true test -S "$dir/stats.sock"
worker=$(value worker)
kill -STOP "$worker"
ask facts
kill -CONT "$worker"
said_part "source stats: failed: "
said "source sockets: ok"
kill "$(cat "$dir/pid")"
until_true is_gone "$(cat "$dir/pid")"

# ---- in a network namespace of its own: all is asked there; where it may not be entered, what /proc tells
write_config "$dir/h.cfg" 127.43.0.4:18090 <<END
    stats socket $dir/stats.sock level admin
END
begin unshare --net sh -c "ip link set lo up && echo 77 >/proc/sys/net/core/somaxconn && exec '$haproxy' -W -f h.cfg"
until_true is_found
until_true test -S "$dir/stats.sock"
ask facts
said "network 0"
said "source sockets: ok"
said "listener 127.43.0.4 18090 limit 77"
said "probe 127.43.0.4 18090 connected"
said_part "sysctl net.core.somaxconn 77 "
said "source netstat: ok"
said "source links: ok"
ask_without_rights facts
said "network 0"
said "source sockets: ok"
said_part "listener 127.43.0.4 18090 "
said_part "source probe: absent: HAProxy lives in another network namespace"
said_part "sysctl net.core.somaxconn none "
not_said "sysctl fs.nr_open none"
said "source netstat: ok"
said_part "source links: failed: cannot enter HAProxy's network namespace"
kill "$(cat "$dir/pid")"
until_true is_gone "$(cat "$dir/pid")"

# ---- a tree
root=$dir/root
mkdir -p "$root/etc/haproxy" "$root/etc/sysctl.d"
cp "$dir/h.cfg" "$root/etc/haproxy/haproxy.cfg"
echo 'net.core.somaxconn = 1234' >"$root/etc/sysctl.d/50-x.conf"
ask -r "$root" facts
[ "$status" = 0 ] || fail "a tree was refused"
said "tree 1"
said "source config: ok"
said "source sysctl: ok"
said "sysctl net.core.somaxconn none boot 1234"
said "running 0"
for source in 'haproxy -c' stats sockets probe; do
    said_part "source $source: absent: "
done
