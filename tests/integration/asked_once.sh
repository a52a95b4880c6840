#!/bin/sh
# Nothing is asked twice: one connection to each of HAProxy's sockets, one look at each file, two runs of haproxy.
set -eu
exec sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$(dirname -- "$HAMEDIC")" \
    /usr/bin/python3 -B "$HAMEDIC_SOURCE/tests/integration/asked_once.py" "$HAMEDIC"
