#!/bin/sh
# Files that never open, as on a network file system whose server is gone: each source has its own time, and one that
# hangs is told; nothing is planned or changed on such a host.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

exec sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$(dirname -- "$HAMEDIC")" \
    /usr/bin/python3 -B "$here/hanging_sources.py" "$HAMEDIC"
