#!/bin/sh
# Damaged files: a clear error, in bounded time, and nothing changed.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

python3 -B "$here/bad_input.py" "$HAMEDIC" "$work"
