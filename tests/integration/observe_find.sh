#!/bin/sh
# Which HAProxy runs, and how: masters, workers, single processes, several instances, other users', trees.
set -eu
. "$HAMEDIC_SOURCE/tests/integration/observe_common.inc"

write_config "$dir/main.cfg" 127.43.0.1:18080 <<END
    stats socket $dir/user.sock level user
    stats socket $dir/admin.sock level admin
END
mkdir "$dir/conf.d"
printf 'frontend more\n    bind 127.43.0.1:18081\n    default_backend back\n    mode tcp\n    timeout client 1s\n' \
    >"$dir/conf.d/more.cfg"

# ---- a master with relative names, more arguments and variables
OBSERVE_TEST='a b' begin "$haproxy" -W -f main.cfg -n 77 -S "$dir/master.sock,mode,600" -- conf.d
until_true is_found
master=$(cat "$dir/pid")
worker=$(cat "/proc/$master/task/$master/children")
said "master $master"
said "worker ${worker% }"
[ "$(grep '^config ' "$dir/said")" = "config $dir/main.cfg
config $dir/conf.d" ] || fail "the configuration is not what was given, in that order"
[ "$(grep '^argument ' "$dir/said")" = "argument -W
argument -n
argument 77" ] || fail "the arguments are not what was given"
said "maxconn 77"
said "directory $dir"
said "environment OBSERVE_TEST=a b"
until_true test -S "$dir/admin.sock"
ask find
said "stats $dir/admin.sock"
said "master-socket $dir/master.sock"
said "program $(readlink -f "$haproxy")"
said "version $("$haproxy" -v | sed -n 's/^HA-*Proxy version \([^ ]*\) .*/\1/p')"
said "soft $(awk '/^Max open files/ { print $4 }' "/proc/$master/limits")"
said "hard $(awk '/^Max open files/ { print $5 }' "/proc/$master/limits")"
said "uid $(id -u)"
said "network 1"
said "unit none"

# ---- after a reload: what the master injected is not the operator's
kill -USR2 "$master"
reloaded() {
    ask find
    [ "$status" = 0 ] && [ "$(value worker)" != "${worker% }" ] && [ "$(value worker)" != 0 ]
}
until_true reloaded
grep -qz -- -sf "/proc/$(value worker)/cmdline" || fail "no -sf was injected: nothing was tested"
said "master $master"
said "argument 77"
not_said "argument -sf"
not_said "argument -x"
[ "$(grep -c '^config ' "$dir/said")" = 2 ] || fail "the configuration changed"

# ---- one process without a master, beside the other: named by its pid file
write_config "$dir/single.cfg" 127.43.0.1:18082 </dev/null
first=$dir/first.pid
cp "$dir/pid" "$first"
begin "$haproxy" -db -f single.cfg
single=$(cat "$dir/pid")
is_single() {
    ask find
    [ "$status" = 0 ] && [ "$(value worker)" = "$single" ]
}
until_true is_single
said "master 0"
said "stats none"
said "config $dir/single.cfg"

# ---- two of the same user, and no word which: both are named
status=0
"$answers" find >"$dir/said" 2>&1 || status=$?
[ $status = 1 ] || fail "several instances were taken for one"
said_part "$master '"
said_part "$single '"
said_part "the settings do not say which"

# ---- what is called nearly so, what only checks, and what has ended are none
kill "$single"
until_true is_gone "$single"
cp "$(command -v sleep)" "$dir/haproxy-exporter"
begin "$dir/haproxy-exporter" 60
exporter=$(cat "$dir/pid")
ask find
[ "$(value worker)" != "$exporter" ] || fail "haproxy-exporter was taken for HAProxy"
cp "$first" "$dir/pid"
kill "$exporter"

# ---- another user's: found, and its configuration is read with that user's rights alone
kill "$master"
until_true is_gone "$master"
mkdir "$dir/theirs"
write_config "$dir/theirs/their.cfg" 127.43.0.1:18083 </dev/null
begin setpriv --reuid 65534 --regid 65534 --clear-groups "$haproxy" -W -f "$dir/theirs/their.cfg"
until_true is_found
said "uid 65534"
said "raise 0"
ask check
said "exit 0"
chmod 600 "$dir/theirs/their.cfg"
"$haproxy" -c -q -f "$dir/theirs/their.cfg" || fail "the configuration is valid for root: nothing would be tested"
ask check
not_said "exit 0"
kill "$(cat "$dir/pid")"
until_true is_gone "$(cat "$dir/pid")"

# ---- a tree: its unit and its files, and nothing that runs
root=$dir/root
mkdir -p "$root/etc/haproxy" "$root/usr/sbin" "$root/usr/lib/systemd/system"
: >"$root/usr/sbin/haproxy"
cp "$dir/single.cfg" "$root/etc/haproxy/own.cfg"
cat >"$root/usr/lib/systemd/system/haproxy.service" <<END
[Service]
Environment="CONFIG=/etc/haproxy/own.cfg"
ExecStart=/usr/sbin/haproxy -Ws -f \$CONFIG -p /run/h.pid -S /run/m.sock -n 123
END
ask -r "$root" find
[ "$status" = 0 ] || fail "a tree was refused"
said "running 0"
said "program /usr/sbin/haproxy"
said "config /etc/haproxy/own.cfg"
said "maxconn 123"
said "unit haproxy.service"
said "master-socket /run/m.sock"
said "version none"
ask -r "$root" check
said_part "not run on a tree"
ask -r "$root" reload 1000
said_part "nothing runs in a tree"
