"""A rule of the check says which name to send: only HAProxy knows it, and that it is not the certificate's."""
import tls_server

CAUSE = "backend-tls"
NOT = ["backend-bad-response"]


def make(host):
    authority = tls_server.serve(host, "app.example", "127.0.0.11:9001")
    host.start(config=f"""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    option tcp-check
    tcp-check connect ssl sni shop.example
    server one 127.0.0.11:9001 ssl verify required ca-file {authority} verifyhost app.example check inter 200
""")
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    row = host.stat("app", "one")
    assert "SSL certificate different from the expected one" in row["last_chk"], row
