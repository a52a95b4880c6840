"""A later file sets the same key as one for HAProxy, and gives more."""
CAUSE = None


def make(host):
    host.write("/etc/sysctl.d/50-haproxy.conf", "net.core.somaxconn = 8192\n")
    host.write("/etc/sysctl.d/90-local.conf", "net.core.somaxconn = 16384\n")
    host.sysctl("net.core.somaxconn", "16384")
    host.app()


def happened(host):
    assert host.read("/proc/sys/net/core/somaxconn") == "16384\n"
