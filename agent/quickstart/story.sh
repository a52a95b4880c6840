#!/bin/sh
# The quickstart, from inside its throw-away host (tests/host/enter.sh): faults, numbers, diagnosis, plan, review,
# repair, numbers, and all of it taken back. Every step is checked; the first that is not as it should be ends it.
#   story.sh BUILD-TREE
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
PATH=$1:$1/tests/host:$PATH
cd /root

bold=''
plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ] && [ "${TERM-dumb}" != dumb ]; then
    bold=$(printf '\033[1m')
    plain=$(printf '\033[0m')
fi
begin=$(date +%s)
chapter() {
    printf '\n%s== %s %s(%s s)\n' "$bold" "$*" "$plain" "$(($(date +%s) - begin))"
}
say() {
    echo "$*" | fold -s -w 88
}
fail() {
    echo "quickstart: $*" >&2
    exit 1
}
# Types a command and runs it; it must end with the status that is asked for.
run() { # STATUS COMMAND...
    wanted=$1
    shift
    typed="$"
    for word in "$@"; do
        case $word in
        *' '*) typed="$typed '$word'" ;;
        *) typed="$typed $word" ;;
        esac
    done
    printf '\n%s%s%s\n' "$bold" "$typed" "$plain"
    status=0
    "$@" || status=$?
    [ "$status" -eq "$wanted" ] || fail "'$*' ended with $status, not with $wanted"
}
# Asks five times a second whether a command succeeds yet.
wait_for() { # SECONDS WHAT COMMAND...
    rounds=$(($1 * 5))
    what=$2
    shift 2
    until "$@"; do
        rounds=$((rounds - 1))
        [ "$rounds" -gt 0 ] || fail "waited in vain for $what"
        sleep 0.2
    done
}

. "$here/host.sh"
. "$here/numbers.sh"

chapter "A host with HAProxy, four services and their clients"
host_configure
host_start
load_start
say "It is this machine's HAProxy ($(haproxy -v | sed -n '1s/.*version \([^ ]*\).*/\1/p')) in namespaces of its own:" \
    "real processes, sockets and kernel settings; nothing outside is touched."

chapter "Trouble"
cat <<'END'
shop     its only server may take 10 requests at a time, and more come
api      200 local ports must do for all connections to its server; their range also
         covers port 40100, where HAProxy's metrics listen
legacy   nothing listens on its server's port
maxconn  someone raises it to 100000, for which HAProxy cannot get the file descriptors
END
host_break_maxconn
say "The reload reported success. The old process still runs, with the old maxconn; nobody was told."

chapter "What the clients see"
numbers
[ "$(field shop 503)" -gt 0 ] || fail "the shop shows no 503"
[ "$(stat_of shop BACKEND qcur)" -gt 0 ] || fail "nothing queues for the shop's server"
[ "$(field api 503)" -gt 0 ] || fail "the api shows no 503"
[ "$(field api ok)" -gt 0 ] || fail "the api shows no answer at all"
[ "$(field legacy ok)" -eq 0 ] || fail "the legacy service answers"
state_print

chapter "Keys: the agent's own, and one for the operator who approves"
run 0 hamedic keygen
run 0 hamedic keygen -o ops
run 0 install -D -m 644 ops.pub /etc/hamedic/operators/ops.pub

chapter "What is wrong, and how do we know?"
run 2 hamedic diagnose

chapter "The repair, as a plan to review"
manifest >/run/before
run 0 hamedic plan -o fix.plan
run 0 hamedic show fix.plan
say ""
say "Stock minisign agrees that this host's agent wrote it, byte for byte:"
run 0 minisign -Vm fix.plan -p /etc/hamedic/agent.pub
run 0 hamedic approve fix.plan -k ops.key

chapter "Apply: all of it, or nothing"
run 0 hamedic apply fix.plan
manifest >/run/applied
say ""
say "Files that it touched:"
touched | sed 's/^/  /'
[ -n "$(touched)" ] || fail "no file was touched"

chapter "What the clients see now"
numbers
state_print
[ "$(field shop 503)" -eq 0 ] || fail "the shop still shows 503s"
[ "$(field api 503)" -eq 0 ] || fail "the api still shows 503s"
[ "$(failed_reloads)" -eq 0 ] || fail "HAProxy still runs with an old configuration"
[ "$(field shop p95)" -lt 500 ] || fail "the shop still answers late"
say ""
say "What is left is for a person: to start the legacy service's server."
run 2 hamedic diagnose

chapter "And all of it taken back"
run 0 hamedic history
run 0 hamedic rollback
manifest >/run/after
cmp -s /run/before /run/after || {
    diff /run/before /run/after || true
    fail "the host is not as it was before"
}
touched | while read -r path; do
    if [ -e "$path" ]; then
        echo "  as before, byte for byte: $path"
    else
        echo "  gone again:               $path"
    fi
done
run 0 hamedic history

printf '\n%sAll as it should be, in %s s.%s Your own host: sh agent/quickstart.sh --here\n' \
    "$bold" "$(($(date +%s) - begin))" "$plain"
