#!/bin/sh
# diagnose --explain, --watch, -v and --json as they are used: see watch.py.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
PYTHONDONTWRITEBYTECODE=1 python3 "$HAMEDIC_SOURCE/tests/integration/watch.py" "$HAMEDIC" "$work"
