"""A server gets the PROXY protocol's header before each request, and does not know it: it answers 400."""
CAUSE = "proxy-protocol-mismatch"


def strict(connection):
    good = connection.recv(65536).startswith(b"GET")
    connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" %
                       (b"200 OK" if good else b"400 Bad Request"))


def make(host):
    for address in ("127.0.0.11:9001", "127.0.0.12:9001"):
        host.server(address, strict)
    host.start(config=host.APP.replace("server two 127.0.0.12:9001", "server two 127.0.0.12:9001 send-proxy"))
    host.wait_checked()
    for _ in range(50):
        assert host.get("127.0.0.1:8080") in (200, 400)


def happened(host):
    assert int(host.stat("app", "two")["hrsp_4xx"]) >= 20 and host.stat("app", "two")["hrsp_2xx"] == "0"
