#!/bin/sh
# Sockets that do not answer as HAProxy does, a full disk: a clear error, in bounded time, and nothing changed.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

exec sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$(dirname -- "$HAMEDIC")" \
    /usr/bin/python3 -B "$here/bad_answers.py" "$HAMEDIC"
