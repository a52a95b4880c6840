"""HAProxy listens on a port that the kernel may give to an outgoing connection."""
CAUSE = "port-range-overlap"


def make(host):
    host.app(host.APP.replace("127.0.0.1:8080", "127.0.0.1:40100"))


def happened(host):
    low, high = host.read("/proc/sys/net/ipv4/ip_local_port_range").split()
    assert int(low) <= 40100 <= int(high)
    assert host.read("/proc/sys/net/ipv4/ip_local_reserved_ports").strip() == ""
    assert host.get("127.0.0.1:40100") == 200
