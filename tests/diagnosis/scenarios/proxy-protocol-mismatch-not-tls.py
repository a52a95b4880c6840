"""Clients speak TLS where nobody waits for it: none of their requests can be read, and none begins with the header."""
CAUSE = None
NOT_CHECKED = ["why web cannot read 40 of 40 requests: .*as TLS does"]


def make(host):
    host.app()
    for _ in range(40):
        one = host.connect("127.0.0.1:8080")[0]
        one.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + 200 * b"A")
        assert b" 400 " in one.recv(65536)


def happened(host):
    assert int(host.stat("web", "FRONTEND")["ereq"]) >= 40
