"""The line says ssl, and the service speaks plain HTTP."""
CAUSE = "backend-tls"


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.start(config=host.APP.replace("127.0.0.11:9001 check", "127.0.0.11:9001 ssl verify none check"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert host.stat("app", "one")["check_status"].removeprefix("* ") in ("L6RSP", "L6TOUT"), host.stat("app", "one")
    assert host.get("127.0.0.1:8080") == 200
