"""A server has all the connections that its maxconn allows, and nobody waits for one more."""
CAUSE = None


def make(host):
    host.app(host.APP.replace("rise 1\n", "rise 1 maxconn 3\n"), delay=20000)
    for _ in range(6):
        for one in host.connect("127.0.0.1:8080"):
            one.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    host.wait(lambda: host.stat("app", "one")["scur"] == host.stat("app", "two")["scur"] == "3", "six requests")


def happened(host):
    assert host.stat("app", "one")["scur"] == host.stat("app", "one")["slim"] == "3"
    assert host.stat("app", "BACKEND")["qcur"] == "0"
