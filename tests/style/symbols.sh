#!/bin/sh
# A name tells where it stands: each global symbol of UNIT.c begins with a word of UNIT (in agent/, or of its folder),
# or of the header beside it that declares it. And no two units have one name: from two archives the linker takes either.
#   sh tests/style/symbols.sh BUILD-TREE [SOURCE-TREE]     prints each name that does not; 1 if there is one
set -eu
LC_ALL=C
export LC_ALL
build=${1:?usage: symbols.sh BUILD-TREE [SOURCE-TREE]}
source=${2:-$(dirname -- "$0")/../..}

names() { # "UNIT SYMBOL" a line
    cd -- "$build"
    find agent remediations policies plans -path '*/CMakeFiles/*.c.o' 2>/dev/null | sort | tr '\n' '\0' |
        xargs -0 -r nm --print-file-name --extern-only --defined-only |
        sed -E 's|CMakeFiles/[^/]*\.dir/||; s|\.c\.o:.* ([^ ]+)$| \1|'
}
declared() { # "declared HEADER SYMBOL" a line
    cd -- "$source"
    find agent remediations policies plans -name '*.h' | sort | tr '\n' '\0' |
        xargs -0 -r grep -oHE '[a-z_0-9]+\(' | sed -E 's|^(.*)\.h:(.*)\($|declared \1 \2|'
}

{ (declared) && (names); } | awk -v source="$source" '
BEGIN {
    # Further first words, each the subject of a type that the header of that unit declares.
    more["plans/plan"] = "action address finding impact risk severity strings time wish"
    more["plans/base/file"] = "take"
    more["agent/agent_key"] = "operator"
    more["remediations/table"] = "remediation change undo"
    more["agent/transaction/journal"] = "record"
}
function exists(unit,    line) {
    if (!(unit in there)) {
        there[unit] = (getline line < (source "/" unit ".c")) >= 0
        close(source "/" unit ".c")
    }
    return there[unit]
}
# "plans" allows plan_ and plans_
function allow(word) {
    allowed[word] = 1
    if (word ~ /s$/)
        allowed[substr(word, 1, length(word) - 1)] = 1
    else
        allowed[word "s"] = 1
}
function allow_words(text, separator,    word, count, i) {
    count = split(text, word, separator)
    for (i = 1; i <= count; i++)
        allow(word[i])
}
$1 == "declared" {
    folder = $2
    header = $2
    sub(/\/[^\/]*$/, "", folder)
    sub(/.*\//, "", header)
    headers[folder, $3] = headers[folder, $3] "_" header
    next
}
{
    seen++
    unit = $1
    symbol = $2
    if (symbol == "main" || symbol ~ /^__/)
        next
    # A stand-in is never built beside what it stands in for; but objects of both, and of files that are gone, stay
    # in a build tree that was configured anew.
    if (unit !~ /_none$/ && exists(unit)) {
        if (symbol in home) {
            printf "%s.c: %s is defined in %s.c too\n", unit, symbol, home[symbol]
            bad = 1
        }
        home[symbol] = unit
    }
    sub(/^hamedic_/, "", symbol) # linked under a name of our own, where a library has the same
    folder = unit
    sub(/\/[^\/]*$/, "", folder)
    split("", allowed)
    allow_words(substr(unit, length(folder) + 2), "_")
    allow_words(headers[folder, symbol], "_")
    allow_words(more[unit], " ")
    if (folder ~ /^agent\//)
        allow_words(substr(folder, 7), "_")
    first = symbol
    sub(/_.*/, "", first)
    if (!(first in allowed)) {
        printf "%s.c: %s begins with no word of its unit\n", unit, symbol
        bad = 1
    }
}
END {
    if (!seen)
        print "no object files were found"
    exit bad || !seen
}'
