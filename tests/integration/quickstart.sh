#!/bin/sh
# The quickstart's whole story: real faults on a throw-away host, found, repaired, taken back. And the README shows what it
# prints.
set -eu
build=$(dirname -- "$HAMEDIC")
output=$(mktemp)
trap 'rm -f "$output"' EXIT
sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$build" \
    sh "$HAMEDIC_SOURCE/agent/quickstart/story.sh" "$build" >"$output" 2>&1 || {
    cat "$output"
    exit 1
}
cat "$output"
python3 "$HAMEDIC_SOURCE/tests/integration/readme_check.py" "$HAMEDIC_SOURCE/README.md" "$output"
