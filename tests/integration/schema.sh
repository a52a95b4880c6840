#!/bin/sh
# The JSON Schemas describe what the codec writes, and refuse what the codec's reader refuses.
#
#   HAMEDIC_SOURCE=... HAMEDIC_TEST_PROGRAMS=... sh schema.sh      (needs python3-jsonschema)
set -eu

PYTHONDONTWRITEBYTECODE=1 exec python3 "$HAMEDIC_SOURCE/tests/integration/schema.py" \
    "$HAMEDIC_SOURCE/plans" "$HAMEDIC_TEST_PROGRAMS/plan_sample"
