#!/bin/sh
# The C files stand as .clang-format says.
#   sh tests/style/format.sh [SOURCE-TREE]     prints each file that does not; 1 if there is one
set -eu
LC_ALL=C
export LC_ALL
cd -- "${1:-$(dirname -- "$0")/../..}"
said=$(find agent remediations policies plans tests -name '*.[ch]' -print0 |
    xargs -0 -n 20 -P "$(nproc)" clang-format --style=file --dry-run -Werror 2>&1) && exit 0
differ=$(printf '%s\n' "$said" | sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: .*/\1/p' | sort -u)
[ -n "$differ" ] || {
    echo "clang-format failed:"
    printf '%s\n' "$said"
    exit 1
}
echo "these files differ from what 'clang-format -i' would make of them:"
echo "$differ"
exit 1
