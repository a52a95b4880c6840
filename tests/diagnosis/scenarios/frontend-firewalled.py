"""A rule of this host drops what other hosts send to a frontend's port."""
CAUSE = "frontend-firewalled"
NOT = ["not-listening-there", "listen-overflow"]


def make(host):
    host.peer()
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind *:8080\n    bind *:8081"))
    host.nft("tcp dport 8080 counter drop")


def happened(host):
    address = host.peers[0].host_address
    assert host.peers[0].fails(f"{address}:8080") == "timeout"
    assert host.peers[0].fails(f"{address}:8081") is None


def check(host, report):
    assert any("inet site input" in line["text"] for line in report["findings"][0]["evidence"]), report["findings"][0]
