"""Another service's queue overflows; HAProxy's own are empty."""
CAUSE = None
POSSIBLE = ["proxy-protocol-mismatch"]  # clients that go away at once look like it
NOT = ["listen-overflow"]


def make(host):
    host.app()
    host.listen("127.0.0.9:7000", backlog=2)
    host.overflow("127.0.0.9:7000")


def happened(host):
    host.rises("ListenOverflows")
    assert host.waiting("127.0.0.1:8080") == 0
