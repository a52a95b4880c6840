"""It is the clients that close their connections in the middle of an answer."""
CAUSE = None
NOT = ["backend-aborts"]


PIECE = b"a" * 100000
PIECES = 1000  # 100 MB: more than all buffers between here and a client hold, so that none gets it whole unread


def endless(connection):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (PIECES * len(PIECE)))
    for _ in range(PIECES):
        connection.sendall(PIECE)


def make(host):
    host.server("127.0.0.11:9001", endless)
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200 fall 1 rise 1
""")
    host.wait_checked()
    for _ in range(30):
        one = host.connect("127.0.0.1:8080")[0]
        one.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert one.recv(1000)
        one.close()
    host.wait(lambda: int(host.stat("app", "one")["cli_abrt"]) >= 20, "clients that are gone")


def happened(host):
    assert int(host.stat("app", "one")["cli_abrt"]) >= 20
