"""The packet filter of a server's host rejects what comes, by IPv4 and IPv6; for another server nothing listens there. HAProxy
says the same of all."""
CAUSE = "backend-refused"
NOT = ["backend-unreachable", "backend-timeout"]


def make(host):
    peer = host.peer()
    for place, address, link in (host, "fd77::1/64", peer.name), (peer, "fd77::2/64", "eth0"):
        place.run(["ip", "address", "add", address, "dev", link, "nodad"])
    peer.backend("0.0.0.0:9001")
    peer.run(["nft", "-f", "-"], stdin="table inet t { chain c { type filter hook input priority 0; tcp dport 9001 reject; }; }\n")
    app = host.PEER_APP.replace("127.0.0.11:9001", f"{peer.address}:9001").replace("127.0.0.12:9001", f"{peer.address}:9002")
    host.app(app + "    server six fd77::2:9001 check inter 3s fall 1\n")
    host.wait(lambda: all(host.has_status("app", name, "DOWN") for name in ("one", "two", "six")), "the checks to fail")


def happened(host):
    assert host.peers[0].fails(f"{host.peers[0].address}:9002") == "refused"
    assert host.get(f"{host.peers[0].address}:9001") == -1


def check(host, report):
    finding = report["findings"][0]
    there = {"one": host.peers[0].address, "two": None, "six": "fd77::2"}
    probes = [line["text"] for line in finding["evidence"] if line["source"] == "probe"]
    for (name, address), advice, probe in zip(there.items(), finding["advice"], probes, strict=True):
        if address is None:
            assert f"start the service of app/{name}" in advice and "ICMP" not in probe, finding
        else:
            assert f"firewall of {address}:" in advice and f"app/{name}" in advice, finding
            assert f"ICMP port unreachable from {address}" in probe, finding
