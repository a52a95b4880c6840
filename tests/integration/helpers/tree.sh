# A tree with HAProxy, a unit, kernel settings, an agent's key and two operators', for tests of hamedic from outside.
#
#   . helpers/tree.sh    makes a folder $work, which goes away at the end, and the functions below
#
# A test makes its tree with tree_make, makes plans with plan_make, and says with `refused` and `done_with` what is
# expected. Every assertion that fails ends the test and names what was run.
# shellcheck shell=sh

LC_ALL=C
TZ=UTC
export LC_ALL TZ
unset NO_COLOR
umask 022

hamedic=${HAMEDIC:?}
test_name=$(basename -- "$0")
work=$(mktemp -d)
tree=$work/tree
status=0
cleanup=: # one more thing to do at the end
still=""
holder=""
trap 'end_still; eval "$cleanup"; rm -rf -- "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
    echo "$test_name: $*" >&2
    exit 1
}
[ "$(id -u)" -eq 0 ] || fail "needs root: a host's files are root's"
for program in minisign python3 strace; do
    command -v "$program" >/dev/null || fail "$program is missing"
done

# ---- the tree ----

# What HAProxy, systemd and the kernel read, as somebody left it.
tree_fill() { # TREE
    mkdir -p "$1/etc/haproxy" "$1/etc/sysctl.d" "$1/usr/lib/systemd/system" "$1/run/haproxy" "$1/var/lib"
    cat >"$1/etc/haproxy/haproxy.cfg" <<'END'
# Written by hand, and kept so.
global
    user haproxy
    maxconn 2000        # enough for everybody

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 10s

frontend shop
    bind 127.0.0.1:8001
    default_backend shop

backend shop
    server shop1 127.0.0.11:9001 maxconn 10
END
    cat >"$1/usr/lib/systemd/system/haproxy.service" <<'END'
[Unit]
Description=HAProxy Load Balancer

[Service]
Environment="CONFIG=/etc/haproxy/haproxy.cfg" "PIDFILE=/run/haproxy.pid"
ExecStart=/usr/sbin/haproxy -Ws -f $CONFIG -p $PIDFILE
LimitNOFILE=8192
Type=notify

[Install]
WantedBy=multi-user.target
END
    printf '# ours\nnet.core.somaxconn = 512\n' >"$1/etc/sysctl.d/50-site.conf"
    echo 0123456789abcdef0123456789abcdef >"$1/etc/machine-id"
    echo lb-1 >"$1/etc/hostname"
    # Times that no restoring can hit by accident.
    find "$1" -type f -exec touch -d '2020-02-03 04:05:06.789' {} +
}

# The agent's key, operators ops-1 and ops-2, and the agent's folders.
tree_keys() { # TREE
    "$hamedic" --root "$1" -q keygen </dev/null
    mkdir -p "$1/etc/hamedic/operators"
    for operator in ops-1 ops-2; do
        [ -f "$work/$operator.key" ] || "$hamedic" keygen -W -q -o "$work/$operator" </dev/null
        cp "$work/$operator.pub" "$1/etc/hamedic/operators/"
    done
    "$hamedic" --root "$1" -q recover </dev/null
}

tree_make() {
    tree_fill "$tree"
    tree_keys "$tree"
}

# Everything in the tree: names, kinds, modes, owners, sizes, times, bytes. Only the lock is left out, in which every
# command that may change something writes its process id.
fingerprint() {
    (
        cd "$tree" || exit 1
        find . -path ./run/hamedic -prune -o -printf '%p %y %m %U:%G %s %T@ %l\n' | sort
        find . -path ./run/hamedic -prune -o -type f -print0 | sort -z | xargs -0 sha256sum --
    )
}

# The same without what is hamedic's own, and without the times of directories, in which files came and went.
host_state() {
    (
        cd "$tree" || exit 1
        find . \( -path ./run/hamedic -o -path ./var/lib/hamedic \) -prune -o \
            \( -type d -printf '%p %y %m %U:%G\n' \) -o -printf '%p %y %m %U:%G %s %T@ %l\n' | sort
        find . \( -path ./run/hamedic -o -path ./var/lib/hamedic \) -prune -o -type f -print0 | sort -z |
            xargs -0 sha256sum --
    )
}

# ---- commands and what is expected of them ----

# Runs hamedic on the tree, with nobody at a terminal; its exit status is in $status, its words in $work/out and $work/err.
run() { # ARGUMENT...
    status=0
    ran="hamedic $*"
    "$hamedic" --root "$tree" "$@" </dev/null >"$work/out" 2>"$work/err" || status=$?
}

# hamedic ARGUMENT... in the background, which stands still behind the Nth call of that name, its lock in its hand, until
# it goes_on: its status is in $ended then, its words in $work/still.out and $work/still.err.
stands_still() { # CALL N ARGUMENT...
    call=$1 when=$2
    shift 2
    rm -f "$work/still.trace"
    strace -qq -o "$work/still.trace" -e "trace=$call" -e "inject=$call:signal=SIGSTOP:when=$when" \
        "$hamedic" --root "$tree" "$@" </dev/null >"$work/still.out" 2>"$work/still.err" &
    still=$! holder=
    wait_for "$work/still.trace" "stopped by SIGSTOP"
    holder=$(cat "/proc/$still/task/$still/children")
    holder=${holder%% *}
}
goes_on() {
    kill -CONT "$holder"
    has_ended
}
has_ended() {
    ended=0
    # shellcheck disable=SC2034 # for who calls
    wait "$still" || ended=$?
    still=""
}
end_still() { # where the test fails meanwhile
    [ -z "$still" ] || kill -KILL "$still" $holder 2>/dev/null || :
}
wait_for() { # FILE WORDS: until it has them
    rounds=1200
    until grep -qF -- "$2" "$1" 2>/dev/null; do
        rounds=$((rounds - 1))
        [ "$rounds" -gt 0 ] || fail "waited in vain for '$2' in $1"
        sleep 0.05
    done
}

show_run() {
    sed 's/^/    out: /' "$work/out"
    sed 's/^/    err: /' "$work/err"
} >&2

wrong() { # WORDS
    show_run
    fail "$ran: $*"
}

done_with() { # STATUS ARGUMENT...
    expected=$1
    shift
    run "$@"
    [ "$status" -eq "$expected" ] || wrong "exit status $status instead of $expected"
}

says() { # out|err WORDS
    grep -qF -- "$2" "$work/$1" || wrong "does not say '$2'"
}

# One line, and it names what is wrong.
one_line_names() { # WORDS
    [ "$(wc -l <"$work/err")" -eq 1 ] || wrong "says more or less than one line on standard error"
    says err "$1"
}

# The command ends with that status, says in one line what is wrong, and writes nothing.
refused() { # STATUS WORDS ARGUMENT...
    words=$2
    untouched=$(fingerprint)
    expected=$1
    shift 2
    done_with "$expected" "$@"
    one_line_names "$words"
    [ "$untouched" = "$(fingerprint)" ] || wrong "wrote something"
}

# A plan for the tree, signed by the agent.
plan_make() { # FILE ADDRESS=VALUE...
    planned=$1
    shift
    for wished in "$@"; do
        set -- "$@" --set "$wished"
        shift
    done
    done_with 0 plan -o "$planned" "$@"
}

approve() { # FILE OPERATOR...
    approved=$1
    shift
    for operator in "$@"; do
        done_with 0 approve "$approved" -k "$work/$operator.key"
    done
}

plan_id() { # FILE
    sed -n 's/^ *"id": "\([0-9a-f]*\)",$/\1/p' "$1"
}

# The agent's signature once more, by the stock tool, over a file that somebody edited.
sign_again() { # FILE
    minisign -S -W -s "$tree/etc/hamedic/agent.key" -m "$1" -x "$1.minisig" >/dev/null </dev/null
}
