#!/bin/sh
# What is taken back is exactly as it was: created, edited, removed and already-so, of every kind of file; at once,
# after the end, and after a crash. What somebody else did since is left, and told.
set -eu
helpers=$HAMEDIC_SOURCE/tests/integration/helpers
# shellcheck source=tests/integration/helpers/tree.sh
. "$helpers/tree.sh"

dress() {
    python3 "$helpers/dress.py" "$@"
}
cfg=$tree/etc/haproxy/haproxy.cfg
sysctl=$tree/etc/sysctl.d/99-hamedic.conf
unit_dir=$tree/etc/systemd/system/haproxy.service.d
unit=$unit_dir/99-hamedic.conf

# ---- a host with a file of every kind to create, to edit and to remove ----

tree_make
# What hamedic wrote once and shall take away now: sysctl.d and the unit's drop-in.
plan_make "$work/old.plan" sysctl.dropin:net.core.somaxconn=2048 systemd.limit:haproxy.service=100000
approve "$work/old.plan" ops-1
done_with 0 apply "$work/old.plan"
rm "$work/old.plan"*
printf '# a remark\r\n\t \n' >>"$cfg"
for file in "$cfg" "$sysctl" "$unit"; do dress put "$file"; done
# New files, and staged ones, would take this up, and the group.
dress default "$tree/etc/haproxy"
dress default "$tree/etc/sysctl.d"
chgrp 789 "$tree/etc/haproxy" "$tree/etc/sysctl.d"
chmod g+s "$tree/etc/haproxy" "$tree/etc/sysctl.d"
cp -a "$tree" "$work/dressed"
# The same, where the drop-ins and their folders are not there yet.
rm -r "$work/dressed/etc/systemd"
cp -a "$work/dressed" "$work/bare"
rm -r "$work/bare/etc/sysctl.d/99-hamedic.conf"
rm -rf "$work/dressed"
cp -a "$tree" "$work/dressed"

# What is wished, and from which tree.
wishes() { # KIND
    from=$work/dressed
    case $1 in
    create-sysctl) from=$work/bare && echo sysctl.dropin:net.core.somaxconn=4096 ;;
    create-unit) from=$work/bare && echo systemd.limit:haproxy.service=200000 ;;
    edit-sysctl) echo sysctl.dropin:net.core.somaxconn=4096 ;;
    edit-unit) echo systemd.limit:haproxy.service=200000 ;;
    edit-config) echo haproxy.maxconn:global=4000 haproxy.maxconn:server/shop/shop1=100 ;;
    line-config) echo haproxy.stats_socket:global=/run/haproxy/admin.sock ;;
    delete-sysctl) echo sysctl.dropin:net.core.somaxconn= ;;
    delete-unit) echo systemd.limit:haproxy.service= ;;
    delete-config) echo haproxy.maxconn:global= ;;
    already) echo sysctl.dropin:net.core.somaxconn=2048 haproxy.maxconn:global=4000 ;;
    all) echo sysctl.dropin:net.core.somaxconn=4096 systemd.limit:haproxy.service= haproxy.maxconn:global=4000 \
        haproxy.stats_socket:global=/run/haproxy/admin.sock ;;
    bare-all) from=$work/bare && echo sysctl.dropin:net.core.somaxconn=4096 systemd.limit:haproxy.service=200000 \
        haproxy.maxconn:global=4000 haproxy.stats_socket:global=/run/haproxy/admin.sock ;;
    *) fail "'$1'?" ;;
    esac
}
kinds="create-sysctl create-unit edit-sysctl edit-unit edit-config line-config delete-sysctl delete-unit delete-config
    already all bare-all"
fresh() { # KIND: $tree and $plan
    wishes "$1" >"$work/wishes"
    rm -rf "$tree" "$work/fix.plan"*
    cp -a "$from" "$tree"
    plan=$work/fix.plan
    # shellcheck disable=SC2046 # one word each
    plan_make "$plan" $(cat "$work/wishes")
    approve "$plan" ops-1
    dress show "$tree" >"$work/before"
}
is_as_before() { # HOW
    dress show "$tree" | diff "$work/before" - >&2 || wrong "$1: the host is not exactly as before"
}
changed() {
    ! dress show "$tree" | cmp -s "$work/before" - || wrong "changed nothing"
}
# Applies with one fault at that call, at the Nth time.
faulty() { # FAULT CALL N ARGUMENT...
    fault=$1 call=$2 when=$3
    shift 3
    ran="hamedic $* with $fault at $call $when"
    status=0
    strace -qq -o "$work/trace" -e trace="$call" -e inject="$call:$fault:when=$when" \
        "$hamedic" --root "$tree" "$@" </dev/null >"$work/out" 2>"$work/err" || status=$?
}
inode() {
    stat -c %i "$1" 2>/dev/null || :
}

exact=0
for kind in $kinds; do
    # After the end: from the copy.
    fresh "$kind"
    done_with 0 apply "$plan"
    changed
    [ "$(find "$tree/etc" -name '.hamedic*')" = "" ] || wrong "left something beside a file"
    done_with 0 rollback
    is_as_before "$kind, rollback"
    # At once: the record that says PROVEN cannot be written, and the displaced file is still there.
    fresh "$kind"
    was=$(inode "$cfg") was_unit=$(inode "$unit")
    faulty error=ENOSPC pwrite64 7 apply "$plan"
    [ "$status" -eq 4 ] || wrong "exit status $status"
    is_as_before "$kind, taken back at once"
    [ "$was $was_unit" = "$(inode "$cfg") $(inode "$unit")" ] || wrong "$kind: the files are others now"
    # After a crash behind the commit, and after one behind the decision and a rollback.
    fresh "$kind"
    faulty signal=SIGKILL pwrite64 6 apply "$plan"
    grep -q 'killed by SIGKILL' "$work/trace" || wrong "was not killed"
    changed
    done_with 0 recover
    is_as_before "$kind, recovered"
    fresh "$kind"
    faulty signal=SIGKILL pwrite64 8 apply "$plan"
    grep -q 'killed by SIGKILL' "$work/trace" || wrong "was not killed"
    done_with 0 recover
    changed
    done_with 0 rollback
    is_as_before "$kind, recovered forward and rolled back"
    exact=$((exact + 4))
done

# ---- what somebody else did since ----

# Applied, and then: COMMAND; the rollback ends with that status.
since() { # KIND STATUS COMMAND...
    kind=$1 ending=$2
    shift 2
    fresh "$kind"
    done_with 0 apply "$plan"
    "$@"
    dress show "$tree" >"$work/since"
    done_with "$ending" rollback
    [ "$(find "$tree/etc" -name '.hamedic*')" = "" ] || wrong "left something beside a file"
    ran="$ran ($kind, then $*)"
}
is_untouched() {
    dress show "$tree" | diff "$work/since" - >&2 || wrong "touched what somebody else made"
}
line_of() { # FILE
    dress show "$tree" | grep -- "^${1#"$tree"/} " || :
}

# The same bytes, but another owner, group, mode, ACL, label or attribute: that stays, and the bytes go back.
for kind in edit-sysctl edit-unit edit-config; do
    case $kind in
    edit-sysctl) file=$sysctl ;;
    edit-unit) file=$unit ;;
    *) file=$cfg ;;
    esac
    for how in owner group mode acl label user; do
        since "$kind" 0 dress change "$how" "$file"
        says out "own part taken back"
        now=$(line_of "$file" | sed -E 's/ links=1 [0-9]+ [0-9]+ / /; s/ [0-9a-f]{64}$//')
        set_since=$(grep -- "^${file#"$tree"/} " "$work/since" | sed -E 's/ links=1 [0-9]+ [0-9]+ / /; s/ [0-9a-f]{64}$//')
        [ "$now" = "$set_since" ] || wrong "lost somebody's $how: '$now' instead of '$set_since'"
        was=$(grep -- "^${file#"$tree"/} " "$work/before")
        [ "${was##* }" = "$(sha256sum "$file" | cut -d ' ' -f 1)" ] || wrong "the bytes are not as before"
    done
done

# Gone, or something else in its place: left alone, and told.
be_link() { rm "$1" && ln -s /etc/passwd "$1"; }
be_folder() { rm "$1" && mkdir "$1" && echo his >"$1/x"; }
for file in "$sysctl" "$unit"; do
    case $file in
    "$sysctl") kind=edit-sysctl ;;
    *) kind=edit-unit ;;
    esac
    for somebody in rm be_link be_folder; do
        since "$kind" 5 $somebody "$file"
        says err "the rollback of plan"
        says err "${file#"$tree"}"
        is_untouched
    done
done
since edit-config 5 rm "$cfg"
says err "somebody removed it since"
is_untouched
since edit-config 5 be_link "$cfg"
says err "somebody put a symbolic link in its place since"
since edit-config 5 be_folder "$cfg"
says err "somebody put a directory in its place since"

# A file that we made and somebody removed is as before; its folders go, unless somebody uses them.
since create-unit 0 rm "$unit"
is_as_before "somebody removed our file"
since create-unit 0 rm -r "$unit_dir"
is_as_before "somebody removed our folder"
since create-unit 0 rm -r "$tree/etc/systemd"
is_as_before "somebody removed our folders"
use_folder() { echo his >"$unit_dir/50-his.conf"; }
since create-unit 0 use_folder
[ ! -e "$unit" ] || wrong "left our file"
[ "$(cat "$unit_dir/50-his.conf")" = his ] || wrong "lost somebody's file"
use_above() { mkdir "$tree/etc/systemd/system/his.service.d"; }
since create-unit 0 use_above
[ ! -e "$unit_dir" ] || wrong "left our folder"
[ -d "$tree/etc/systemd/system/his.service.d" ] || wrong "took somebody's folder away"

# A file that we removed and somebody wrote anew is his.
write_anew() { mkdir -p "$(dirname -- "$1")" && printf '[Service]\nLimitNOFILE=555\n' >"$1"; }
since delete-unit 5 write_anew "$unit"
says err "99-hamedic.conf"
is_untouched

# A folder that others may write by now is no place where root puts a file.
since edit-config 5 chmod 0777 "$tree/etc/haproxy"
says err "may be written by others than root"
is_untouched
# Once that is put right, it can be.
chmod 2755 "$tree/etc/haproxy"
done_with 0 rollback
is_as_before "rollback, second try"

echo "$exact ways back, all exact"
