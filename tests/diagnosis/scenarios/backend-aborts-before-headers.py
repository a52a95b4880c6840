"""A server crashes at some requests: it closes its connection and says nothing. The others it answers."""
CAUSE = "backend-aborts"


def crash(connection):
    if b"/crash" not in connection.recv(65536):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def make(host):
    host.server("127.0.0.11:9001", crash)
    host.start(config=host.APP.replace("    server two 127.0.0.12:9001 check inter 200 fall 1 rise 1\n", ""))
    host.wait_checked()
    for number in range(120):
        status = host.get("127.0.0.1:8080", path="/" if number % 3 else "/crash")
        assert status == (200 if number % 3 else 502), status
    host.wait(lambda: host.log_text().count(" SH-- ") >= 40, "the log")


def happened(host):
    assert host.log_text().count(" SH-- ") >= 40
    assert host.stat("app", "one")["status"] == "UP"
