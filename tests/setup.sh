#!/bin/sh
# Installs what is missing of the packages that building, trying or testing hamedic needs.
#
#   sh tests/setup.sh build    compiler and libraries
#   sh tests/setup.sh try      the same, and what agent/quickstart.sh runs
#   sh tests/setup.sh test     the same, and what tests/run.sh runs
#
# With apt-get (Debian, Ubuntu) or dnf (Fedora, RHEL). It says what it will install before it does, installs
# nothing that is there, starts no service, and asks sudo only where it is not root.
set -eu
LC_ALL=C
export LC_ALL

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

fail() {
    echo "setup: $*" >&2
    exit 1
}

# The libraries' packages stand in plans/base/packages.cmake, for the message of a build that lacks one.
# $1: 1 Debian's names, 2 Fedora's
libraries() {
    sed -n -E 's/^ *hamedic_(require|optional)\(.* ([^ ]+) ([^ ]+)\)$/\2 \3/p' \
        "$here/../plans/base/packages.cmake" | cut -d ' ' -f "$1" | sort -u
}

debian_packages() {
    echo gcc libc6-dev cmake ninja-build pkg-config
    libraries 1
    [ "$1" != build ] || return 0
    echo haproxy minisign iproute2 util-linux mount socat
    [ "$1" != try ] || return 0
    echo clang clang-tidy clang-format cppcheck shellcheck binutils openssh-client procps python3-jsonschema strace jq perl curl
    echo systemd selinux-policy-default selinux-policy-dev checkpolicy policycoreutils semodule-utils setools
    echo qemu-system-x86 qemu-utils mmdebstrap e2fsprogs xfsprogs attr
    echo augeas-tools policycoreutils-python-utils netbase gzip zstd xz-utils
    echo systemd-journal-remote nftables iptables openssl
}

fedora_packages() {
    echo gcc cmake ninja-build pkgconf-pkg-config
    libraries 2
    [ "$1" != build ] || return 0
    echo haproxy minisign iproute util-linux socat
    [ "$1" != try ] || return 0
    echo clang clang-tools-extra cppcheck ShellCheck binutils openssh-clients procps-ng libasan libubsan python3-jsonschema strace jq perl curl
    echo selinux-policy-targeted checkpolicy policycoreutils setools-console qemu-system-x86-core qemu-img e2fsprogs xfsprogs attr
    echo augeas policycoreutils-python-utils gzip zstd xz systemd-journal-remote nftables iptables-nft iptables-legacy openssl
}

debian_has() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

fedora_has() {
    rpm -q "$1" >/dev/null 2>&1
}

# Packages that start a service when they are installed (haproxy) ask /usr/sbin/policy-rc.d first. Ours says no,
# and goes away again; one that is there already stays as it is.
guard=/usr/sbin/policy-rc.d
mark='# hamedic setup: no service is started while packages are installed'
guard_set() {
    if [ -e "$guard" ] && ! grep -qxF "$mark" "$guard"; then
        return 0
    fi
    trap guard_clear EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" | as_root tee "$guard" >/dev/null
    as_root chmod 755 "$guard"
}
guard_clear() {
    if [ -e "$guard" ] && grep -qxF "$mark" "$guard"; then
        as_root rm -f "$guard"
    fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

install_debian() {
    guard_set
    as_root apt-get -q update || fail "apt-get update failed: are the package sources reachable?"
    # shellcheck disable=SC2086 # a list of names
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 \
        install --no-install-recommends $1 </dev/null || fail "apt-get could not install the packages"
}

install_fedora() {
    # shellcheck disable=SC2086 # a list of names
    as_root dnf -q -y --setopt=install_weak_deps=False install $1 </dev/null ||
        fail "dnf could not install the packages"
}

case ${1-} in
build | try | test) ;;
*) fail "usage: sh tests/setup.sh build|try|test" ;;
esac

if command -v apt-get >/dev/null 2>&1; then
    family=debian
    command="apt-get install --no-install-recommends"
elif command -v dnf >/dev/null 2>&1; then
    family=fedora
    command="dnf install"
else
    fail "neither apt-get nor dnf is here; what is needed, by the names of Debian: $(debian_packages "$1" | tr '\n' ' ')"
fi

missing=
for package in $("${family}_packages" "$1"); do
    "${family}_has" "$package" || missing="$missing${missing:+ }$package"
done
[ -n "$missing" ] || exit 0

echo "These packages are needed and will be installed with $command:"
echo "$missing" | fold -s -w 96 | sed 's/^/  /'
if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
    fail "this needs root, and sudo is not here. Run as root: $command $missing"
fi
"install_$family" "$missing"
for package in $missing; do
    "${family}_has" "$package" || fail "package '$package' is still missing"
done
