# What must be as before once a repair was taken back, a line each, sorted:
#
#   file      each file below /etc, /var/lib/selinux (the policy store) and HAProxy's own folders: kind, mode, owner,
#             label, number of links, where a link leads, digest of the content. Not its time.
#   kernel    sysctls, booleans, the policy in the kernel, whether it is enforced
#   process   the unit, its processes' limits, HAProxy's own numbers
set -eu

folders="/etc /var/lib/selinux /var/lib/haproxy /usr/lib/sysctl.d /run/sysctl.d /run/systemd/system"
not_ours='^file (/etc/(mtab|adjtime|\.pwd\.lock)|/var/lib/haproxy/dev/log|.*/semanage\.(read|trans)\.LOCK|.*/active/commit_num) '
files() {
    # shellcheck disable=SC2086 # a list of folders
    {
        find $folders -xdev -printf 'file %p %y %#m %U:%G %Z %n %l\n'
        find $folders -xdev -type f -exec sha256sum {} + | sed -E 's/^([0-9a-f]+)  (.*)/file \2 \1/'
    } 2>/dev/null | grep -vE "$not_ours" | without_writers | without_empty_lists
}
# libsemanage gives every file it writes, which is all of its store, the SELinux user of who commits: a person's, or
# systemd's where a change is taken back at boot. Role and type stay to be compared.
without_writers() {
    sed -E 's,^(file /(etc|var/lib)/selinux/.* )[a-z_]+(:object_r:),\1*\3,'
}
# libsemanage leaves a list of local records behind when its last one is gone: it is as good as none.
without_empty_lists() {
    empty=$(grep -LE '^[^#]' /var/lib/selinux/*/active/*.local 2>/dev/null | sed 's/.*/^file & /') || true
    if [ -n "$empty" ]; then
        grep -v "$empty"
    else
        cat
    fi
}
# The kernel takes these from the memory that is free while it boots, which is never twice the same.
without_memory() {
    sed -E '/\/(tcp_mem|udp_mem|inet_peer_threshold):/d; s/(\/tcp_[rw]mem:.*[^0-9])[0-9]+$/\1*/'
}
limits() { # PID...
    for process in "$@"; do
        grep 'Max open files' "/proc/$process/limits" | tr -s ' '
    done
}

{
    files
    for name in /proc/sys/net/core /proc/sys/net/ipv4 /proc/sys/net/netfilter /proc/sys/fs/nr_open /proc/sys/fs/file-max; do
        [ -e "$name" ] || continue
        grep -rs . "$name" | grep -vE '^[^:]*/(nf_conntrack_count|tcp_fastopen_key|nf_conntrack_events|route/.*|netdev_rss_key|stable_secret):' |
            without_memory | sed 's/^/kernel sysctl /'
    done
    getsebool -a | sed 's/^/kernel boolean /'
    getenforce | sed 's/^/kernel mode /'
    printf 'kernel policy %s\n' "$(sha256sum </sys/fs/selinux/policy)"
    systemctl show haproxy.service -p ActiveState -p LimitNOFILE -p LimitNOFILESoft -p DropInPaths -p NeedDaemonReload |
        sed 's/^/process unit /'
    main=$(systemctl show -p MainPID --value haproxy.service)
    if [ "$main" != 0 ]; then
        limits "$main" | sed 's/^/process main /'
        # shellcheck disable=SC2046 # process ids
        limits $(pgrep -P "$main" | tail -n 1) | sed 's/^/process worker /'
    fi
    echo 'show info' | socat -t 5 - UNIX-CONNECT:/run/haproxy.sock 2>/dev/null |
        grep -E '^(Maxconn|Hard_maxconn|Ulimit-n):' | sed 's/^/process haproxy /' || true
} | LC_ALL=C sort
