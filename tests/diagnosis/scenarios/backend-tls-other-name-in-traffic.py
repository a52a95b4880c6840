"""The check sends no name and is content; requests go with one that is not the certificate's."""
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
    option httpchk
    server one 127.0.0.11:9001 ssl verify required ca-file {authority} sni str(shop.example) check inter 200
""")
    host.wait_checked()
    for _ in range(5):
        host.get("127.0.0.1:8080")


def happened(host):
    assert host.stat("app", "one")["check_status"].removeprefix("* ") == "L7OK", host.stat("app", "one")
    assert host.get("127.0.0.1:8080") == 503


def check(host, report):
    finding = report["findings"][0]
    assert any("let `sni` name" in line for line in finding["advice"]), finding
