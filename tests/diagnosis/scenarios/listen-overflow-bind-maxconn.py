"""A bind line's own small maxconn is the queue's length, too: the kernel setting is not what caps it."""
CAUSE = "listen-overflow"
POSSIBLE = ["proxy-protocol-mismatch"]  # clients that go away at once look like it
NOT = ["frontend-maxconn", "global-maxconn"]


def make(host):
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind 127.0.0.1:8080 maxconn 3"))
    host.overflow("127.0.0.1:8080")


def happened(host):
    assert host.listening_queue("127.0.0.1:8080") == 3
    host.rises("ListenOverflows")


def check(host, report):
    finding = report["findings"][0]
    assert not finding["repair"], finding
    assert any("maxconn of the bind line" in line for line in finding["advice"]), finding
