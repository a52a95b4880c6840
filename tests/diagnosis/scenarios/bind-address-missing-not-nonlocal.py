"""The address is a VRRP peer's, and HAProxy may listen on it all the same."""
CAUSE = None
NOT = ["bind-address-missing"]


def make(host):
    host.peer()
    host.sysctl("net.ipv4.ip_nonlocal_bind", "1")
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind *:8080\n    bind 10.77.1.50:8081"))


def happened(host):
    assert "10.77.1.50:8081" in host.run(["ss", "-Hltn"]).stdout
