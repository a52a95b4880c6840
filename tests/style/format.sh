#!/bin/sh
# The C files stand as .clang-format says.
#   sh tests/style/format.sh [SOURCE-TREE]     prints each file that does not; 1 if there is one
set -eu
LC_ALL=C
export LC_ALL
cd -- "${1:-$(dirname -- "$0")/../..}"
differ=$(find agent remediations policies plans tests -name '*.[ch]' | sort | while read -r file; do
    clang-format --style=file --dry-run -Werror "$file" >/dev/null 2>&1 || echo "$file"
done)
[ -z "$differ" ] && exit 0
echo "these files differ from what 'clang-format -i' would make of them:"
echo "$differ"
exit 1
