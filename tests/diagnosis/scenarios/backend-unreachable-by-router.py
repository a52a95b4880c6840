"""This host has a route to a server, by a router that has none."""
CAUSE = "backend-unreachable"
NOT = ["backend-refused", "backend-timeout"]


def make(host):
    peer = host.peer()
    peer.run(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"])
    peer.run(["sysctl", "-q", "-w", "net.ipv4.icmp_ratelimit=0"])  # it answers HAProxy's check and ours
    host.run(["ip", "route", "add", "10.99.0.0/16", "via", peer.address])
    host.app(host.PEER_APP.replace("127.0.0.11:9001", "10.99.0.5:9001"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("Layer4 connection problem")  # 3.0 does not say which
    assert "refused" not in host.messages()
    said = host.peers[0].run(["ip", "route", "get", "10.99.0.5"], check=False)
    assert said.returncode != 0 and "Network is unreachable" in said.stderr, said


def check(host, report):
    finding = report["findings"][0]
    assert f"on the router {host.peers[0].address}:" in str(finding["advice"]), finding
    assert "firewall" not in str(finding["advice"]), finding
