"""The packet filter of a server's host says that the host is prohibited, as firewalld's does: "No route to host", and there is a
route."""
CAUSE = "backend-unreachable"
NOT = ["backend-refused", "backend-timeout"]


def make(host):
    peer = host.peer()
    peer.backend("0.0.0.0:9001")
    peer.run(["sysctl", "-q", "-w", "net.ipv4.icmp_ratelimit=0"])  # it answers HAProxy's check and ours
    peer.run(["nft", "-f", "-"], stdin="table ip t { chain c { type filter hook input priority 0; "
                                       "tcp dport 9001 counter reject with icmp type host-prohibited; }; }\n")
    host.app(host.PEER_APP.replace("127.0.0.11:9001", f"{peer.address}:9001"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("Layer4 connection problem")
    assert "refused" not in host.messages()
    rules = host.peers[0].run(["nft", "list", "ruleset"]).stdout
    assert "reject with icmp" in rules and "counter packets 0 " not in rules, rules
    host.run(["ip", "route", "get", host.peers[0].address])


def check(host, report):
    finding = report["findings"][0]
    assert f"firewall of {host.peers[0].address}:" in str(finding["advice"]), finding
    assert f"ICMP host prohibited from {host.peers[0].address}" in str(finding["evidence"]), finding
