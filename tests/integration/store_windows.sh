#!/bin/sh
# What an interrupted commit leaves of the policy store, met by every command: damage of ours is repaired before
# libsemanage is asked anything, damage of others is named and stays as it is, and hinders nothing else.
set -eu
helpers=$HAMEDIC_SOURCE/tests/integration/helpers
# shellcheck source=tests/integration/helpers/tree.sh
. "$helpers/tree.sh"

port=selinux.port:tcp/8888=http_port_t
boolean=selinux.boolean:haproxy_connect_any=on
maxconn=haproxy.maxconn:global=4000
somaxconn=sysctl.dropin:net.core.somaxconn=4096
in_tree=var/lib/selinux/default

store() {
    "${HAMEDIC_TEST_PROGRAMS:?}/policy_store" "$tree" show
}
files() { # all but the store, which is written as a whole, and hamedic's own
    host_state | grep -v -e '\./etc/selinux' -e '\./var/lib/selinux'
}
selinux_files() { # the store and what is installed, without the locks
    (
        cd "$tree" || exit 1
        find var/lib/selinux etc/selinux -name '*.LOCK' -prune -o -printf '%p %y %m %U:%G %s %T@\n' | sort
        find var/lib/selinux etc/selinux -type f ! -name '*.LOCK' -print0 | sort -z | xargs -0 sha256sum --
    )
}
again() { # FROM: a fresh copy
    rm -rf "$tree"
    cp -a "$work/$1" "$tree"
}
# Another program's commit, whole, and cut off at its Nth rename.
semodule_adds() { # NAME [RENAME]
    printf '(boolean %s false)\n' "$1" >"$work/$1.cil"
    set -- "$1" "${2-}"
    if [ -z "$2" ]; then
        semodule -p "$tree" -s default -n -N -i "$work/$1.cil" 2>/dev/null || fail "semodule does not work"
        return
    fi
    strace -qq -o "$work/trace" -e trace=rename -e "inject=rename:signal=SIGKILL:when=$2" \
        semodule -p "$tree" -s default -n -N -i "$work/$1.cil" 2>/dev/null && fail "semodule was not killed"
    grep -q 'killed by SIGKILL' "$work/trace" || fail "semodule failed, but was not killed"
}
nth_rename() { # WORDS: which of the traced renames has them first
    grep '^rename(' "$work/trace" | grep -n -m 1 -- "$1" | cut -d: -f1
}
# hamedic ARGUMENT... killed at the call of that name whose text has these words: no `active`; not installed.
killed_where() { # WORDS ARGUMENT...
    words=$1
    shift
    kept=$work/kept
    rm -rf "$kept"
    cp -a "$tree" "$kept"
    ran="hamedic $* killed at $words"
    strace -qq -o "$work/trace" -e trace=rename "$hamedic" --root "$tree" "$@" </dev/null >"$work/out" 2>"$work/err" || :
    number=$(nth_rename "$words")
    [ -n "$number" ] || wrong "makes no such call"
    rm -rf "$tree"
    mv "$kept" "$tree"
    strace -qq -o "$work/trace" -e trace=rename -e "inject=rename:signal=SIGKILL:when=$number" \
        "$hamedic" --root "$tree" "$@" </dev/null >"$work/out" 2>"$work/err" && wrong "was not killed"
    grep -q 'killed by SIGKILL' "$work/trace" || wrong "failed, but was not killed"
}
no_active='default/tmp", .*default/active"'
not_installed='etc/selinux/default/policy/policy\.33'
meets() { # CONDITION
    [ "$(store)" = "store $1" ] || wrong "the store is '$(store)', not $1"
}

sh "$HAMEDIC_SOURCE/tests/fixtures/selinux/make_tree.sh" "$tree" "$work/cache"
tree_make
plan_make "$work/all.plan" $port $boolean $maxconn $somaxconn
approve "$work/all.plan" ops-1 ops-2
plan_make "$work/other.plan" $maxconn $somaxconn
approve "$work/other.plan" ops-1
before=$(files)
labels=$(store)
cp -a "$tree" "$work/fresh"
done_with 0 apply "$work/all.plan"
after=$(store)
cp -a "$tree" "$work/applied"
is_before() {
    files >"$work/now"
    echo "$before" | diff - "$work/now" >&2 || wrong "the host is not as before"
}

# ---- on disk ----

# What libsemanage names after its own syncfs is synced by us: behind the rename of anything of the store comes an fsync
# of it, and one of its folder.
again fresh
ran="hamedic apply, traced"
strace -qq -y -o "$work/trace" -e trace=rename,fsync "$hamedic" --root "$tree" apply "$work/all.plan" </dev/null >"$work/out" 2>"$work/err"
python3 - "$work/trace" "$tree" <<'END' || wrong "does not sync all"
import os, re, sys
synced, renamed = {}, {}
for at, line in enumerate(open(sys.argv[1])):
    found = re.match(r'rename\("([^"]*)", "([^"]*)"\) += 0', line)
    if found:
        renamed[os.path.normpath(found[2])] = at
    found = re.match(r'fsync\(\d+<([^>]*)>\) += 0', line)
    if found:
        synced[os.path.normpath(found[1])] = at
kept = {path: at for path, at in renamed.items()
        if path.startswith(sys.argv[2] + "/etc/selinux/") or path.endswith("/active")}
late = [path for path, at in kept.items() for what in (path, os.path.dirname(path)) if synced.get(what, -1) < at]
print("synced behind the last of %d renames" % len(kept) if not late else "not synced: %s" % late)
sys.exit(1 if late or not any(path.endswith("/active") for path in kept) or len(kept) < 2 else 0)
END

# ---- ours ----

shown=0
for window in "$no_active:no-active" "$not_installed:not-installed"; do
    # In apply, whoever comes next: recover, a rollback, an apply of the next plan.
    for next in recover rollback apply; do
        again fresh
        killed_where "${window%:*}" apply "$work/all.plan"
        meets "${window##*:}"
        # Who only looks says so, and leaves everything as it is: libsemanage would make an empty store.
        untouched=$(fingerprint)
        run diagnose
        says out selinux-store-damaged
        done_with 3 plan --set $port
        says err "damaged"
        done_with 0 history
        says out interrupted
        [ "$untouched" = "$(fingerprint)" ] || wrong "changed something"
        case $next in
        recover) done_with 0 recover ;;
        rollback) run rollback ;;
        apply) done_with 0 apply "$work/other.plan" ;;
        esac
        says out "Rolled back: the host is as before plan"
        [ "$(store)" = "$labels" ] || wrong "the store says $(store)"
        [ "$next" = apply ] || is_before
        [ ! -e "$tree/$in_tree/previous" ] || wrong "left 'previous'"
        done_with 0 recover
        shown=$((shown + 1))
    done
    # In the rollback.
    again applied
    killed_where "${window%:*}" rollback
    meets "${window##*:}"
    done_with 0 recover
    [ "$(store)" = "$labels" ] || wrong "the store says $(store)"
    is_before
    shown=$((shown + 1))
    # In the repair that recover makes, and then once more.
    again fresh
    killed_where "$not_installed" apply "$work/all.plan"
    killed_where "${window%:*}" recover
    meets "${window##*:}"
    done_with 0 recover
    [ "$(store)" = "$labels" ] || wrong "the store says $(store)"
    is_before
    shown=$((shown + 1))
done
# With an empty `active`, which semodule -l makes meanwhile.
again fresh
killed_where "$no_active" apply "$work/all.plan"
semodule -p "$tree" -s default -l >"$work/said" 2>&1 || :
grep -q 'No modules' "$work/said" || fail "semodule -l does not do what it did"
done_with 0 recover
[ "$(store)" = "$labels" ] || wrong "the store says $(store)"
is_before

# ---- somebody else's ----

others=0
left_alone() { # STATUS ARGUMENT...
    untouched_store=$(selinux_files)
    done_with "$@"
    [ "$untouched_store" = "$(selinux_files)" ] || wrong "touched the store"
    others=$((others + 1))
}
damage() { # CONDITION
    case $1 in
    no-active) semodule_adds hamedic_other "$(rename_of "$no_active")" ;;
    not-installed) semodule_adds hamedic_other "$(rename_of "$not_installed")" ;;
    esac
    ran="semodule, cut off"
    meets "$1"
}
rename_of() { # WORDS: its number among semodule's renames
    cp -a "$tree" "$work/counted"
    printf '(boolean hamedic_other false)\n' >"$work/hamedic_other.cil"
    strace -qq -o "$work/trace" -e trace=rename \
        semodule -p "$work/counted" -s default -n -N -i "$work/hamedic_other.cil" 2>/dev/null || :
    rm -rf "$work/counted"
    nth_rename "$1"
}
for condition in no-active not-installed; do
    again fresh
    damage $condition
    untouched=$(fingerprint)
    run diagnose
    says out selinux-store-damaged
    done_with 3 plan --set $port
    says err damaged
    done_with 3 plan --set $boolean
    [ "$untouched" = "$(fingerprint)" ] || wrong "changed something"
    left_alone 3 apply "$work/all.plan"
    says err damaged
    is_before
    left_alone 0 recover
    # Other changes are made and taken back as ever.
    left_alone 0 apply "$work/other.plan"
    left_alone 0 rollback
    is_before

    # After our own commit, which stands: taking it back takes all else back and names this.
    again applied
    damage $condition
    left_alone 5 rollback
    says err "damaged by another program's commit"
    is_before
    left_alone 5 rollback
    # Somebody repairs it; then all goes.
    "$HAMEDIC_TEST_PROGRAMS/policy_store" "$tree" repair
    done_with 0 rollback
    [ "$(store)" = "$labels" ] || wrong "the store says $(store)"
    is_before

    # A plan of ours that never came to its commit has nothing to seek there.
    again fresh
    strace -qq -o "$work/trace" -e trace=pwrite64 -e inject=pwrite64:signal=SIGKILL:when=6 \
        "$hamedic" --root "$tree" apply "$work/all.plan" </dev/null >"$work/out" 2>"$work/err" || :
    grep -q 'killed by SIGKILL' "$work/trace" || fail "apply was not killed"
    damage $condition
    left_alone 0 recover
    is_before

    # Ours was cut off before it changed anything, another program's afterwards.
    again applied
    semodule_adds hamedic_first
    damage $condition
    left_alone 5 rollback
    is_before
done
[ "$after" != "$labels" ] || fail "the plan changes no label"
echo "store windows: $shown of ours repaired, somebody else's left alone $others times"
