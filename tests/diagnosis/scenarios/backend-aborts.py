"""A server closes its connections before the answer is whole."""
CAUSE = "backend-aborts"


def cut_off(connection):
    if connection.recv(65536).startswith(b"GET"):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"a" * 900)


def make(host):
    host.backend("127.0.0.11:9001", delay=5)
    host.server("127.0.0.12:9001", cut_off)
    host.start(config=host.APP)
    host.wait_checked()
    host.load("127.0.0.1:8080", clients=10, pause=20)
    host.wait(lambda: int(host.stat("app", "two")["srv_abrt"]) > 20, "answers that break off")


def happened(host):
    row = host.stat("app", "two")
    assert int(row["srv_abrt"]) > 20 and row["status"] == "UP", row
    assert " SD-- " in host.log_text()


def check(host, report):
    assert report["findings"][0]["object"] == "app/two", report["findings"][0]
