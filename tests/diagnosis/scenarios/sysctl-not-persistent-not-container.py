"""A value runs that no file sets: in a container, whoever started it has set it, and will again."""
CAUSE = None


def make(host):
    host.sysctl("net.core.somaxconn", "20000")
    host.sysctl("net.ipv4.ip_local_port_range", "20000 60000")
    host.app()


def happened(host):
    assert host.read("/proc/sys/net/core/somaxconn") == "20000\n"
