"""A server answers nothing at all: it takes each request, closes its connection and says nothing."""
CAUSE = "backend-bad-response"
NOT = ["backend-aborts"]


def crash(connection):
    connection.recv(65536)


def make(host):
    host.backend("127.0.0.11:9001", delay=5)
    host.server("127.0.0.12:9001", crash)
    host.start(config=host.APP)
    host.wait_checked()
    host.load("127.0.0.1:8080", clients=10, pause=20)
    host.wait(lambda: host.log_text().count(" SH-- ") > 40, "requests without an answer")


def happened(host):
    assert host.log_text().count(" SH-- ") > 40
    assert host.stat("app", "two")["status"] == "UP"
