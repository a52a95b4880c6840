"""One network may not ask for a page of statistics: that depends on who asks, and is meant so."""
CAUSE = None
NOT = ["frontend-firewalled"]


def make(host):
    host.peer()
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind *:8080\n    bind *:8404"))
    host.nft("ip saddr != 192.0.2.0/24 tcp dport 8404 drop")


def happened(host):
    assert host.peers[0].fails(f"{host.peers[0].host_address}:8080") is None
    assert host.peers[0].fails(f"{host.peers[0].host_address}:8404") == "timeout"
