"""Clients send the PROXY protocol's header where nobody waits for it: that it is one, hamedic may not see."""
CAUSE = None
ALSO = ["stats-socket-off"]
POSSIBLE = ["proxy-protocol-mismatch"]
NOT_CHECKED = ["errors: 'show errors' was answered with 'Permission denied'"]


def make(host):
    host.config(host.APP)
    host.change(" mode 600 level admin", " mode 600 level user")
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.start()
    host.wait_checked()
    for _ in range(40):
        one = host.connect("127.0.0.1:8080")[0]
        one.sendall(b"PROXY TCP4 10.0.0.9 10.0.0.8 4000 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b" 400 " in one.recv(65536)


def happened(host):
    assert int(host.stat("web", "FRONTEND")["ereq"]) >= 40
    assert "ermission denied" in host.ask("show errors")
