#!/bin/sh
# All or nothing, and back again: every kind in one plan, other people's edits, a full disk, two at a time, and a kill in
# the middle.
set -eu
helpers=$HAMEDIC_SOURCE/tests/integration/helpers
# shellcheck source=tests/integration/helpers/tree.sh
. "$helpers/tree.sh"

somaxconn=sysctl.dropin:net.core.somaxconn=4096
limit=systemd.limit:haproxy.service=200000
maxconn=haproxy.maxconn:global=4000
server=haproxy.maxconn:server/shop/shop1=100
stats=haproxy.stats_socket:global=/run/haproxy/admin.sock
port=selinux.port:tcp/8888=http_port_t
boolean=selinux.boolean:haproxy_connect_any=on
cfg=$tree/etc/haproxy/haproxy.cfg
dropin=$tree/etc/sysctl.d/99-hamedic.conf
unit=$tree/etc/systemd/system/haproxy.service.d/99-hamedic.conf

has() { # FILE LINE
    grep -qxF -- "$2" "$1" || fail "after '$ran': '$1' has no line '$2'"
}
# Without the policy store: it is written as a whole, and policy_store tells what it holds.
files() {
    host_state | grep -v -e '\./etc/selinux' -e '\./var/lib/selinux'
}
store() {
    "${HAMEDIC_TEST_PROGRAMS:?}/policy_store" "$tree" show
}
is_before() { # WHAT
    files >"$work/now"
    echo "$before" | diff - "$work/now" >&2 || fail "$1: the host is not as before"
}

# ---- all six kinds ----

sh "$HAMEDIC_SOURCE/tests/fixtures/selinux/make_tree.sh" "$tree" "$work/cache"
tree_make
# Owner, mode and times that no default would give.
chown 123:456 "$cfg"
chmod 0640 "$cfg"
touch -d '2021-03-04 05:06:07.891234567' "$cfg"
before=$(files)
labels=$(store)
plan_make "$work/all.plan" $somaxconn $limit $maxconn $server $stats $port $boolean
approve "$work/all.plan" ops-1 ops-2
done_with 0 apply --dry-run "$work/all.plan"
is_before "a dry run"
[ "$labels" = "$(store)" ] || wrong "changed the policy store"
[ -z "$(ls -A "$tree/var/lib/hamedic/tx")" ] || wrong "left a transaction"

done_with 0 apply "$work/all.plan"
[ ! -s "$work/err" ] || wrong "complains"
for proven in 'net.core.somaxconn' 'LimitNOFILE=200000' 'maxconn 4000' 'maxconn 100' '/run/haproxy/admin.sock' \
    'haproxy_connect_any: on' 'tcp/8888: http_port_t'; do
    says out "$proven"
done
has "$dropin" "net.core.somaxconn = 4096"
has "$unit" "LimitNOFILE=200000"
has "$cfg" "    maxconn 4000        # enough for everybody"
has "$cfg" "    server shop1 127.0.0.11:9001 maxconn 100"
has "$cfg" "    stats socket /run/haproxy/admin.sock mode 600 level admin"
[ "$(stat -c '%a %u:%g' "$cfg")" = "640 123:456" ] || wrong "gave haproxy.cfg another mode or owner"
[ "$(store)" = "store sound
boolean on local
port http_port_t local" ] || wrong "the policy store says $(store)"
[ -z "$(find "$tree/etc" -name '.hamedic*')" ] || wrong "left files behind"
done_with 0 plan --detailed-exitcode --set $somaxconn --set $limit --set $maxconn --set $server --set $stats \
    --set $port --set $boolean

done_with 0 history
says out applied
says out "net.core.somaxconn  512 -> 4096"
done_with 0 history --json
[ "$(python3 -c 'import json, sys
entry, = json.load(open(sys.argv[1]))["transactions"]
print(entry["state"], len(entry["changes"]), entry["changes"][0]["after"])' "$work/out")" = "applied 7 on" ] ||
    wrong "tells another history"

done_with 0 rollback
is_before "rollback"
[ "$labels" = "$(store)" ] || wrong "the policy store says $(store)"
done_with 0 history
says out "rolled back"
done_with 1 rollback

# ---- what somebody else wrote meanwhile ----

rm -rf "$tree"
tree_make
before=$(files)
cp -a "$tree" "$work/plain"
again() { # NAME ADDRESS=VALUE..., sets $plan
    plan=$work/$1.plan
    shift
    rm -rf "$tree" "$plan".*
    cp -a "$work/plain" "$tree"
    plan_make "$plan" "$@"
    approve "$plan" ops-1
}
again kept $somaxconn $limit $maxconn $stats
done_with 0 apply "$plan"
sed -i 's/^# Written by hand.*/& And by Ann./; s/^frontend shop/&\n    maxconn 700/' "$cfg"
echo 'vm.swappiness = 10' >>"$dropin"
done_with 0 rollback
says out "own part taken back"
sed 's/^# Written by hand.*/& And by Ann./; s/^frontend shop/&\n    maxconn 700/' "$work/plain/etc/haproxy/haproxy.cfg" |
    cmp -s - "$cfg" || wrong "did not keep somebody's edit of haproxy.cfg, or did not take back all of ours"
has "$dropin" 'vm.swappiness = 10'
! grep -q somaxconn "$dropin" || wrong "left our line in $dropin"
[ ! -e "$tree/etc/systemd" ] || wrong "left the unit's drop-in, or its directories"
done_with 0 recover

again changed $somaxconn $maxconn
done_with 0 apply "$plan"
sed -i 's/maxconn 4000/maxconn 5000/' "$cfg"
done_with 5 rollback
says err haproxy.maxconn:global
has "$cfg" "    maxconn 5000        # enough for everybody"
[ ! -e "$dropin" ] || wrong "did not take back what nobody else had touched"
done_with 0 history
says out "needs a person"
says out haproxy.maxconn:global
plan_make "$work/next.plan" $somaxconn
approve "$work/next.plan" ops-1
refused 3 "waits for a person" apply "$work/next.plan"
done_with 5 recover
one_line_names "waits for a person"
# Tried again it is the same, as long as nobody put it right.
done_with 5 rollback
has "$cfg" "    maxconn 5000        # enough for everybody"
done_with 0 recover --accept
done_with 0 recover
done_with 0 apply "$work/next.plan"
done_with 0 rollback
has "$cfg" "    maxconn 5000        # enough for everybody"

# ---- two at a time ----

# The first stands still behind its first exchange of names, with the lock in its hand.
two() { # again, and the second's plan is made
    again first $somaxconn
    rm -f "$work/second.plan"*
    plan_make "$work/second.plan" $maxconn
    approve "$work/second.plan" ops-1
    stands_still renameat2 1 apply "$work/first.plan"
}
first_is_done() {
    goes_on
    [ "$ended" -eq 0 ] || fail "the first of two failed: $(cat "$work/still.out" "$work/still.err")"
    has "$dropin" "net.core.somaxconn = 4096"
}
two
done_with 3 apply "$work/second.plan"
one_line_names "another hamedic is at work on this host (pid $holder)"
first_is_done
done_with 0 apply "$work/second.plan"
# It goes on while the second waits, whose wait is bounded: on a busy machine that is tried again.
tries=0
while :; do
    two
    rm -f "$work/trace"
    ran="apply that waits for another"
    strace -qq -o "$work/trace" -e trace=flock \
        "$hamedic" --root "$tree" apply "$work/second.plan" </dev/null >"$work/out" 2>"$work/err" &
    waiting=$!
    wait_for "$work/trace" EAGAIN
    first_is_done
    status=0
    wait "$waiting" || status=$?
    [ "$status" -eq 3 ] || break
    says err "another hamedic is at work"
    tries=$((tries + 1))
    [ "$tries" -lt 10 ] || wrong "waits for nobody"
done
[ "$status" -eq 0 ] || wrong "exit status $status"
has "$cfg" "    maxconn 4000        # enough for everybody"

# ---- a full disk ----

home=$tree
disk=$work/disk
mkdir "$disk"
mount -t tmpfs -o size=1m,mode=0755 tmpfs "$disk"
cleanup="umount '$disk'"
# Fills the disk up to that many pages of 4096 bytes.
fill() { # PAGES
    rm -f "$disk/filler"
    free=$(($(stat -f -c %a "$disk") - $1))
    head -c $((free * 4096)) /dev/zero >"$disk/filler"
    [ "$(stat -f -c %a "$disk")" -eq "$1" ] || fail "cannot leave $1 pages"
}
again full $somaxconn $limit $maxconn $stats
fill 0
done_with 1 plan -o "$disk/fix.plan" --set $somaxconn
one_line_names "No space left on device"
[ ! -e "$disk/fix.plan" ] && [ ! -e "$disk/fix.plan.minisig" ] || wrong "left a part of a plan"
rm "$disk/filler"
# Anew with one page more each time, until it is enough.
cp -a "$home" "$disk/kept"
mv "$disk/kept" "$disk/tree"
tree=$disk/tree
pages=0
while :; do
    fill "$pages"
    run apply "$plan"
    [ "$status" -ne 0 ] || break
    [ "$status" -eq 1 ] || wrong "exit status $status instead of 1, with $pages pages left"
    one_line_names "No space left on device"
    is_before "apply with $pages pages left"
    rm "$disk/filler"
    done_with 0 recover
    is_before "apply with $pages pages left, and recover"
    pages=$((pages + 1))
    [ "$pages" -lt 100 ] || wrong "is never enough"
done
[ "$pages" -gt 4 ] || fail "only $pages pages were needed: the disk was not full"
# Taking back needs little; where there is not even that, it says so and is done once there is room.
fill 0
run rollback
case $status in
0) ;;
1 | 5)
    says err "No space left on device"
    rm "$disk/filler"
    # What had begun goes on; what could not even be recorded is asked for again.
    done_with 0 recover
    done_with 0 history
    grep -q 'rolled back' "$work/out" || done_with 0 rollback
    ;;
*) wrong "exit status $status with a full disk" ;;
esac
is_before "rollback on a full disk"
umount "$disk"
cleanup=:
tree=$home
echo "a disk with 0 to $((pages - 1)) pages left: refused, and nothing changed"

# ---- a kill (tests/crash/run: one before each system call) ----

# Who looks is told of it, and changes nothing; who applies the next plan finishes it first.
again kill $somaxconn $limit $maxconn $stats
ran="apply with a kill behind its first change"
strace -qq -o "$work/trace" -e trace=renameat2 -e inject=renameat2:signal=SIGKILL:when=3 \
    "$hamedic" --root "$tree" apply "$plan" </dev/null >"$work/out" 2>"$work/err" || :
grep -q 'killed by SIGKILL' "$work/trace" || wrong "was not killed"
has "$dropin" "net.core.somaxconn = 4096"
untouched=$(fingerprint)
done_with 0 plan --set $maxconn
says err "was interrupted"
done_with 0 history
says out interrupted
[ "$untouched" = "$(fingerprint)" ] || wrong "changed something"
done_with 3 apply "$plan"
says out "was interrupted at"
one_line_names "was used already"
is_before "apply after a kill"

echo "transactions hold"
