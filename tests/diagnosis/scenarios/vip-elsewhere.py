"""Clients ask for an address that HAProxy listens on, but the VRRP peer holds it."""
CAUSE = "vip-elsewhere"
NOT = ["bind-address-missing", "not-listening-there"]


def make(host):
    peer = host.peer()
    peer.run(["ip", "address", "add", "10.77.1.50/24", "dev", "eth0"])
    host.sysctl("net.ipv4.ip_nonlocal_bind", "1")
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind 10.77.1.50:8080"))
    host.arguments += ["--target", "10.77.1.50:8080"]


def happened(host):
    assert "10.77.1.50:8080" in host.run(["ss", "-Hltn"]).stdout
    assert host.get("10.77.1.50:8080") == -1, "the peer answers for it"
