#!/bin/sh
# Each style check passes a good tree and fails one with a single wrong line in it.
#   sh tests/style/prove.sh
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

bad=0
expect() { # pass|fail NAME CHECK [ARGUMENT]
    want=$1
    name=$2
    shift 2
    if "$@" >"$tree/said" 2>&1; then said=pass; else said=fail; fi
    [ "$said" = "$want" ] && return 0
    echo "$name: the check said $said where it must $want:"
    cat "$tree/said"
    bad=1
}

mkdir -p "$tree/plans/base" "$tree/policies" "$tree/remediations/host" "$tree/agent/observe" "$tree/tests"
cp "$here/../../.clang-format" "$tree/"
unit() { # PATH TEXT
    printf '%s\n' "$2" >"$tree/$1"
}
good() {
    unit plans/base/span.c '#include "plans/base/span.h"'
    unit plans/base/span.h 'int span_one(void);'
    unit plans/plan.c '#include "plans/base/span.h"'
    unit policies/policy.c '#include "plans/plan.h"'
    unit remediations/host/host.c '#include "plans/plan.h"'
    unit remediations/table.c '#include "remediations/host/host.h"'
    unit agent/main.c '#include "policies/policy.h"'
    unit tests/test.c '#include <stdio.h>'
}
wrong() { # NAME PATH TEXT CHECK
    good
    expect pass "$1 (before)" sh "$here/$4.sh" "$tree"
    unit "$2" "$3"
    expect fail "$1" sh "$here/$4.sh" "$tree"
}
wrong "base looks up" plans/base/span.c '#include "plans/plan.h"' layers
wrong "plans look up" plans/plan.c '#include "policies/policy.h"' layers
wrong "policies see remediations" policies/policy.c '#include "remediations/host/host.h"' layers
wrong "remediations see policies" remediations/table.c '#include "policies/policy.h"' layers
wrong "host sees remediations" remediations/host/host.c '#include "remediations/stage.h"' layers
wrong "host sees agent" remediations/host/host.c '#include "agent/observe/facts.h"' layers
wrong "a short path" plans/plan.c '#include "plan.h"' layers
wrong "a library in a header" plans/base/span.h '#include <jansson.h>' layers
good
unit plans/plan.c '#include <jansson.h>'
expect pass "one door" sh "$here/layers.sh" "$tree"
unit policies/policy.c '#include <jansson.h>'
expect fail "two doors" sh "$here/layers.sh" "$tree"
wrong "three blanks" plans/plan.c 'int plan_f(void)
{
   return 0;
}' format

unit tests/test.sh '! false || exit 1
f() {
    ! true
}'
expect pass "checks that can fail" sh "$here/negated.sh" "$tree"
unit tests/test.sh '! true
true'
expect fail "a check that cannot fail" sh "$here/negated.sh" "$tree"

good
object() { # FOLDER UNIT TEXT
    mkdir -p "$tree/$1/CMakeFiles/x.dir"
    printf '%s\n' "$3" | cc -x c -c -o "$tree/$1/CMakeFiles/x.dir/$2.c.o" -
}
expect fail "nothing built" sh "$here/symbols.sh" "$tree" "$tree"
object plans/base spans 'int span_one(void) { return 1; } static int other(void) { return span_one(); }
int spans_two(void) { return other(); }'
expect pass "own words" sh "$here/symbols.sh" "$tree" "$tree"
object plans/base spans 'int spanner(void) { return 1; }'
expect fail "a longer word" sh "$here/symbols.sh" "$tree" "$tree"
object plans/base other 'int span_one(void) { return 1; }'
object plans/base spans 'int span_two(void) { return 2; }'
expect pass "a name of the header beside" sh "$here/symbols.sh" "$tree" "$tree"
object plans/base other 'int span_three(void) { return 1; }'
expect fail "a name of no header" sh "$here/symbols.sh" "$tree" "$tree"
object plans/base other 'int other_one(void) { return 1; }'
object plans/base spans 'int other_table = 1;'
expect fail "a variable" sh "$here/symbols.sh" "$tree" "$tree"
object plans/base other 'int other_one(void) { return 1; }'
object plans/base spans 'int span_two(void) { return 2; }'
object agent other_one 'int other_two(void) { return 1; }'
for path in plans/base/other plans/base/spans agent/other_one; do
    unit "$path.c" 'int one;'
done
expect pass "names of their own" sh "$here/symbols.sh" "$tree" "$tree"
object agent other_one 'int other_one(void) { return 1; }'
expect fail "a name of two units" sh "$here/symbols.sh" "$tree" "$tree"
exit "$bad"
