#!/bin/sh
# A build without its libraries says which package is missing; without the optional ones it goes on and says so.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() {
    echo "missing_package: $*" >&2
    exit 1
}

# pkg-config that finds what is named, and nothing else.
only() { # MODULE...
    rm -rf "$scratch/pc"
    mkdir "$scratch/pc"
    for module in "$@"; do
        file=$(pkg-config --variable=pcfiledir "$module")/$module.pc
        cp "$file" "$scratch/pc/"
    done
}
configure() {
    rm -rf "$scratch/build"
    PKG_CONFIG_LIBDIR=$scratch/pc PKG_CONFIG_PATH='' cmake -S "$HAMEDIC_SOURCE" -B "$scratch/build" -G Ninja \
        -DHAMEDIC_TESTS=OFF >"$scratch/log" 2>&1
}

only
! configure || fail "configured without any library"
grep -q 'apt-get install libsodium-dev' "$scratch/log" || fail "libsodium is not named: $(cat "$scratch/log")"
only libsodium
! configure || fail "configured without jansson"
grep -q 'apt-get install libjansson-dev' "$scratch/log" || fail "jansson is not named"
only libsodium jansson libconfuse libmnl
configure || fail "not configured without the optional libraries: $(cat "$scratch/log")"
for library in libselinux libsemanage libsystemd; do
    grep -q "$library is missing.*unsupported" "$scratch/log" || fail "$library is not named"
done
echo "missing_package: ok"
