#!/bin/sh
# A name tells where it stands: each global symbol of UNIT.c begins with a word of UNIT (or, in agent/, of its folder).
#   sh tests/style/symbols.sh BUILD-TREE     prints each name that does not; 1 if there is one
set -eu
LC_ALL=C
export LC_ALL
cd -- "${1:?usage: symbols.sh BUILD-TREE}"

objects=$(find agent remediations policies plans -path '*/CMakeFiles/*.c.o' 2>/dev/null | sort)
[ -n "$objects" ] || {
    echo "no object files under '$PWD'"
    exit 1
}
# shellcheck disable=SC2086 # names of our own making
nm --print-file-name --extern-only --defined-only $objects | awk '
BEGIN {
    # Further first words, each the subject of a type that the header of that unit declares.
    more["plans/plan"] = "action address finding impact risk severity strings time wish"
    more["plans/base/file"] = "take"
    more["remediations/table"] = "remediation change"
}
# "plans" allows plan_ and plans_
function allow(word) {
    allowed[word] = 1
    if (word ~ /s$/)
        allowed[substr(word, 1, length(word) - 1)] = 1
    else
        allowed[word "s"] = 1
}
{
    split($0, part, ":")
    unit = part[1]
    symbol = $NF
    sub(/CMakeFiles\/[^\/]*\.dir\//, "", unit)
    sub(/\.c\.o$/, "", unit)
    split("", allowed)
    levels = split(unit, folder, "/")
    words = split(folder[levels], word, "_")
    for (i = 1; i <= words; i++)
        allow(word[i])
    if (folder[1] == "agent" && levels > 2)
        allow(folder[levels - 1])
    words = split(more[unit], word, " ")
    for (i = 1; i <= words; i++)
        allow(word[i])
    first = symbol
    sub(/_.*/, "", first)
    if (!(first in allowed) && symbol != "main" && symbol !~ /^__(asan|odr_asan|ubsan)/) {
        printf "%s.c: %s begins with no word of its unit\n", unit, symbol
        bad = 1
    }
}
END { exit bad }'
