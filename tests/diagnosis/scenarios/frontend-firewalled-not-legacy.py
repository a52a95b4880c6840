"""A rule of the old iptables shuts the port: it cannot be read, so that nothing is found, and that is said."""
CAUSE = None
NOT = ["frontend-firewalled"]
NOT_CHECKED = [r"^firewall: rules of the old iptables \(filter\) are not read: iptables-legacy-save shows them$"]


def make(host):
    host.peer()
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind *:8080"))
    host.run(["iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", "8080", "-j", "DROP"])


def happened(host):
    assert host.peers[0].fails(f"{host.peers[0].host_address}:8080") == "timeout"


def check(host, report):
    assert any(source["name"] == "firewall" and source["state"] == "ok" for source in report["sources"]), report["sources"]
