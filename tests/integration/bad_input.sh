#!/bin/sh
# Damaged files, sockets that do not answer as HAProxy does, sources that cannot be read, a full disk: a clear error, in
# bounded time, and nothing changed.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$(dirname -- "$HAMEDIC")" \
    /usr/bin/python3 "$here/bad_answers.py" "$HAMEDIC"
sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$(dirname -- "$HAMEDIC")" \
    /usr/bin/python3 -B "$here/bad_sources.py" "$HAMEDIC" "$HAMEDIC_TEST_PROGRAMS"
python3 "$here/bad_input.py" "$HAMEDIC" "$work"
