#!/bin/sh
# Somebody edits a target at every moment of a transaction: between plan and apply, while it is prepared, before and
# behind the exchange. hamedic stands still at a system call then, so that each moment is surely hit. No edit is lost,
# each is told, and the host is otherwise wholly as before or wholly as planned.
set -eu
helpers=$HAMEDIC_SOURCE/tests/integration/helpers
# shellcheck source=tests/integration/helpers/tree.sh
. "$helpers/tree.sh"

cfg=$tree/etc/haproxy/haproxy.cfg
dropin=$tree/etc/sysctl.d/99-hamedic.conf
tree_make
cp -a "$tree" "$work/plain"
plan=$work/fix.plan
plan_make "$plan" haproxy.maxconn:global=4000 sysctl.dropin:net.core.somaxconn=4096
approve "$plan" ops-1

bytes_of_cfg() {
    if [ -e "$cfg" ]; then sha256sum <"$cfg"; fi
}
# Applies, stands still behind that call at the Nth time; then COMMAND; then it goes on.
meanwhile() { # CALL N COMMAND...
    call=$1 when=$2
    shift 2
    rm -rf "$tree" "$work/trace"
    cp -a "$work/plain" "$tree"
    before=$(host_state)
    ran="apply, and behind $call $when: $*"
    strace -qq -o "$work/trace" -e trace="$call" -e inject="$call:signal=SIGSTOP:when=$when" \
        "$hamedic" --root "$tree" apply "$plan" </dev/null >"$work/out" 2>"$work/err" &
    tracer=$!
    wait_for "$work/trace" "stopped by SIGSTOP"
    "$@"
    edited=$(stat -c '%a %u:%g %F' "$cfg" 2>/dev/null || :)
    bytes=$(bytes_of_cfg)
    kill -CONT "$(cat "$tree/run/hamedic/lock")"
    status=0
    wait "$tracer" || status=$?
    # Long lines are folded for the terminal.
    cat "$work/out" "$work/err" | tr -s '\n ' ' ' >"$work/said"
}
ends() { # STATUS WORDS
    [ "$status" -eq "$1" ] || wrong "exit status $status instead of $1"
    grep -qF -- "$2" "$work/said" || wrong "does not say '$2'"
    [ -z "$(find "$tree/etc" -name '.hamedic*')" ] || wrong "left something beside a file"
    windows=$((windows + 1))
}
edit_stands() {
    [ "$edited" = "$(stat -c '%a %u:%g %F' "$cfg" 2>/dev/null || :)" ] || wrong "lost what somebody made of haproxy.cfg"
    [ "$bytes" = "$(bytes_of_cfg)" ] || wrong "lost somebody's edit of haproxy.cfg"
}
# All but the edited file is as before.
rest_is_as_before() { # PATTERN
    echo "$before" | grep -v -- "$1" >"$work/was"
    host_state | grep -v -- "$1" | diff "$work/was" - >&2 || wrong "something else changed"
}
windows=0

# What somebody does to haproxy.cfg.
edit() { sed -i 's/^# Written.*/& And by Ann./' "$cfg"; }
edit_in_place() { echo '# And by Ann.' >>"$cfg"; }
same_key() { sed -i 's/maxconn 2000/maxconn 5000/' "$cfg"; }
same_wish() { sed -i 's/maxconn 2000/maxconn 4000/' "$cfg"; }
mode() { chmod 0600 "$cfg"; }
owner() { chown 1000:1000 "$cfg"; }
gone() { rm "$cfg"; }
linked() {
    cp "$cfg" "$tree/etc/other"
    ln -sf ../other "$cfg"
}
hard_linked() { ln "$cfg" "$tree/etc/second"; }
appeared() { echo 'vm.swappiness = 10' >"$dropin"; }

# ---- between plan and apply ----

for somebody in edit same_key same_wish gone; do
    rm -rf "$tree"
    cp -a "$work/plain" "$tree"
    $somebody
    before=$(host_state)
    run apply "$plan"
    ran="$ran ($somebody)"
    case "$somebody $status" in
    "gone 1") ;; # there is no configuration any more
    *" 3") says err moved ;;
    *) wrong "exit status $status" ;;
    esac
    [ "$before" = "$(host_state)" ] || wrong "changed something"
    windows=$((windows + 1))
done

# ---- while it is prepared: behind the record OPEN nothing was read for staging yet ----

for somebody in edit same_key; do
    meanwhile pwrite64 2 $somebody
    ends 3 "moved since the plan was made"
    edit_stands
    rest_is_as_before haproxy.cfg
done
meanwhile pwrite64 2 appeared
ends 3 "moved since the plan was made"
rest_is_as_before 99-hamedic.conf
[ "$(cat "$dropin")" = 'vm.swappiness = 10' ] || wrong "lost somebody's file"

# ---- between prepare and commit: behind the records STAGED, PREPARED, COMMITTING ----

for record in 3 4 5; do
    for somebody in edit edit_in_place same_key same_wish mode owner; do
        meanwhile pwrite64 "$record" $somebody
        case $somebody in
        mode | owner) ends 4 "owner, mode, ACL or attributes of 'haproxy.cfg' were changed by somebody else" ;;
        *) ends 4 "'haproxy.cfg' was edited by somebody else" ;;
        esac
        edit_stands
        rest_is_as_before haproxy.cfg
        done_with 0 recover
    done
done
meanwhile pwrite64 5 gone
ends 4 "'haproxy.cfg' was removed by somebody else"
edit_stands
rest_is_as_before haproxy.cfg
meanwhile pwrite64 5 linked
ends 4 "'haproxy.cfg' was replaced by a symbolic link"
edit_stands
meanwhile pwrite64 5 hard_linked
ends 4 "'haproxy.cfg' was linked to another name"
edit_stands
meanwhile pwrite64 5 appeared
ends 4 "'99-hamedic.conf' was made by somebody else"
[ "$(cat "$dropin")" = 'vm.swappiness = 10' ] || wrong "lost somebody's file"
rest_is_as_before 99-hamedic.conf

# ---- behind the exchange: ours stands there, and what it displaced was not looked at yet ----

# The drop-in is moved first, then haproxy.cfg exchanged.
meanwhile renameat2 3 edit
ends 0 "proven"
edit_stands
done_with 0 rollback
says out "own part taken back"
sed 's/^# Written.*/& And by Ann./' "$work/plain/etc/haproxy/haproxy.cfg" | cmp -s - "$cfg" ||
    wrong "did not keep somebody's edit, or did not take back ours"

# Two edits, before the exchange and behind it: the newer stands, the other is kept beside it, and told.
rm -rf "$tree" "$work/trace"
cp -a "$work/plain" "$tree"
ran="apply, an edit before the exchange and one behind it"
strace -qq -o "$work/trace" -e trace=pwrite64,renameat2 -e inject=pwrite64:signal=SIGSTOP:when=5 \
    -e inject=renameat2:signal=SIGSTOP:when=3 \
    "$hamedic" --root "$tree" apply "$plan" </dev/null >"$work/out" 2>"$work/err" &
tracer=$!
wait_for "$work/trace" "stopped by SIGSTOP"
sed 's/^# Written.*/& And by Ann./' "$cfg" >"$work/ann"
cp "$work/ann" "$cfg.new" && mv "$cfg.new" "$cfg"
kill -CONT "$(cat "$tree/run/hamedic/lock")"
wait_for "$work/trace" RENAME_EXCHANGE
rounds=400
until [ "$(grep -c 'stopped by SIGSTOP' "$work/trace")" -eq 2 ]; do
    rounds=$((rounds - 1))
    [ "$rounds" -gt 0 ] || fail "$ran: never stood still behind the exchange"
    sleep 0.02
done
sed 's/^# Written.*/& And by Bob./' "$cfg" >"$work/bob"
cp "$work/bob" "$cfg.new" && mv "$cfg.new" "$cfg"
kill -CONT "$(cat "$tree/run/hamedic/lock")"
status=0
wait "$tracer" || status=$?
[ "$status" -eq 4 ] || wrong "exit status $status"
cmp -s "$work/bob" "$cfg" || wrong "the newer edit does not stand"
kept=$(find "$tree/etc" -name '.hamedic*')
case $kept in
*.kept) cmp -s "$work/ann" "$kept" || wrong "the other edit is not as it was" ;;
*) wrong "the other edit is not kept: '$kept'" ;;
esac
tr -d '\n ' <"$work/out" | grep -qF "$(basename "$kept")" || wrong "does not say where the other edit is"
[ ! -e "$dropin" ] || wrong "did not take the rest back"
windows=$((windows + 1))

# ---- behind the commit, before the proof: what somebody made of our value is not proven, and left ----

ours_changed() { sed -i 's/maxconn 4000/maxconn 5000/' "$cfg"; }
meanwhile pwrite64 6 ours_changed
ends 5 "haproxy.maxconn:global"
edit_stands
[ ! -e "$dropin" ] || wrong "did not take back what nobody else had touched"
meanwhile pwrite64 6 mode
ends 0 "proven"
[ "$(stat -c %a "$cfg")" = 600 ] || wrong "lost somebody's mode"
done_with 0 rollback
says out "own part taken back"
[ "$(stat -c %a "$cfg")" = 600 ] || wrong "lost somebody's mode"
cmp -s "$work/plain/etc/haproxy/haproxy.cfg" "$cfg" || wrong "did not take back ours"

echo "$windows moments, no edit lost"
