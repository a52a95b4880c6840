#!/bin/bash
# Which value will the next boot set? hamedic's answer against systemd's, on generated trees, before and after our edit.
#   boot_sysctl.bash BOOT_ANSWER cat     what `systemd-analyze cat-config` prints, assignments worked out by awk
#   boot_sysctl.bash BOOT_ANSWER run     systemd-sysctl itself, run in a new network namespace, and /proc/sys read back
set -u -o pipefail
answer=$1 way=$2
trees=${TREES:-30}
keys="net.core.somaxconn net.ipv4.tcp_max_syn_backlog net.ipv4.ip_local_port_range
      net.ipv4.conf.all.rp_filter net.ipv4.conf.default.rp_filter net.ipv4.conf.lo.rp_filter"
dirs=(etc/sysctl.d run/sysctl.d usr/local/lib/sysctl.d usr/lib/sysctl.d)
names=(05-first.conf 50-b.conf 50-b.conf 99-haproxy.conf 99-haproxy.conf 99-hamedic.conf 99-zz.conf zz.conf B.conf
       .hidden.conf 60-old.conf~ README)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0 compared=0

# Results go to variables: a $(...) would draw from another row of random numbers, and no tree could be made again.
pick() { shift $((RANDOM % $#)); picked=$1; }

make_value() {
    local low=$((1024 + RANDOM % 4000)) high=$((40001 + 2 * (RANDOM % 9000)))
    case $1 in
    *port*range*) pick ' ' $'\t' '  '; value="$low$picked$high" ;;
    *rp_filter*) value=$((RANDOM % 3)) ;;
    *) value=$((100 + RANDOM % 5)) ;;
    esac
}

make_line() {
    local key before equal
    pick net.core.somaxconn net/core/somaxconn net.ipv4.tcp_max_syn_backlog /net/ipv4/tcp_max_syn_backlog \
        net.ipv4.ip_local_port_range net/ipv4//ip_local_port_range net.ipv4.conf.all.rp_filter \
        net/ipv4/conf/all/rp_filter 'net.ipv4.conf.*.rp_filter' 'net/ipv4/conf/*/rp_filter' \
        'net.ipv4.conf.[ad]*.rp_filter' 'net.ipv4.conf.?l*.rp_filter' 'net.ipv4.conf.*.rp_filter' net.ipv4.conf.default.rp_filter net.ipv4.conf.nosuch.rp_filter
    key=$picked
    make_value "$key"
    pick '' '' '' ' ' '-' '- ' ' '$'\t'; before=$picked
    pick '=' ' = ' '= ' $'\t=\t' ' ='; equal=$picked
    pick '' '' ' ' $'\t'
    case $((RANDOM % 14)) in
    0) line="# $key = 7" ;;
    1) line="; $key = 7" ;;
    2) pick all default lo; line="-net.ipv4.conf.$picked.rp_filter" ;;
    3) line=$key ;;
    4) line= ;;
    *) line=$before$key$equal$value$picked ;;
    esac
}

# write FILE LINE-END: a few lines; every third file has no end behind the last one.
write() {
    local count=$((1 + RANDOM % 6)) i text="" line value picked
    for ((i = 0; i < count; i++)); do make_line; text+=$line$2; done
    ((RANDOM % 3)) || text=${text%"$2"}
    rm -f "$1"
    printf %s "$text" > "$1"
}

make_tree() {
    local tree=$1 i dir name count
    for dir in "${dirs[@]}"; do mkdir -p "$tree/$dir"; done
    count=$((4 + RANDOM % 7))
    for ((i = 0; i < count; i++)); do
        pick "${dirs[@]}"; dir=$picked
        pick "${names[@]}"; name=$picked
        case $((RANDOM % 10)) in
        0) ln -sfn /dev/null "$tree/$dir/$name" ;;
        1) rm -f "$tree/$dir/$name"; : > "$tree/$dir/$name" ;;
        2) write "$tree/$dir/$name" $'\r\n' ;;
        *) write "$tree/$dir/$name" $'\n' ;;
        esac
    done
    if ((RANDOM % 2)); then
        write "$tree/etc/sysctl.conf" $'\n'
        ((RANDOM % 4)) && ln -sfn ../sysctl.conf "$tree/etc/sysctl.d/99-sysctl.conf"
    fi
}

# The rules once more, by another hand: last explicit key wins; else the glob that changed last.
work_out() {
    tr -d '\r' | awk -v want="$1" '
        function path(key,   first, n, part, i, out) {
            first = match(key, /[.\/]/) ? substr(key, RSTART, 1) : ""
            if (first == ".") { gsub(/\//, "\001", key); gsub(/\./, "/", key); gsub(/\001/, ".", key) }
            n = split(key, part, "/"); out = ""
            for (i = 1; i <= n; i++) if (part[i] != "" && part[i] != ".") out = out (out == "" ? "" : "/") part[i]
            return out
        }
        function matches(glob, text) {
            gsub(/[.+]/, "\\\\&", glob); gsub(/\*/, "[^/]*", glob); gsub(/\?/, "[^/]", glob)
            return text ~ ("^" glob "$")
        }
        BEGIN { want = path(want); clock = 0 }
        {
            line = $0; sub(/^[ \t]+/, "", line); sub(/[ \t]+$/, "", line)
            if (line == "" || line ~ /^[#;]/) next
            at = index(line, "="); sets = at > 0
            if (!sets && line !~ /^-/) next
            key = sets ? substr(line, 1, at - 1) : line; value = sets ? substr(line, at + 1) : ""
            sub(/^-/, "", key); gsub(/^[ \t]+|[ \t]+$/, "", key); gsub(/^[ \t]+|[ \t]+$/, "", value)
            key = path(key)
            if (key == want) { explicit = 1; answer = sets ? value : "-" }
            else if (key ~ /[*?[]/ && matches(key, want)) {
                if (!(key in when) || globs[key] != value) when[key] = ++clock
                globs[key] = value
            }
        }
        END {
            if (!explicit) { answer = "-"; for (key in when) if (when[key] > best) { best = when[key]; answer = globs[key] } }
            gsub(/[ \t]+/, " ", answer); print answer
        }'
}

ask_cat() { systemd-analyze --root="$1" cat-config sysctl.d | work_out "$2"; }

# The program itself. Keys nobody sets keep a mark, so that "not set" is seen too.
run_all() {
    unshare -nm bash -c '
        set -e
        tree=$1; shift
        mount -t tmpfs none /run
        mkdir -p /run/sysctl.d
        for dir in etc run usr/lib; do mount --bind "$tree/$dir/sysctl.d" "/$dir/sysctl.d"; done
        if [ -d /usr/local/lib/sysctl.d ]; then mount --bind "$tree/usr/local/lib/sysctl.d" /usr/local/lib/sysctl.d; fi
        if [ -e "$tree/etc/sysctl.conf" ]; then mount --bind "$tree/etc/sysctl.conf" /etc/sysctl.conf
        else mount --bind /dev/null /etc/sysctl.conf; fi
        echo 4001 > /proc/sys/net/core/somaxconn
        echo 4001 > /proc/sys/net/ipv4/tcp_max_syn_backlog
        echo "1025 1128" > /proc/sys/net/ipv4/ip_local_port_range
        for file in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 4001 > $file; done
        /lib/systemd/systemd-sysctl 2>/dev/null || :
        for key; do tr -s "\t" " " < "/proc/sys/${key//.//}"; done
    ' bash "$1" $keys
}

compare() {
    local tree=$1 when=$2 key said theirs answers=()
    [ "$way" = run ] && mapfile -t answers < <(run_all "$tree")
    for key in $keys; do
        said=$("$answer" "$tree" sysctl "$key" | cut -f1) || { echo "no answer for $key"; exit 1; }
        if [ "$way" = run ]; then
            theirs=${answers[0]:-nothing}; answers=("${answers[@]:1}")
            case $theirs in 4001 | "1025 1128") theirs=- ;; esac
        else
            theirs=$(ask_cat "$tree" "$key")
        fi
        compared=$((compared + 1))
        if [ "$said" != "$theirs" ]; then
            echo "tree $seed, $when, $key: systemd sets '$theirs', hamedic says '$said'"
            (cd "$tree" && grep -rn . . ; find . -type l -ls) | sed 's/^/    /'
            failed=1
        fi
    done
}

if [ "$way" = run ]; then
    # /usr/local/lib has no sysctl.d on most hosts, and making one here would not be ours to do.
    [ -d /usr/local/lib/sysctl.d ] || dirs=(etc/sysctl.d run/sysctl.d usr/lib/sysctl.d)
    mkdir -p "$work/probe"/{etc,run,usr/lib}/sysctl.d
    keys="net.core.somaxconn" run_all "$work/probe" > "$work/out" 2>&1 || { echo "no new network namespace here:"; cat "$work/out"; exit 1; }
fi

for ((seed = 1; seed <= trees; seed++)); do
    RANDOM=$seed
    tree=$work/$seed
    make_tree "$tree"
    compare "$tree" "as made"
    want=
    for key in net.core.somaxconn net.ipv4.ip_local_port_range net.ipv4.conf.all.rp_filter; do
        value=$(case $key in *range) echo 2000 61001 ;; *rp_filter) echo $((seed % 3)) ;; *) echo 4321 ;; esac)
        "$answer" "$tree" set-sysctl $key "$value" > "$work/file" || { failed=1; continue; }
        theirs=$("$answer" "$tree" sysctl $key | cut -f1)
        [ "$theirs" = "$value" ] || { echo "tree $seed: $key was edited in $(cat "$work/file") and is '$theirs'"; failed=1; }
        want+="$key=$value "
    done
    compare "$tree" "after setting $want"
done
echo "$compared answers compared over $trees trees"
[ $failed = 0 ] && [ $compared -gt 0 ]
