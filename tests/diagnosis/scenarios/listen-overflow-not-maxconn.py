"""A frontend is at its maxconn, and its queue overflows behind that: the maxconn is the cause."""
CAUSE = "frontend-maxconn"
POSSIBLE = ["proxy-protocol-mismatch"]  # clients that go away at once look like it
NOT = ["listen-overflow"]


def make(host):
    host.app(host.APP.replace("    default_backend", "    maxconn 5\n    default_backend"))
    host.connect("127.0.0.1:8080", 11)
    host.wait(lambda: host.stat("web", "FRONTEND")["scur"] == "5", "all connections to be in use")
    host.overflow("127.0.0.1:8080")


def happened(host):
    host.rises("ListenOverflows")


def check(host, report):
    assert any("overflows" in line for line in report["findings"][0]["consequences"]), report["findings"][0]
