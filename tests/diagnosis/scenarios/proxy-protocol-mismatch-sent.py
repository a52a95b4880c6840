"""Clients send the PROXY protocol's header, in both its versions, where nobody waits for it: HAProxy keeps one."""
CAUSE = "proxy-protocol-mismatch"
HEADERS = [b"PROXY TCP4 10.0.0.9 10.0.0.8 4000 80\r\n",
           b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\x0a\0\0\x09\x0a\0\0\x08\x0f\xa0\0\x50"]


def make(host):
    host.app()
    for number in range(40):
        one = host.connect("127.0.0.1:8080")[0]
        one.sendall(HEADERS[number % 2] + b"GET / HTTP/1.1\r\nHost: secret\r\n\r\n")
        assert b" 400 " in one.recv(65536)


def happened(host):
    assert int(host.stat("web", "FRONTEND")["ereq"]) >= 40


def check(_host, report):
    finding = report["findings"][0]
    assert any(one["source"] == "errors" and "header of the PROXY protocol" in one["text"] for one in finding["evidence"])
    assert "QUIT" not in str(report) and "secret" not in str(report), report
