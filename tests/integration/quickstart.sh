#!/bin/sh
# The quickstart's whole story: real faults on a throw-away host, found, repaired, taken back. And the README shows what it
# prints. That is compared with a second run where the first differs: HAProxy may be in the middle of a check when it is
# asked, and then says less.
set -eu
build=$(dirname -- "$HAMEDIC")
output=$(mktemp)
trap 'rm -f "$output"' EXIT
for run in first second; do
    sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$build" \
        sh "$HAMEDIC_SOURCE/agent/quickstart/story.sh" "$build" >"$output" 2>&1 || {
        cat "$output"
        exit 1
    }
    cat "$output"
    echo "README, $run run:"
    if python3 "$HAMEDIC_SOURCE/tests/integration/readme_check.py" "$HAMEDIC_SOURCE/README.md" "$output"; then
        exit 0
    fi
done
exit 1
