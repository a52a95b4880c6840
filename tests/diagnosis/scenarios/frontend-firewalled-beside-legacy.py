"""A rule of nf_tables drops, beside rules of the old iptables and ip6tables that are not read."""
CAUSE = "frontend-firewalled"
NOT_CHECKED = [r"^firewall: rules of the old iptables \(filter\) and ip6tables \(filter\) are not read"]


def make(host):
    host.peer()
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind *:8080\n    bind *:8081"))
    for program in ("iptables-legacy", "ip6tables-legacy"):
        host.run([program, "-A", "INPUT", "-p", "tcp", "--dport", "9090", "-j", "DROP"])
    host.nft("tcp dport 8080 counter drop")


def happened(host):
    address = host.peers[0].host_address
    assert host.peers[0].fails(f"{address}:8080") == "timeout"
    assert host.peers[0].fails(f"{address}:8081") is None
