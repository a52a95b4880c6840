#!/bin/sh
# A reload is done when a new worker serves, and one that failed is told as failed, whatever the signal's success says.
set -eu
. "$HAMEDIC_SOURCE/tests/integration/observe_common.inc"

# Masters of one kind after the other: with both sockets, with either, with none.
try_master() { # STATS-SOCKET-LINE MASTER-ARGUMENT...
    line=$1
    shift
    echo "$line" | write_config "$dir/h.cfg" 127.43.0.3:18080
    cp "$dir/h.cfg" "$dir/good.cfg"
    begin "$haproxy" -W -f h.cfg "$@"
    master=$(cat "$dir/pid")
    until_true is_found
    first=$(value worker)
    [ -z "$line" ] || until_true test -S "$dir/stats.sock"

    ask reload 20000
    [ "$status" = 0 ] || fail "a good reload was refused"
    said "master $master"
    second=$(value worker)
    [ "$second" != "$first" ] || fail "the worker is the old one"
    [ -d "/proc/$second" ] || fail "the new worker is not there"
    until_true workers_are 1 "$master"

    # An address that this host does not have: valid for -c, and no start.
    sed 's/bind .*/bind 192.0.2.77:18080/' "$dir/good.cfg" >"$dir/h.cfg"
    ask reload 20000
    [ "$status" = 1 ] || fail "a reload that could not bind was taken for done"
    said_part "the reload failed"
    said_part "the configuration is valid"
    said_part "worker $second still serves"
    [ "$(cat "/proc/$master/task/$master/children")" = "$second " ] || fail "the old worker is gone"

    # Twice the same: each failure is recognised by itself.
    ask reload 20000
    said_part "the reload failed"

    echo bogus >>"$dir/h.cfg"
    ask reload 20000
    said_part "the reload failed"
    said_part "h.cfg"
    said_part "bogus"
    said_part "worker $second still serves"

    # And after all that a good one again, and another.
    cp "$dir/good.cfg" "$dir/h.cfg"
    ask reload-twice 20000
    [ "$status" = 0 ] || fail "a good reload after failed ones was refused"
    [ "$(value worker)" != "$second" ] || fail "the worker is the old one"

    kill "$master"
    until_true is_gone "$master"
    rm -f "$dir/stats.sock" "$dir/master.sock"
}

try_master "    stats socket $dir/stats.sock level admin" -S "$dir/master.sock"
try_master "    stats socket $dir/stats.sock level admin"
try_master "" -S "$dir/master.sock"
try_master ""

# ---- a stats socket that only the new configuration has is the one that is asked
write_config "$dir/h.cfg" 127.43.0.3:18080 </dev/null
begin "$haproxy" -W -f h.cfg
until_true is_found
echo "    stats socket $dir/new.sock level admin" | write_config "$dir/h.cfg" 127.43.0.3:18080
ask reload 20000
[ "$status" = 0 ] || fail "a good reload was refused"
said "stats $dir/new.sock"
kill "$(cat "$dir/pid")"
until_true is_gone "$(cat "$dir/pid")"

# ---- without a master there is nothing to reload
begin "$haproxy" -db -f h.cfg
single=$(cat "$dir/pid")
until_true is_found
ask reload 1000
[ "$status" = 1 ] || fail "a process without a master was reloaded"
said "kind 5"
[ -d "/proc/$single" ] || fail "the process is gone"
