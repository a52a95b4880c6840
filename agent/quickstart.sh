#!/bin/sh
# hamedic at work in two minutes.
#
#   sh agent/quickstart.sh           makes a throw-away host with real HAProxy, real traffic and real faults on this
#                                    machine, and lets hamedic find, plan, repair and take back. Nothing outside is
#                                    touched. Needs root.
#   sh agent/quickstart.sh --here    diagnoses the machine it runs on instead: looks, changes nothing
#
# Both install the packages that are missing (tests/setup.sh says which) and build hamedic under build/, or under
# $HAMEDIC_BUILD_DIR. The exit status of --here is that of `hamedic diagnose`: 2 where something was found.
set -eu

source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=${HAMEDIC_BUILD_DIR:-$source/build}
case $build in
/*) ;;
*) build=$PWD/$build ;;
esac

fail() {
    echo "quickstart: $*" >&2
    exit 1
}

build_program() { # TARGET...
    mkdir -p "$build/logs"
    log=$build/logs/quickstart-build.log
    start=$(date +%s)
    echo "Building hamedic ..."
    cache=$build/gcc/CMakeCache.txt
    if [ -f "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$source" "$cache"; then
        rm -rf "$build/gcc" # of another source tree
    fi
    if ! CC=gcc cmake -S "$source" -B "$build/gcc" -G Ninja >"$log" 2>&1 ||
        ! cmake --build "$build/gcc" -j "$(nproc)" --target "$@" >>"$log" 2>&1; then
        tail -n 40 "$log" >&2
        fail "the build failed; the whole of it is in $log"
    fi
    echo "Built $build/gcc/hamedic in $(($(date +%s) - start)) s."
}

case ${1-} in
'')
    [ "$(id -u)" -eq 0 ] || fail "run as root: a throw-away host needs namespaces and HAProxy's own user"
    sh "$source/tests/setup.sh" try
    build_program hamedic traffic backend
    sh "$source/tests/host/enter.sh" -v "$source" -v "$build" \
        sh "$source/agent/quickstart/story.sh" "$build/gcc"
    ;;
--here)
    sh "$source/tests/setup.sh" build
    build_program hamedic
    [ "$(id -u)" -eq 0 ] || echo "Not root: what only root may read will be missing."
    printf '\n$ hamedic diagnose\n'
    exec "$build/gcc/hamedic" diagnose
    ;;
--help | -h)
    sed -n '2,/^set/{s/^# \{0,1\}//p;}' "$0"
    ;;
*)
    fail "usage: sh agent/quickstart.sh [--here]"
    ;;
esac
