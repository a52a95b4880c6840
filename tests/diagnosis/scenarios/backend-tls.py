"""A server's certificate is over, and HAProxy is to verify it."""
import tls_server

CAUSE = "backend-tls"
NOT = ["backend-bad-response"]


def make(host):
    good = tls_server.certificate(host, "good.example")
    old = tls_server.certificate(host, "old.example", ends="20210101000000Z")
    tls_server.begin(host, "127.0.0.11:9001", "old.example")
    tls_server.begin(host, "127.0.0.12:9001", "good.example")
    host.write("/etc/haproxy/ca.pem", host.read(good) + host.read(old))
    host.start(config=host.APP.replace(" check ", " check ssl verify required ca-file /etc/haproxy/ca.pem ")
               .replace("\nbackend app", "\nbackend app\n    option httpchk"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert host.stat("app", "one")["check_status"].removeprefix("* ") == "L6RSP", host.stat("app", "one")
    assert host.get("127.0.0.1:8080") == 200
