"""HAProxy listens on a port of the range, which is reserved, now and after the next boot."""
CAUSE = None


def make(host):
    host.write("/etc/sysctl.d/60-haproxy.conf", "net.ipv4.ip_local_reserved_ports = 40100\n")
    host.sysctl("net.ipv4.ip_local_reserved_ports", "40100")
    host.app(host.APP.replace("127.0.0.1:8080", "127.0.0.1:40100"))


def happened(host):
    assert host.read("/proc/sys/net/ipv4/ip_local_reserved_ports").strip() == "40100"
    assert host.get("127.0.0.1:40100") == 200
