#!/bin/sh
# Sources that cannot be read, stall or lie: told, in bounded time, and the others unharmed.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

exec sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$(dirname -- "$HAMEDIC")" \
    /usr/bin/python3 -B "$here/bad_sources.py" "$HAMEDIC" "$HAMEDIC_TEST_PROGRAMS"
