"""Clients come in bursts, and a kernel setting lets hardly any of them wait: the rest is dropped."""
CAUSE = "listen-overflow"
POSSIBLE = ["proxy-protocol-mismatch"]  # clients that go away at once look like it
NOT = ["frontend-maxconn", "global-maxconn", "syn-overflow"]


def make(host):
    host.sysctl("net.core.somaxconn", "4")
    host.app()
    host.overflow("127.0.0.1:8080")


def happened(host):
    assert host.listening_queue("127.0.0.1:8080") == 4
    host.rises("ListenOverflows")


def check(host, report):
    finding = report["findings"][0]
    assert any("net.core.somaxconn" in line for line in finding["repair"]), finding
    assert any("restart" in line for line in finding["advice"]), finding
