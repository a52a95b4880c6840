#!/bin/sh
# All tests of hamedic, or the parts that are named.
#
#   sh tests/run.sh                    everything
#   sh tests/run.sh unit integration   only these parts (sh tests/run.sh list: their names)
#
# It installs the packages that are missing first (tests/setup.sh). Everything is built under build/, or under
# $HAMEDIC_BUILD_DIR; nothing else in the tree is written. The last line is "N passed, M failed".
set -eu
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin # what the packages bring, whatever else somebody has
export LC_ALL PATH
umask 022 # a policy or a key that a group may write is refused

source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=${HAMEDIC_BUILD_DIR:-$source/build}
case $build in
/*) ;;
*) build=$PWD/$build ;;
esac
jobs=$(nproc)

parts="gcc unit integration diagnosis crash clang sanitize without analyzer cppcheck tidy layers symbols format scripts lab"
about() {
    case $1 in
    gcc) echo "builds with gcc, warnings are errors" ;;
    unit) echo "unit tests" ;;
    integration) echo "the program against real HAProxy, and the quickstart" ;;
    diagnosis) echo "every cause made for real, and what diagnose names" ;;
    crash) echo "a fault at system call after system call, and the host whole afterwards" ;;
    clang) echo "builds with clang, warnings are errors" ;;
    sanitize) echo "unit tests under AddressSanitizer and UndefinedBehaviorSanitizer" ;;
    without) echo "builds and unit tests without libselinux, libsemanage, libsepol, libauparse, libsystemd, zlib, libzstd, liblzma" ;;
    analyzer) echo "gcc -fanalyzer" ;;
    cppcheck) echo "cppcheck" ;;
    tidy) echo "clang-tidy" ;;
    layers) echo "includes point down, one door for each library" ;;
    symbols) echo "names begin with a word of their unit" ;;
    format) echo "clang-format" ;;
    scripts) echo "shellcheck, no check that cannot fail, and that the style checks can" ;;
    lab) echo "scenarios on an enforcing host in a virtual machine" ;;
    esac
}

# A build folder that another source tree or another version of this script left is of no use.
configure() { # FOLDER COMPILER ARGUMENT...
    folder=$build/$1
    compiler=$2
    shift 2
    if [ -f "$folder/CMakeCache.txt" ] &&
        ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$source" "$folder/CMakeCache.txt"; then
        rm -rf "$folder"
    fi
    CC=$compiler cmake -S "$source" -B "$folder" -G Ninja -DHAMEDIC_WERROR=ON "$@"
}
make_all() { # FOLDER COMPILER ARGUMENT...
    configure "$@" && cmake --build "$build/$1" -j "$jobs" -- -k 0
}
run_tests() { # FOLDER PATTERN
    ctest --test-dir "$build/$1" -R "$2" -j "$jobs" --no-tests=error --output-on-failure --timeout 600
}

part_gcc() {
    make_all gcc gcc
}
part_unit() {
    make_all gcc gcc && run_tests gcc '^unit/'
}
part_integration() {
    [ "$(id -u)" -eq 0 ] || {
        echo "the integration tests make namespaces and start HAProxy: run them as root"
        return 1
    }
    make_all gcc gcc && run_tests gcc '^integration/'
}
part_diagnosis() {
    make_all gcc gcc >"$build/logs/diagnosis-build.log" 2>&1 || {
        tail -n 20 "$build/logs/diagnosis-build.log"
        return 1
    }
    "$source/tests/diagnosis/run" --jobs 2 "$build/gcc"
}
# Some minutes; tests/crash/run --long is everything.
part_crash() {
    make_all gcc gcc >"$build/logs/crash-build.log" 2>&1 || {
        tail -n 20 "$build/logs/crash-build.log"
        return 1
    }
    HAMEDIC_BUILD_DIR=$build "$source/tests/crash/run" --jobs 2
}
part_clang() {
    make_all clang clang -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
}
part_sanitize() {
    make_all sanitize gcc -DCMAKE_BUILD_TYPE=Debug -DHAMEDIC_SANITIZE=ON &&
        run_tests sanitize '^unit/'
}
part_without() {
    make_all without gcc -DHAMEDIC_WITH_SELINUX=OFF -DHAMEDIC_WITH_SEMANAGE=OFF -DHAMEDIC_WITH_SEPOL=OFF \
        -DHAMEDIC_WITH_AUDIT=OFF -DHAMEDIC_WITH_SYSTEMD=OFF -DHAMEDIC_WITH_ZLIB=OFF -DHAMEDIC_WITH_ZSTD=OFF \
        -DHAMEDIC_WITH_LZMA=OFF &&
        run_tests without '^unit/'
}
# gcc's uninitialized values are mostly ones that a failed call would have left; clang's analyzer tells them apart.
# It also takes the shift of a vector's elements for one of its number of elements (gcc 12).
analyzer='-fanalyzer -Wno-analyzer-use-of-uninitialized-value -Wno-analyzer-shift-count-overflow'
part_analyzer() {
    make_all analyzer gcc -DCMAKE_BUILD_TYPE=Debug -DHAMEDIC_TESTS=OFF \
        -DCMAKE_C_FLAGS="$analyzer"
}
# It knows nothing of cleanup attributes, so that every early return looks like a leak; and readdir is safe in threads
# that each read a directory of their own.
part_cppcheck() {
    cd "$source" && cppcheck --quiet --error-exitcode=1 --inline-suppr -j "$jobs" \
        --enable=warning,performance,portability --std=c11 --library=posix,gnu -D_GNU_SOURCE -I . \
        --suppress=missingIncludeSystem --suppress=resourceLeak --suppress=memleak \
        --suppress=readdirCalled agent remediations policies plans
}
part_tidy() {
    configure clang clang -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null &&
        cd "$source" && find agent remediations policies plans -name '*.c' | sort | compiled |
        xargs -n 2 -P "$jobs" clang-tidy --quiet --warnings-as-errors='*' -p "$build/clang"
}
compiled() { # of the names that come in, those that this build compiles
    while read -r file; do
        if grep -qF "\"file\": \"$source/$file\"" "$build/clang/compile_commands.json"; then
            echo "$file"
        fi
    done
}
part_layers() {
    sh "$source/tests/style/layers.sh" "$source"
}
part_symbols() {
    make_all gcc gcc >/dev/null &&
        sh "$source/tests/style/symbols.sh" "$build/gcc" "$source"
}
part_format() {
    sh "$source/tests/style/format.sh" "$source"
}
part_scripts() {
    cd "$source" && { find agent tests -name '*.sh' && echo tests/lab/image tests/lab/contract/lab; } | sort | xargs shellcheck -s sh -x -S warning &&
        sh tests/style/negated.sh && sh tests/style/prove.sh
}

# Where it cannot run it says so, and has failed: nothing else shows what it shows.
part_lab() {
    make_all gcc gcc >"$build/logs/lab-build.log" 2>&1 || {
        tail -n 20 "$build/logs/lab-build.log"
        return 1
    }
    sh "$source/tests/lab/policy/check.sh" && HAMEDIC_BUILD_DIR=$build "$source/tests/lab/run" --jobs 2
}

case " $* " in
*" list "*)
    for part in $parts; do
        printf '%-12s %s\n' "$part" "$(about "$part")"
    done
    exit 0
    ;;
esac
for part in "$@"; do
    case " $parts " in
    *" $part "*) ;;
    *)
        echo "run.sh: there is no part '$part'; sh tests/run.sh list names them" >&2
        exit 64
        ;;
    esac
done

[ $# -gt 0 ] || eval "set -- $parts"

sh "$source/tests/setup.sh" test
mkdir -p "$build/logs"

passed=0
failed=0
names='' # of what failed, a line each
# A part that ran ctest counts as its tests, the lab and diagnosis as their scenarios, crash as its rows; any other one counts as one.
tally() { # LOG STATUS
    line=$(sed -n -E 's/^([0-9]+) of ([0-9]+) (scenarios passed|rows held)[ ,].*/\1 \2/p' "$1")
    if [ -n "$line" ]; then
        good=${line% *} bad=$((${line#* } - ${line% *}))
        [ "$2" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
        return
    fi
    line=$(grep -E '^[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+' "$1" | tail -n 1)
    if [ -z "$line" ]; then
        if [ "$2" -eq 0 ]; then good=1 bad=0; else good=0 bad=1; fi
        return
    fi
    bad=${line#*, } bad=${bad%% *}
    good=$((${line##* } - bad))
    [ "$2" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
}
# What failed by name: tests of ctest, scenarios and rows; else the part is all there is to name.
names_in() { # LOG
    sed -n -E 's/^[[:space:]]+[0-9]+ - ([^ ]+) \((Failed|Timeout|Not Run|SEGFAULT|Subprocess aborted|Child aborted).*/\1/p
        s/^([a-z][^ ]*) .* (FAILED|WRONG|NOT HELD)([ ;].*)?$/\1/p' "$1" | sort -u
}
begin=$(date +%s)
for part in "$@"; do
    log=$build/logs/$part.log
    printf '%-12s %s ... ' "$part" "$(about "$part")"
    start=$(date +%s)
    status=0
    ("part_$part") >"$log" 2>&1 </dev/null || status=$?
    tally "$log" "$status"
    passed=$((passed + good))
    failed=$((failed + bad))
    if [ "$bad" -eq 0 ]; then
        echo "ok ($good passed, $(($(date +%s) - start)) s)"
        # Which scenarios or rows, and how long each took.
        [ "$part" != diagnosis ] || sed -n '/^scenario /,$p' "$log" | sed 's/^/    /'
        [ "$part" != lab ] || sed -n '/^machine: /p; /^scenario /,$p' "$log" | sed 's/^/    /'
        [ "$part" != crash ] || sed -n '/^row /,$p' "$log" | sed 's/^/    /'
    else
        echo "FAILED ($good passed, $bad failed, $(($(date +%s) - start)) s); the end of $log:"
        tail -n 60 "$log" | sed 's/^/    /'
        found=$(names_in "$log" | tr '\n' ' ')
        names="$names
failed in $part: ${found:-see $log}"
    fi
done
echo "This took $((($(date +%s) - begin) / 60)) min $((($(date +%s) - begin) % 60)) s."
[ -z "$names" ] || echo "${names#?}"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
