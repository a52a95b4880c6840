"""Clients ask where HAProxy does listen, and are served."""
CAUSE = None
NOT = ["not-listening-there"]


def make(host):
    host.peer()
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind *:8080"))
    host.arguments += ["--target", f"{host.peers[0].host_address}:8080"]


def happened(host):
    assert host.peers[0].fails(f"{host.peers[0].host_address}:8080") is None
