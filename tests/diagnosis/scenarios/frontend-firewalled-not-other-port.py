"""A strict packet filter that lets HAProxy's port pass, and shuts another one."""
CAUSE = None
NOT = ["frontend-firewalled"]


def make(host):
    host.peer()
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind *:8080"))
    host.nft("iif lo accept", "ct state vmap { established : accept, related : accept, invalid : drop }",
             "tcp dport { 22, 8000-8099 } accept", "tcp dport 9090 drop", policy="drop")


def happened(host):
    assert host.peers[0].fails(f"{host.peers[0].host_address}:8080") is None
    assert host.peers[0].fails(f"{host.peers[0].host_address}:9090") == "timeout"
