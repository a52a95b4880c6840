#!/bin/sh
# Runs a command on a throw-away host: this machine's programs, a copy of its /etc, empty /var, /run and /tmp, with
# network, processes, mounts and limits of its own. Nothing outside is touched, nothing is left of it afterwards.
#
#   sh tests/host/enter.sh [-v PATH]... [-H HAPROXY] COMMAND [ARGUMENT]...
#
# -v PATH is seen inside at the same place, read-only. -H: the program that is /usr/sbin/haproxy inside, with its folder
# at the same place: libraries that it needs lie below it. The command is root there, without CAP_SYS_RESOURCE (as in a
# container) and with a hard limit of 20000 file descriptors; whatever it starts ends with it.
# Needs root, or CAP_SYS_ADMIN in a container (docker: --privileged).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

fail() {
    echo "enter: $*" >&2
    exit 1
}

views=
haproxy=
while getopts v:H: option; do
    case $option in
    H)
        haproxy=$(CDPATH='' cd -- "$(dirname -- "$OPTARG")" && pwd)/$(basename -- "$OPTARG")
        [ -x "$haproxy" ] || fail "there is no program '$haproxy'"
        views="$views$(dirname -- "$haproxy")
"
        ;;
    v) views="$views$(CDPATH='' cd -- "$OPTARG" && pwd)
" ;;
    *) exit 64 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || fail "no command was given"
[ "$(id -u)" -eq 0 ] || fail "a throw-away host can be made by root only (its namespaces, HAProxy's user)"

# Mounts of ours must not spread. Where / is no mount point (a plain chroot) it cannot be made private: what spreads
# from there is one empty tmpfs, which leave() takes away.
spread=private
if ! unshare --mount --propagation private true 2>/dev/null; then
    unshare --mount --propagation unchanged true 2>/dev/null ||
        fail "this root may not make namespaces; in a container it needs CAP_SYS_ADMIN (docker: --privileged)"
    spread=unchanged
fi

root=$(mktemp -d /tmp/hamedic-host.XXXXXX)
init=
leave() {
    trap '' INT TERM HUP
    if [ -n "$init" ]; then
        kill -KILL "$init" 2>/dev/null || true # its child, the first process inside, goes with it
        wait "$init" 2>/dev/null || true
    fi
    [ "$spread" = private ] || umount -l "$root" 2>/dev/null || true
    rmdir "$root"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# In the background, so that a signal is acted on at once and not when the command is through.
HAMEDIC_HOST_ROOT=$root HAMEDIC_HOST_VIEWS=$views HAMEDIC_HOST_HAPROXY=$haproxy unshare --mount --net --pid --ipc --uts \
    --propagation "$spread" --fork --kill-child=KILL sh "$here/inside.sh" "$@" </dev/null &
init=$!
status=0
wait "$init" || status=$?
init=
exit "$status"
