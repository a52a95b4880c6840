"""A service of this host listens, and a rule of this host's firewall rejects what goes there."""
CAUSE = "backend-refused"
NOT = ["backend-loopback-only", "backend-timeout"]


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.run(["nft", "-f", "-"], stdin="table ip t { chain c { type filter hook input priority 0; "
                                       "ip daddr 127.0.0.11 tcp dport 9001 reject with tcp reset; }; }\n")
    host.start(config=host.APP)
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("Connection refused")
    assert host.get("127.0.0.11:9001") == -1


def check(_host, report):
    assert "firewall" in str(report["findings"][0]["advice"]), report["findings"][0]
