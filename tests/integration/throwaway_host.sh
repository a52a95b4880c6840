#!/bin/sh
# A throw-away host has everything of its own, changes nothing outside, and leaves nothing behind, also when it is
# interrupted.
set -eu
enter=$HAMEDIC_SOURCE/tests/host/enter.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
    echo "throwaway_host: $*" >&2
    exit 1
}
outside() {
    cat /proc/sys/net/ipv4/ip_local_port_range
    sha256sum /etc/passwd
    find /run /var /tmp -maxdepth 1 -name made.inside
    grep -c . /proc/self/mountinfo
}

outside >"$work/before"
status=0
sh "$enter" -v "$HAMEDIC_SOURCE" sh -c '
    set -eu
    [ "$(cat /proc/sys/net/ipv4/ip_local_port_range | tr "\t" -)" = 32768-60999 ]
    echo "40000 40199" >/proc/sys/net/ipv4/ip_local_port_range
    echo changed >/etc/passwd
    touch /run/made.inside /var/made.inside /tmp/made.inside
    [ "$(ulimit -H -n)" -le 20000 ]
    if (echo >/usr/made) 2>/dev/null; then exit 2; fi
    if (echo >"$0/made") 2>/dev/null; then exit 3; fi
    if (echo 1 >/proc/sys/kernel/sysrq) 2>/dev/null; then exit 4; fi
    [ $((0x$(sed -n "s/^CapEff:.//p" /proc/self/status) >> 24 & 1)) -eq 0 ]
    exit 7' "$HAMEDIC_SOURCE" || status=$?
[ "$status" -eq 7 ] || fail "the command inside ended with $status"
outside >"$work/after"
cmp "$work/before" "$work/after" || fail "something outside changed"

# What it started ends with it: the named pipe has no writer any more.
mkfifo "$work/said"
sh "$enter" sh -c 'echo up; sleep 300 & exec sleep 300' >"$work/said" &
host=$!
exec 3<"$work/said"
read -r word <&3
[ "$word" = up ] || fail "the host did not come up"
kill -TERM "$host"
status=0
wait "$host" || status=$?
[ "$status" -eq 143 ] || fail "the interrupted host ended with $status"
timeout 10 cat <&3 || fail "a process of the interrupted host still runs"
outside >"$work/after"
cmp "$work/before" "$work/after" || fail "something outside changed"
echo "a throw-away host leaves nothing behind"
