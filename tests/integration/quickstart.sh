#!/bin/sh
# The quickstart's whole story: real faults on a throw-away host, found, repaired, taken back.
set -eu
build=$(dirname -- "$HAMEDIC")
exec sh "$HAMEDIC_SOURCE/tests/host/enter.sh" -v "$HAMEDIC_SOURCE" -v "$build" \
    sh "$HAMEDIC_SOURCE/agent/quickstart/story.sh" "$build"
