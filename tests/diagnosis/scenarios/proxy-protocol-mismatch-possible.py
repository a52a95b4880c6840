"""Clients send the PROXY protocol's header where nobody waits for it: that it is one, hamedic cannot see."""
CAUSE = None
POSSIBLE = ["proxy-protocol-mismatch"]


def make(host):
    host.app()
    for _ in range(40):
        one = host.connect("127.0.0.1:8080")[0]
        one.sendall(b"PROXY TCP4 10.0.0.9 10.0.0.8 4000 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b" 400 " in one.recv(65536)


def happened(host):
    assert int(host.stat("web", "FRONTEND")["ereq"]) >= 40
