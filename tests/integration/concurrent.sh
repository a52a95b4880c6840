#!/bin/sh
# Two at a time: hamedic beside hamedic, hamedic beside another program that writes the policy store, and locks whose
# holders died. One wins, the other waits its bounded time and is told who holds the lock, and nothing is mixed.
set -eu
helpers=$HAMEDIC_SOURCE/tests/integration/helpers
# shellcheck source=tests/integration/helpers/tree.sh
. "$helpers/tree.sh"

port=selinux.port:tcp/8888=http_port_t
somaxconn=sysctl.dropin:net.core.somaxconn=4096
maxconn=haproxy.maxconn:global=4000
cfg=$tree/etc/haproxy/haproxy.cfg
dropin=$tree/etc/sysctl.d/99-hamedic.conf
store_lock=$tree/var/lib/selinux/default/semanage.trans.LOCK

store() {
    "${HAMEDIC_TEST_PROGRAMS:?}/policy_store" "$tree" show
}
files() {
    host_state | grep -v -e '\./etc/selinux' -e '\./var/lib/selinux'
}
is_before() {
    files >"$work/now"
    echo "$before" | diff - "$work/now" >&2 || wrong "the host is not as before"
    [ "$labels" = "$(store)" ] || wrong "the store says $(store)"
}
again() { # FROM: a fresh copy
    rm -rf "$tree"
    cp -a "$work/$1" "$tree"
}
until_true() { # COMMAND...
    rounds=400
    until "$@" >/dev/null 2>&1; do
        rounds=$((rounds - 1))
        [ "$rounds" -gt 0 ] || fail "waited in vain: $*"
        sleep 0.05
    done
}
still_ends() { # STATUS
    [ "$ended" -eq "$1" ] || fail "the one that stood still ended with $ended instead of $1: $(cat "$work/still.out" "$work/still.err")"
}

sh "$HAMEDIC_SOURCE/tests/fixtures/selinux/make_tree.sh" "$tree" "$work/cache"
tree_make
plan_make "$work/a.plan" haproxy.maxconn:global=3000
plan_make "$work/b.plan" haproxy.maxconn:global=4000
plan_make "$work/files.plan" $maxconn $somaxconn
plan_make "$work/labels.plan" $port $maxconn $somaxconn
for plan in a b files; do approve "$work/$plan.plan" ops-1; done
approve "$work/labels.plan" ops-1 ops-2
before=$(files)
labels=$(store)
cp -a "$tree" "$work/fresh"
done_with 0 apply "$work/labels.plan"
cp -a "$tree" "$work/applied"

# ---- two that want the same file, started together, in either order ----

start() { # PLAN
    status_of=$work/$1.status
    rm -f "$status_of"
    (
        code=0
        strace -qq -o "$work/$1.trace" -e trace=flock \
            "$hamedic" --root "$tree" apply "$work/$1.plan" </dev/null >"$work/$1.out" 2>"$work/$1.err" || code=$?
        echo "$code" >"$status_of"
    ) &
}
met=0 wins_a=0 wins_b=0 round=0
while [ "$met" -lt 10 ] || [ "$wins_a" -eq 0 ] || [ "$wins_b" -eq 0 ]; do
    [ "$round" -lt 80 ] || fail "of $round rounds the two met in $met, won by one $wins_a times and by the other $wins_b times"
    again fresh
    first=a second=b
    [ $((round % 2)) -eq 0 ] || first=b second=a
    start $first
    one=$!
    start $second
    wait "$one" "$!"
    ran="two applies at once, round $round"
    case "$(cat "$work/a.status")$(cat "$work/b.status")" in
    03) wins_a=$((wins_a + 1)) won=3000 lost=b ;;
    30) wins_b=$((wins_b + 1)) won=4000 lost=a ;;
    *) fail "$ran: they ended with $(cat "$work/a.status") and $(cat "$work/b.status"): $(cat "$work/a.err" "$work/b.err")" ;;
    esac
    grep -qe 'moved since the plan' -e 'another hamedic is at work on this host (pid [0-9]*)' "$work/$lost.err" ||
        fail "$ran: the one that lost is not told why: $(cat "$work/$lost.err")"
    sed "s/maxconn 2000 /maxconn $won /" "$work/fresh/etc/haproxy/haproxy.cfg" | cmp -s - "$cfg" ||
        fail "$ran: haproxy.cfg is not what the one that won wrote"
    [ "$(find "$tree/var/lib/hamedic/tx" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ] || fail "$ran: more than one transaction"
    ! grep -q EAGAIN "$work/a.trace" "$work/b.trace" || met=$((met + 1))
    round=$((round + 1))
done
echo "two applies at once: $round rounds, met in $met, won by one $wins_a times and by the other $wins_b times"

# The same plan twice: once.
met=0 round=0
cp "$work/a.plan" "$work/c.plan"
for signature in "$work"/a.plan.*; do cp "$signature" "$work/c.plan${signature#"$work/a.plan"}"; done
while [ "$met" -lt 3 ]; do
    [ "$round" -lt 40 ] || fail "one plan twice at once: of $round rounds they met in $met"
    again fresh
    start a
    one=$!
    start c
    wait "$one" "$!"
    case "$(cat "$work/a.status")$(cat "$work/c.status")" in
    03 | 30) ;;
    *) fail "one plan twice at once: they ended with $(cat "$work/a.status") and $(cat "$work/c.status")" ;;
    esac
    grep -qe 'was used already' -e 'another hamedic' "$work/a.err" "$work/c.err" || fail "one plan twice at once: not told"
    ! grep -q EAGAIN "$work/a.trace" "$work/c.trace" || met=$((met + 1))
    round=$((round + 1))
done

# ---- one in the way of another kind ----

interrupt() { # an apply that is cut off behind its first visible change
    again fresh
    ran="apply, cut off"
    strace -qq -o "$work/trace" -e trace=renameat2 -e inject=renameat2:signal=SIGKILL:when=3 \
        "$hamedic" --root "$tree" apply "$work/files.plan" </dev/null >"$work/out" 2>"$work/err" || :
    grep -q 'killed by SIGKILL' "$work/trace" || wrong "was not killed"
    files | grep -q 99-hamedic || wrong "changed nothing yet"
}
for other in "apply $work/a.plan" rollback recover; do
    # While recover is at work...
    interrupt
    stands_still renameat2 1 recover
    # shellcheck disable=SC2086
    done_with 3 $other
    one_line_names "another hamedic is at work on this host (pid $holder)"
    goes_on
    still_ends 0
    is_before
    done_with 0 recover
    # ... and while apply is.
    again fresh
    stands_still renameat2 1 apply "$work/files.plan"
    # shellcheck disable=SC2086
    done_with 3 $other
    one_line_names "another hamedic is at work on this host (pid $holder)"
    goes_on
    still_ends 0
    grep -q 'somaxconn = 4096' "$dropin" && grep -q 'maxconn 4000 ' "$cfg" || fail "that apply is not whole"
    done_with 0 rollback
    is_before
done
# A short wait is no refusal: the other one goes on once somebody was seen to wait. Where the machine is too busy for
# that within the bounded wait, it is tried again.
tries=0
while :; do
    interrupt
    stands_still renameat2 1 recover
    rm -f "$work/trace"
    strace -qq -o "$work/trace" -e trace=flock "$hamedic" --root "$tree" rollback </dev/null >"$work/out" 2>"$work/err" &
    waiting=$!
    wait_for "$work/trace" EAGAIN
    goes_on
    still_ends 0
    ran="rollback, which waits for recover"
    status=0
    wait "$waiting" || status=$?
    ! grep -q 'another hamedic is at work' "$work/err" || status=busy
    [ "$status" = busy ] || break
    tries=$((tries + 1))
    [ "$tries" -lt 10 ] || wrong "waits for nobody"
done
is_before

# ---- another program holds the policy store's lock ----

hold_store() {
    flock -x "$store_lock" sleep 100 &
    other=$!
    until_true is_taken "$store_lock"
}
is_taken() { # FILE
    ! flock -n "$1" true
}
let_go() {
    child=$(cat "/proc/$other/task/$other/children")
    # shellcheck disable=SC2086
    kill -KILL "$other" $child
    wait "$other" 2>/dev/null || :
}
again fresh
hold_store
untouched=$(store)
done_with 1 apply "$work/labels.plan"
says err "another program holds the policy store's lock: process $other (flock)"
says out "Nothing was changed."
[ "$untouched" = "$(store)" ] || wrong "changed the store"
is_before
let_go
done_with 0 apply "$work/labels.plan"
[ "$(store)" != "$labels" ] || wrong "changed no label"

hold_store
done_with 5 rollback
says err "another program holds the policy store's lock: process $other (flock)"
[ "$(files)" = "$before" ] || wrong "did not take the rest back"
let_go
done_with 0 rollback
is_before

# Interrupted in the store's worst moment, and then its lock is taken.
again fresh
strace -qq -o "$work/trace" -e trace=rename "$hamedic" --root "$tree" apply "$work/labels.plan" </dev/null >"$work/out" 2>&1
number=$(grep '^rename(' "$work/trace" | grep -n -m 1 'default/tmp", .*default/active"' | cut -d: -f1)
again fresh
strace -qq -o "$work/trace" -e trace=rename -e "inject=rename:signal=SIGKILL:when=$number" \
    "$hamedic" --root "$tree" apply "$work/labels.plan" </dev/null >"$work/out" 2>&1 || :
[ ! -e "$tree/var/lib/selinux/default/active" ] || fail "apply was not killed between the two renames"
hold_store
done_with 5 recover
says err "process $other (flock)"
[ ! -e "$tree/var/lib/selinux/default/active" ] || wrong "repaired the store without its lock"
let_go
done_with 0 rollback
is_before
done_with 0 recover

# ---- another program that really commits, all the time ----

again fresh
(
    number=0
    while [ ! -e "$work/enough" ]; do
        number=$((number + 1))
        printf '(boolean hamedic_beside_%s false)\n' "$number" >"$work/hamedic_beside_$number.cil"
        tries=0
        until semodule -p "$tree" -s default -n -N -i "$work/hamedic_beside_$number.cil" 2>/dev/null; do
            tries=$((tries + 1))
            [ "$tries" -lt 10 ] || exit 1
        done
        echo "$number" >"$work/committed"
    done
) &
beside=$!
until_true test -s "$work/committed"
plan_fits_between() {
    run plan -o "$work/labels.plan" --set $port --set $maxconn
    [ "$status" -ne 0 ] || return 0
    says err "another program holds the policy store's lock"
    [ "$status" -eq 1 ] && [ ! -e "$work/labels.plan" ] || wrong "exit status $status, or a plan all the same"
    return 1
}
round=0 met=0 later=0 waits=0
while [ "$round" -lt 4 ] || [ "$met" -eq 0 ]; do
    [ "$round" -lt 40 ] || fail "hamedic and semodule never met at the store's lock"
    rm -f "$work/labels.plan" "$work"/labels.plan.*
    # A plan needs a moment between two of its commits, and semodule takes the lock again at once.
    until plan_fits_between; do
        waits=$((waits + 1))
        [ "$waits" -le 20 ] || wrong "found the lock taken $waits times"
    done
    approve "$work/labels.plan" ops-1 ops-2
    ran="apply beside semodule"
    status=0
    strace -qq -y -o "$work/trace" -e trace=flock \
        "$hamedic" --root "$tree" apply "$work/labels.plan" </dev/null >"$work/out" 2>"$work/err" || status=$?
    ! grep -q 'semanage.trans.LOCK.*EAGAIN' "$work/trace" || met=$((met + 1))
    case $status in
    0)
        run rollback
        while [ "$status" -ne 0 ]; do
            [ "$status" -eq 5 ] || wrong "exit status $status"
            says err "another program holds"
            later=$((later + 1))
            run rollback
        done
        ;;
    1) says err "another program holds" ;;
    *) wrong "exit status $status" ;;
    esac
    [ "$(files)" = "$before" ] || wrong "the files are not as before"
    round=$((round + 1))
done
: >"$work/enough"
wait "$beside" || fail "semodule beside hamedic failed"
[ "$labels" = "$(store)" ] || fail "hamedic and semodule: the store says $(store)"
semodule -p "$tree" -s default -l >"$work/modules"
last=$(cat "$work/committed")
[ "$(grep -c '^hamedic_beside_' "$work/modules")" -eq "$last" ] || fail "a commit of semodule's is lost"
echo "beside semodule: $round rounds, met in $met, $last commits of its own, $later rollbacks and $waits plans tried again"

# ---- locks of the dead ----

again fresh
stands_still renameat2 1 apply "$work/files.plan"
kill -KILL "$holder"
has_ended
still_ends 137
done_with 0 recover
is_before
hold_store
child=$(cat "/proc/$other/task/$other/children")
kill -KILL "$other"
wait "$other" 2>/dev/null || :
# Its child has the lock now: nobody is named who is gone.
plan_make "$work/orphan.plan" $port
approve "$work/orphan.plan" ops-1 ops-2
done_with 1 apply "$work/orphan.plan"
says err "process $other, which has ended, left running"
# shellcheck disable=SC2086
kill -KILL $child
until_true flock -n "$store_lock" true
done_with 0 apply "$work/orphan.plan"
done_with 0 rollback

# hamedic dies, a program that libsemanage started for it lives on: it holds nothing.
again fresh
cat >"$work/compiler" <<END2
#!/bin/sh
echo \$\$ >$work/compiler.pid
exec sleep 100
END2
chmod 755 "$work/compiler"
rm -f "$work/compiler.pid"
compiler=/usr/sbin/sefcontext_compile
# shellcheck disable=SC2016
unshare --mount sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' sh "$work/compiler" "$compiler" \
    "$hamedic" --root "$tree" apply "$work/labels.plan" </dev/null >"$work/out" 2>&1 &
dying=$!
until_true test -s "$work/compiler.pid"
kill -KILL "$dying"
wait "$dying" 2>/dev/null || :
orphan=$(cat "$work/compiler.pid")
[ "$(cat "/proc/$orphan/comm")" = sleep ] || fail "the orphan is gone"
! find "/proc/$orphan/fd" -lname '*LOCK' -o -lname '*/lock' -o -lname "$tree/*" | grep -q . ||
    fail "the orphan has a descriptor of ours: $(ls -l "/proc/$orphan/fd")"
done_with 0 recover
is_before
[ "$(cat "/proc/$orphan/comm")" = sleep ] || fail "the orphan did not live on"
kill -KILL "$orphan"
echo "concurrent: ok"
