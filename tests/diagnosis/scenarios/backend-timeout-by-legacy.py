"""A rule of the old iptables drops what HAProxy sends to a server: a finding says that such rules were not read."""
CAUSE = "backend-timeout"
NOT_CHECKED = [r"^firewall: rules of the old iptables \(filter\) are not read"]


def make(host):
    host.app()
    host.run(["iptables-legacy", "-A", "OUTPUT", "-p", "tcp", "-d", "127.0.0.11", "--dport", "9001", "-j", "DROP"])
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert host.fails("127.0.0.11:9001") == "timeout"


def check(host, report):
    finding = report["findings"][0]
    assert any(line["source"] == "firewall" and "are not read: iptables-legacy-save" in line["text"]
               for line in finding["evidence"]), finding
    assert any("(nft list ruleset; iptables-legacy-save)" in line for line in finding["advice"]), finding
