#!/bin/sh
# Makes the trees and approved plans that tests/crash/run works on:
#
#   make_trees.sh DIR [CACHE]
#
# DIR/files.tree, files.plan: every kind of file, created, changed, deleted, folders that are made, one value that is so
# already. DIR/store.tree, store.plan: the same, and a boolean and a port in the SELinux policy store. DIR/small.tree,
# small.plan: one change in one file. CACHE: see tests/fixtures/selinux/make_tree.sh. HAMEDIC and HAMEDIC_SOURCE are set.
set -eu
out=$1
cache=${2:-$1/cache}
# shellcheck source=tests/integration/helpers/tree.sh
. "${HAMEDIC_SOURCE:?}/tests/integration/helpers/tree.sh"

somaxconn=sysctl.dropin:net.core.somaxconn=4096
backlog=sysctl.dropin:net.ipv4.tcp_max_syn_backlog=2048 # so already
maxconn=haproxy.maxconn:global=4000
limit=systemd.limit:haproxy.service
files="$somaxconn $backlog $maxconn $limit= haproxy.maxconn:server/shop/shop1=100
    haproxy.stats_socket:global=/run/haproxy/admin.sock"
port=selinux.port:tcp/8888=http_port_t
boolean=selinux.boolean:haproxy_connect_any=on

do_plan() { # NAME ADDRESS=VALUE...
    name=$1
    shift
    plan_make "$work/$name.plan" "$@"
    approve "$work/$name.plan" ops-1 ops-2
}
# Nobody has made /etc/sysctl.d yet, the unit has a drop-in that the plan deletes, and haproxy.cfg has what no default
# would give.
prepare() {
    cfg=$tree/etc/haproxy/haproxy.cfg
    mkdir "$tree/usr/lib/sysctl.d"
    mv "$tree/etc/sysctl.d/50-site.conf" "$tree/usr/lib/sysctl.d/"
    echo 'net.ipv4.tcp_max_syn_backlog = 2048' >>"$tree/usr/lib/sysctl.d/50-site.conf"
    rmdir "$tree/etc/sysctl.d"
    do_plan before "$limit=100000"
    done_with 0 apply "$work/before.plan"
    chown 123:456 "$cfg"
    chmod 0640 "$cfg"
    touch -d '2021-03-04 05:06:07.891234567' "$cfg"
    setfattr -n user.team -v web "$cfg" 2>/dev/null || :
}
keep() { # NAME
    cp -a "$tree" "$out/$1.tree"
    cp "$work/$1.plan"* "$out/"
    rm -rf "$tree" "$work"/*.plan*
}

mkdir -p "$out"
tree_make
do_plan small "$maxconn"
keep small

tree_make
prepare
# shellcheck disable=SC2086 # a list
do_plan files $files
keep files

# A first commit and its undo write the policy as libsemanage writes it ever after.
sh "$HAMEDIC_SOURCE/tests/fixtures/selinux/make_tree.sh" "$tree" "$cache"
tree_make
do_plan before "$boolean" "$port"
done_with 0 apply "$work/before.plan"
done_with 0 rollback
rm -f "$work"/*.plan*
prepare
# shellcheck disable=SC2086 # a list
do_plan store $files "$boolean" "$port"
keep store
