"""A server's maxconn is too small for the load: requests wait for it, and the server itself is quick."""
CAUSE = "server-queue"


def make(host):
    host.app(host.APP.replace("rise 1\n", "rise 1 maxconn 3\n"), delay=100)
    host.load("127.0.0.1:8080", clients=60, pause=20)
    host.wait(lambda: int(host.stat("app", "BACKEND")["qcur"]) > 5, "a queue")


def happened(host):
    assert int(host.stat("app", "one")["slim"]) == 3
    assert int(host.stat("app", "BACKEND")["qcur"]) > 5
