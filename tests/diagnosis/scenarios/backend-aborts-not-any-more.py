"""A server broke its answers off and was mended minutes ago: the counters are still high, the log lines old."""
CAUSE = None
NOT = ["backend-aborts"]
POSSIBLE = ["backend-aborts"]


def make(host):
    broken = [True]

    def answer(connection):
        connection.recv(65536)
        length = b"2000" if broken else b"2"
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + length + b"\r\n\r\nok")

    for address in ("127.0.0.11:9001", "127.0.0.12:9001"):
        host.server(address, answer)
    host.start(config=host.APP)
    host.wait_checked()
    for _ in range(40):
        host.get("127.0.0.1:8080")
    host.wait(lambda: host.log_text().count(" SD-- ") == 40, "the log")
    broken.clear()
    host.age_log(300)
    for _ in range(60):
        assert host.get("127.0.0.1:8080") == 200


def happened(host):
    assert host.log_text().count(" SD-- ") == 40
    assert int(host.stat("app", "one")["srv_abrt"]) == 20
