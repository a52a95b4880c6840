#!/bin/sh
# hamedic logs: rotated and compressed files, periods, bad input.
set -eu

PYTHONDONTWRITEBYTECODE=1 exec python3 "$HAMEDIC_SOURCE/tests/integration/logs.py" \
    "$HAMEDIC" "$HAMEDIC_SOURCE/plans/logs.schema.json"
