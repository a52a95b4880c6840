#!/bin/sh
# Inside the quickstart's throw-away host, with its faults and its clients: hamedic diagnose against what a person
# types. Called by tests/bench/run.
#   diagnose.sh BUILD-TREE
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
PATH=$1:$1/tests/host:$PATH
cd /root

fail() {
    echo "bench: $*" >&2
    exit 1
}
run() { # STATUS COMMAND...
    wanted=$1
    shift
    status=0
    "$@" || status=$?
    [ "$status" -eq "$wanted" ] || fail "'$*' ended with $status, not with $wanted"
}
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
. "$here/../../agent/quickstart/host.sh"
. "$here/../../agent/quickstart/numbers.sh"

host_configure
host_start
load_start
host_break_maxconn
# shellcheck disable=SC2154 # services is that of numbers.sh
for service in $services; do
    wait_for 20 "the clients of $service" has_lines "$service" 2
done
/usr/bin/python3 "$here/measure.py" diagnose "$1/hamedic" /root
