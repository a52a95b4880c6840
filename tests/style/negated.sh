#!/bin/sh
# No check in a shell script that cannot fail: `set -e` does not see the status of a command after `!`, so that such a line
# needs its `|| exit 1` (or `|| fail ...`), unless it is a function's last one.
#   sh tests/style/negated.sh [SOURCE-TREE]     prints each such line; 1 if there is one
set -eu
LC_ALL=C
export LC_ALL
cd -- "${1:-$(dirname -- "$0")/../..}"
find agent tests -name '*.sh' | sort | xargs awk '
    function tell() {
        if (line != "") { print where ": set -e does not see this fail: " line; found = 1 }
        line = ""
    }
    FNR == 1 { tell() }
    line != "" { if ($0 ~ /^[[:space:]]*}/) line = ""; else tell() }
    /^[[:space:]]*! / && !/\|\|/ && !/; (then|do)$/ { line = $0; where = FILENAME ":" FNR }
    END { tell(); exit found }'
