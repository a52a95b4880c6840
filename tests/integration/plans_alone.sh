#!/bin/sh
# plans/ builds and passes its tests on a workstation: with libsodium and jansson, and nothing else of the host.
#
#   HAMEDIC_SOURCE=... sh plans_alone.sh
set -eu

folder=$(mktemp -d "${TMPDIR:-/tmp}/hamedic-plans-XXXXXX")
trap 'rm -rf "$folder"' EXIT

cmake -S "$HAMEDIC_SOURCE" -B "$folder" -G Ninja -DHAMEDIC_PLANS_ONLY=ON -DHAMEDIC_WERROR=ON >"$folder/log"
cmake --build "$folder" -j 2 >>"$folder/log" 2>&1 || {
    cat "$folder/log"
    exit 1
}

# What these libraries ask of others must come from each other, libc, libsodium or jansson.
libraries="$folder/plans/libhamedic_plans.a $folder/plans/base/libhamedic_base.a"
shared() { # NAME: the file the linker takes for -lNAME
    cc -print-file-name="lib$1.so"
}
# shellcheck disable=SC2086 # a list of files
nm -P -A $libraries | awk '$3 ~ /^[TDBRVW]$/ { print $2 }' | sort -u >"$folder/own"
cat "$folder/own" >"$folder/known"
for name in sodium jansson; do
    nm -D -P "$(shared "$name")" | awk '$2 ~ /^[TDBRVWi]$/ { sub(/@.*/, "", $1); print $1 }' >>"$folder/known"
done
# libc and the compiler's own, as a program that links nothing else finds them.
nm -D -P "$(cc -print-file-name=libc.so.6)" | awk '$2 != "U" { sub(/@.*/, "", $1); print $1 }' >>"$folder/known"
sort -u -o "$folder/known" "$folder/known"
# shellcheck disable=SC2086
nm -P -A $libraries | awk '$3 == "U" { print $2 }' | grep -vx '_GLOBAL_OFFSET_TABLE_' | sort -u >"$folder/asked"
[ "$(wc -l <"$folder/asked")" -gt 50 ] || {
    echo "nm told only $(wc -l <"$folder/asked") symbols: that cannot be all"
    exit 1
}
foreign=$(comm -23 "$folder/asked" "$folder/known")
[ -z "$foreign" ] || {
    echo "plans/ asks for what neither libc nor libsodium nor jansson has:"
    echo "$foreign"
    exit 1
}

# And its programs load no other library (cmocka is the tests').
for program in "$folder"/tests/test_*; do
    objdump -p "$program" | awk '$1 == "NEEDED" { print $2 }'
done | sort -u >"$folder/needed"
grep -q '^libjansson' "$folder/needed" && grep -q '^libsodium' "$folder/needed" || {
    echo "no program was seen to load jansson or libsodium: that cannot be all"
    exit 1
}
if grep -vE '^lib(c|cmocka|jansson|sodium)\.so\.[0-9]+$' "$folder/needed"; then
    echo "a program of plans/ loads the library above"
    exit 1
fi
echo "plans/ needs: $(tr '\n' ' ' <"$folder/needed")"
