#!/bin/sh
# What commands answer: exit statuses, who may review, documents for programs, and text for people.
set -eu
helpers=$HAMEDIC_SOURCE/tests/integration/helpers
# shellcheck source=tests/integration/helpers/tree.sh
. "$helpers/tree.sh"
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

tree_make
wish=haproxy.maxconn:global=4000
plan=$work/fix.plan
plan_make "$plan" "$wish"
id=$(plan_id "$plan" | cut -c 1-6)
[ ${#id} -eq 6 ] || fail "cannot find the plan's id"

# ---- usage ----

usage() { # ARGUMENT...
    done_with 64 "$@"
    [ ! -s "$work/out" ] || wrong "writes to standard output"
    head -n 1 "$work/err" | grep -q '^hamedic: ' || wrong "does not say what is wrong"
    tail -n 1 "$work/err" | grep -q '^Try: hamedic .*--help$' || wrong "does not say where help is"
}
commands=$("$hamedic" help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ "$(echo "$commands" | wc -l)" -ge 12 ] || fail "help lists too few commands: $commands"
for command in $commands; do
    usage "$command" --no-such-option
    usage "$command" -Z
    [ "$command" = logs ] || usage "$command" a b # it takes any number of files
    usage "$command" --root
    for help in "$command --help" "$command -h" "help $command"; do
        # shellcheck disable=SC2086 # two words
        done_with 0 $help
        says out "usage: hamedic $command"
        grep -A 1 '^Example' "$work/out" | grep -q "^  hamedic $command" || wrong "has no example"
        [ ! -s "$work/err" ] || wrong "writes to standard error"
    done
done
done_with 64
done_with 0 --help
usage no-such-command
usage help no-such-command
usage --no-such-option
usage show
usage approve
usage approve "$plan"
usage verify
usage apply
usage plan -o
usage plan --set
usage rollback abc
usage plan --color sometimes
done_with 0 version

# ---- plans, and plans without changes ----

done_with 2 plan --detailed-exitcode --set "$wish"
done_with 0 plan --detailed-exitcode -o "$work/none.plan" --set haproxy.maxconn:global=2000
before=$(host_state)
done_with 0 apply "$work/none.plan"
[ "$before" = "$(host_state)" ] || wrong "a plan without changes changed something"
refused 1 KIND:TARGET=VALUE plan --set net.core.somaxconn=1
refused 1 "unknown kind 'sysctl.nothing'" plan --set sysctl.nothing:x=1
refused 1 "cannot open" show "$work/nothing.plan"
refused 1 "cannot open" plan --root "$work/nothing"
refused 1 "--confirm" apply --confirm 60 "$plan"
before=$(fingerprint)
done_with 1 rollback
one_line_names "no transaction"
done_with 1 rollback 0123456789
one_line_names "no transaction"
done_with 0 recover
[ "$before" = "$(fingerprint)" ] || wrong "nothing was to be done, and something was written"

# ---- drafts ----

mv "$tree/etc/hamedic" "$work/hamedic"
mv "$tree/var/lib/hamedic" "$work/ledger"
done_with 0 plan -o "$work/draft.plan" --set "$wish"
says out draft
[ ! -e "$work/draft.plan.minisig" ] || wrong "signs a draft"
done_with 0 show "$work/draft.plan"
says out draft
refused 3 keygen apply "$work/draft.plan"
refused 3 draft approve "$work/draft.plan" -k "$work/ops-1.key"
refused 3 keys verify "$work/draft.plan"
mv "$work/hamedic" "$tree/etc/hamedic"
mv "$work/ledger" "$tree/var/lib/hamedic"
refused 3 "bears no signature of this host's agent" apply "$work/draft.plan"
# Signed by the agent's key, it is a draft still.
sign_again "$work/draft.plan"
refused 3 draft apply "$work/draft.plan"

# ---- a person at a terminal ----

at_terminal() { # STATUS QUESTION=ANSWER... -- ARGUMENT...
    expected=$1
    shift
    ran="at a terminal: $*"
    asked=
    while [ "$1" != -- ]; do
        asked="$asked
$1"
        shift
    done
    shift
    status=0
    IFS='
'
    # shellcheck disable=SC2086 # one question a line
    TERM=xterm python3 "$helpers/terminal.py" $asked -- "$hamedic" --root "$tree" "$@" >"$work/out" 2>"$work/err" ||
        status=$?
    unset IFS
    [ "$status" -eq "$expected" ] || wrong "exit status $status instead of $expected"
}
refused 3 "nobody is at a terminal" apply "$plan"
before=$(fingerprint)
for answer in '' yes y "$(echo "$id" | tr 0-9a-f 1-9a-f0)" "$(echo "$id" | cut -c 1-5)" "${id}0000000000000000000000000000000"; do
    at_terminal 3 "to leave it: =$answer" -- apply "$plan"
    says out "declined: nothing was changed"
    says out "2000 -> 4000"
done
[ "$before" = "$(fingerprint)" ] || wrong "declined, and something was written"
# Standard input that is no terminal has nobody who answers.
ran="apply with an answer from a pipe"
status=0
echo "$id" | TERM=xterm python3 "$helpers/terminal.py" -- sh -c 'echo "$2" | "$0" --root "$1" apply "$3"' \
    "$hamedic" "$tree" "$id" "$plan" >"$work/out" 2>"$work/err" || status=$?
[ "$status" -eq 3 ] || wrong "exit status $status instead of 3"
[ "$before" = "$(fingerprint)" ] || wrong "an answer from a pipe was taken"
at_terminal 0 "to leave it: =$id" -- apply "$plan"
says out "Done."
grep -q '^    maxconn 4000        # enough for everybody$' "$tree/etc/haproxy/haproxy.cfg" || wrong "changed nothing"
done_with 0 history
says out "a person at a terminal"
done_with 0 rollback "$id"
# What the policy does not leave to a person is not asked.
mkdir "$tree/etc/hamedic/policy.d"
sed 's/^person_suffices_up_to = .*/person_suffices_up_to = "none"/' "$HAMEDIC_SOURCE/policies/default.conf" \
    >"$tree/etc/hamedic/policy.d/site.conf"
plan_make "$work/signed.plan" "$wish"
at_terminal 3 -- apply "$work/signed.plan"
says out "0 of 1 operators' signatures are there"
rm -r "$tree/etc/hamedic/policy.d"

# ---- keys ----

refused 1 "never overwritten" keygen
refused 1 "never overwritten" keygen -o "$work/ops-1"
mkdir "$work/half"
: >"$work/half/ops.pub"
refused 1 "never overwritten" keygen -o "$work/half/ops"
[ ! -e "$work/half/ops.key" ] || wrong "wrote half a pair"
[ "$(stat -c %a "$tree/etc/hamedic/agent.key")" = 600 ] || wrong "others may read the agent's key"
[ "$(stat -c %a "$work/ops-1.key")" = 600 ] || wrong "others may read an operator's key"
at_terminal 0 "new key: =open sesame" "same again: =open sesame" -- keygen -o "$work/ops-3"
says out encrypted
! grep -q 'open sesame' "$work/out" || wrong "shows the passphrase"
at_terminal 1 "new key: =open sesame" "same again: =open window" -- keygen -o "$work/ops-4"
[ ! -e "$work/ops-4.key" ] || wrong "wrote a key whose passphrase nobody knows"
# Ctrl-C at the passphrase makes no key, and the terminal shows again what is typed.
status=0
python3 "$helpers/terminal.py" "Passphrase=$(printf '\003')" -- \
    sh -c '"$0" keygen -o "$1"; status=$?; stty -a; exit $status' "$hamedic" "$work/ops-5" >"$work/out" 2>&1 || status=$?
[ "$status" -eq 3 ] || wrong "Ctrl-C at the passphrase ends with $status"
grep -q ' echo ' "$work/out" || wrong "the terminal's echo stays off"
[ ! -e "$work/ops-5.key" ] || wrong "wrote a key without a passphrase"
plan_make "$work/third.plan" "$wish"
at_terminal 3 "ops-3.key: =open window" -- approve "$work/third.plan" -k "$work/ops-3.key"
[ ! -e "$work/third.plan.ops-3.minisig" ] || wrong "signed with a wrong passphrase"
at_terminal 0 "ops-3.key: =open sesame" -- approve "$work/third.plan" -k "$work/ops-3.key"
minisign -Vm "$work/third.plan" -x "$work/third.plan.ops-3.minisig" -p "$work/ops-3.pub" >/dev/null ||
    wrong "minisign refuses the signature"
rm "$work/third.plan.ops-3.minisig"
approve "$work/third.plan" ops-1
refused 3 "terminal" approve "$plan" -k "$work/ops-3.key"
chmod 644 "$work/ops-2.key"
refused 1 "$work/ops-2.key" approve "$plan" -k "$work/ops-2.key"
chmod 600 "$work/ops-2.key"

# ---- documents for programs ----

document() { # STATUS SCHEMA ARGUMENT...
    expected=$1 schema=$2
    shift 2
    done_with "$expected" "$@"
    python3 -m json.tool "$work/out" >/dev/null || wrong "is no JSON document"
    says out "\"schema\": \"$schema\""
    [ ! -s "$work/err" ] || wrong "writes to standard error"
}
document 2 hamedic/diagnosis/1 diagnose --json
document 0 hamedic/plan/1 plan --json --set "$wish"
document 2 hamedic/plan/1 plan --json --set "$wish" --detailed-exitcode
document 0 hamedic/plan/1 plan --json
document 0 hamedic/plan/1 show --json "$work/third.plan"
cmp -s "$work/out" "$work/third.plan" || wrong "shows other bytes than those that are signed"
document 0 hamedic/history/1 history --json

# ---- text for people ----

escape=$(printf '\033')
# As a file or a pipe gets it: no escape sequences, nothing but ASCII, and lines of 80 columns unless one word is longer.
plain() { # STATUS ARGUMENT...
    done_with "$@"
    ! grep -q "$escape" "$work/out" || wrong "writes escape sequences into a pipe"
    ! grep -q '[^ -~]' "$work/out" || wrong "writes more than printable ASCII"
    awk 'length > 80 && match($0, /^ *[^ ]+ /) && RLENGTH < 80 { print "    " $0; bad = 1 } END { exit bad }' \
        "$work/out" || wrong "has lines above 80 columns"
}
for command in $commands; do
    plain 0 "$command" --help
    plain 0 help "$command"
done
plain 0 help
plain 2 diagnose
plain 0 plan --set "$wish" --set sysctl.dropin:net.core.somaxconn=4096 --set systemd.limit:haproxy.service=200000
plain 0 plan
plain 0 show "$work/third.plan"
plain 0 verify "$work/third.plan"
plain 0 history
plain 0 plan --color auto --set "$wish"
plain 0 plan --color never --set "$wish"

coloured() { # yes|no WHAT
    if grep -q "$escape" "$work/out"; then seen=yes; else seen=no; fi
    [ "$seen" = "$1" ] || wrong "colours: $seen, with $2"
}
done_with 0 plan --color always --set "$wish"
coloured yes "--color always in a pipe"
at_terminal 0 -- show "$work/third.plan"
coloured yes "a terminal"
at_terminal 0 -- show --color never "$work/third.plan"
coloured no "--color never"
NO_COLOR=1
export NO_COLOR
at_terminal 0 -- show "$work/third.plan"
coloured no "NO_COLOR"
done_with 0 plan --color always --set "$wish"
coloured yes "NO_COLOR, but --color always"
unset NO_COLOR
done_with 0 -q apply "$work/third.plan"
[ ! -s "$work/out" ] || wrong "-q says something"
done_with 0 -q rollback

# ---- an output that nobody gets ----

# What could not be written was not said: never 0. What was done stays done, and the next command knows it.
unheard() { # ARGUMENT...
    ran="hamedic $* into a full disk"
    status=0
    "$hamedic" --root "$tree" "$@" </dev/null >/dev/full 2>"$work/err" || status=$?
    : >"$work/out"
    [ "$status" -eq 1 ] || wrong "exit status $status instead of 1"
    one_line_names "cannot write the output: "
    ran="hamedic $* with standard output closed"
    status=0
    "$hamedic" --root "$tree" "$@" </dev/null >&- 2>"$work/err" || status=$?
    [ "$status" -eq 1 ] || wrong "exit status $status instead of 1"
    one_line_names "cannot write the output: "
}
unheard version
unheard help
unheard diagnose
unheard diagnose --json
unheard plan --set "$wish"
unheard plan --json --set "$wish"
unheard show "$plan"
unheard history
echo "reviews hold"
