#!/bin/sh
# Includes point down only, and a foreign library has one door.
#   sh tests/style/layers.sh [SOURCE-TREE]     prints each include that breaks a rule; 1 if there is one
#
#   agent → remediations → remediations/host → plans → plans/base;  agent → policies → plans
# Remediations and policies do not see each other: who writes a remediation cannot loosen the gate.
set -eu
LC_ALL=C
export LC_ALL
cd -- "${1:-$(dirname -- "$0")/../..}"

# shellcheck disable=SC2016 # awk's own
find agent remediations policies plans -name '*.[ch]' | sort | xargs awk '
function layer(path) {
    if (path ~ /^plans\/base\//) return "plans/base"
    if (path ~ /^remediations\/host\//) return "remediations/host"
    sub(/\/.*/, "", path)
    return path
}
function complain(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    bad = 1
}
BEGIN {
    below["plans/base"] = " plans/base "
    below["plans"] = " plans plans/base "
    below["policies"] = " policies plans plans/base "
    below["remediations/host"] = " remediations/host plans plans/base "
    below["remediations"] = " remediations remediations/host plans plans/base "
    below["agent"] = " agent remediations remediations/host policies plans plans/base "

    # What begins the name of a library header, and how many .c files may include it.
    doors["sodium"] = 2         # digest.c and minisign.c: digests and signatures
    doors["jansson"] = 1
    doors["confuse"] = 1
    doors["libmnl/"] = 1
    doors["selinux/"] = 1
    doors["semanage/"] = 2        # semanage.c and semanage_records.c: the store, and what is in it
    doors["sepol/"] = 1
    doors["systemd/"] = 2         # systemd.c and journald.c: the bus and the journal
    doors["seccomp"] = 1
    doors["cap-ng"] = 1
    doors["libaudit"] = 1
    doors["openssl/"] = 1
    doors["auparse"] = 1
    doors["zlib"] = 1
    doors["zstd"] = 1
    doors["lzma"] = 1
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, part, "\"")
    to = part[2]
    if (to !~ /^(agent|remediations|policies|plans)\//)
        complain("\"" to "\" is not included by its full path")
    else if (index(below[layer(FILENAME)], " " layer(to) " ") == 0)
        complain(layer(FILENAME) " includes \"" to "\" of " layer(to) ", which is not below it")
}
/^[ \t]*#[ \t]*include[ \t]*</ {
    split($0, part, /[<>]/)
    for (library in doors) {
        if (index(part[2], library) != 1)
            continue
        if (FILENAME !~ /\.c$/)
            complain("<" part[2] "> is included by a header")
        else if (!((library, FILENAME) in seen)) {
            seen[library, FILENAME] = 1
            files[library] = files[library] " " FILENAME
            count[library]++
        }
    }
}
END {
    for (library in count)
        if (count[library] > doors[library]) {
            printf "<%s...> is included by %d files, %d may:%s\n", library, count[library], doors[library], files[library]
            bad = 1
        }
    exit bad
}'
