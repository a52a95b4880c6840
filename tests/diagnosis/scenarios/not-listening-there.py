"""Clients ask for the host's address; the frontend listens on the loopback address alone."""
CAUSE = "not-listening-there"
NOT = ["haproxy-not-running", "frontend-firewalled"]


def make(host):
    host.peer()
    host.app()
    host.arguments += ["--target", f"{host.peers[0].host_address}:8080"]


def happened(host):
    assert host.get("127.0.0.1:8080") == 200
    assert host.peers[0].fails(f"{host.peers[0].host_address}:8080") == "refused"
