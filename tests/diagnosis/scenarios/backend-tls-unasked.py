"""The service speaks TLS, and the line does not say so: HAProxy's plain check is not answered in HTTP."""
import tls_server

CAUSE = "backend-tls"
NOT = ["backend-bad-response"]


def make(host):
    tls_server.certificate(host, "good.example")
    tls_server.begin(host, "127.0.0.11:9001", "good.example")
    host.backend("127.0.0.12:9001")
    host.start(config=host.APP.replace("\nbackend app", "\nbackend app\n    option httpchk"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert host.stat("app", "one")["check_status"].removeprefix("* ") in ("L7RSP", "SOCKERR"), host.stat("app", "one")
    assert host.get("127.0.0.1:8080") == 200
