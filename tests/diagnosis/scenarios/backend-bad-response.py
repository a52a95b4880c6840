"""Another service is behind a server's port: it takes the connection and closes it without an answer."""
CAUSE = "backend-bad-response"
NOT = ["backend-refused", "backend-http-status"]


def make(host):
    host.backend("127.0.0.12:9001")
    host.server("127.0.0.11:9001", lambda connection: connection.recv(4096))
    host.start(config=host.APP.replace("\nbackend app", "\nbackend app\n    option httpchk"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert host.stat("app", "one")["check_status"].removeprefix("* ") in ("L7RSP", "SOCKERR"), host.stat("app", "one")
    assert host.get("127.0.0.1:8080") == 200
