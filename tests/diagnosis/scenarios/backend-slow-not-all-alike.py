"""Answers take long from every server: so they are made; none is slower than its neighbours, and nobody waits."""
CAUSE = None
NOT = ["backend-slow", "server-queue"]


def make(host):
    host.app(delay=1200)
    host.load("127.0.0.1:8080", clients=40, pause=20)
    host.wait(lambda: all(int(host.stat("app", name)["stot"]) > 40 for name in ("one", "two")), "requests to both")


def happened(host):
    assert all(int(host.stat("app", name)["rtime"]) > 800 for name in ("one", "two"))
