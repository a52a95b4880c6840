#!/bin/sh
# Shows, without a machine, that the module does what README.md says: builds it, installs it into a copy of this
# host's Debian policy store, and asks the policy that comes out (check.py) and its file contexts.
#
#   check.sh [SOURCE]    SOURCE: another folder with the three files of the module, to see the check fail
#
# Needs root (libsemanage's store is root's) and the packages selinux-policy-default, selinux-policy-dev, setools.
set -eu
LC_ALL=C
export LC_ALL

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
store=/var/lib/selinux/default
contexts=/etc/selinux/default/contexts

fail() {
    echo "policy/check: $*" >&2
    exit 1
}

[ $# -le 1 ] || fail "usage: check.sh [SOURCE]"
[ "$(id -u)" = 0 ] || fail "needs root: libsemanage's store is root's"
[ -f "$store/active/policy.kern" ] || fail "'$store' has no policy (package selinux-policy-default)"
/usr/bin/python3 -c "import setools" 2>/dev/null || fail "python3-setools is missing (package setools)"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/etc/selinux/default" "$root/var/lib/selinux"
cp -R "$contexts" "$root/etc/selinux/default/contexts"
cp -R "$store" "$root/var/lib/selinux/default"
# What somebody customised on this host is not Debian's policy.
rm -f "$root/var/lib/selinux/default/active/"*.local
rm -rf "$root/var/lib/selinux/default/active/modules/400"
printf 'SELINUX=enforcing\nSELINUXTYPE=default\n' >"$root/etc/selinux/config"
printf 'module-store = direct\nexpand-check = 0\n' >"$root/etc/selinux/semanage.conf"

MODULE_SOURCE=${1:-$here} sh "$here/build.sh" "$root/module"
semodule -p "$root" -s default -n -N -i "$root/module/haproxy.pp" >"$root/log" 2>&1 ||
    fail "cannot install the module: $(cat "$root/log")"

# One failure hides no other.
status=0
# setools is a package of the system's own python.
/usr/bin/python3 "$here/check.py" "$root/etc/selinux/default/policy/"policy.* || status=1

while read -r class path type; do
    found=$(matchpathcon -n -m "$class" -f "$root/etc/selinux/default/contexts/files/file_contexts" "$path")
    if [ "$found" != "system_u:object_r:$type:s0" ]; then
        echo "FAILED  label of '$path' ($class): '$found', should be '$type'"
        status=1
    fi
done <<'END'
file /usr/sbin/haproxy haproxy_exec_t
file /lib/systemd/system/haproxy.service haproxy_unit_file_t
file /usr/lib/systemd/system/haproxy.service haproxy_unit_file_t
dir /var/lib/haproxy haproxy_var_lib_t
file /var/lib/haproxy/dev/log haproxy_var_lib_t
sock_file /var/lib/haproxy/dev/log devlog_t
file /run/haproxy.pid haproxy_var_run_t
sock_file /run/haproxy-master.sock haproxy_var_run_t
dir /run/haproxy haproxy_var_run_t
sock_file /run/haproxy/admin.sock haproxy_var_run_t
file /etc/haproxy/haproxy.cfg etc_t
END
[ "$status" = 0 ] || fail "the module is not what README.md says"
