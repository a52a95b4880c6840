"""The name is one of the certificate's, by a wildcard or among several: what failed before has passed."""
import tls_server

CAUSE = None
NOT = ["backend-tls"]


def make(host):
    authority = tls_server.certificate(host, "app.example", others=["www.example", "*.app.example", "shop.example"])
    host.start(config=f"""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    retries 0
    default-server ssl verify required ca-file {authority} verifyhost shop.example
    server one 127.0.0.11:9001 verifyhost other.example sni str(eu.app.example)
    server two 127.0.0.12:9001
    server three 127.0.0.13:9001 sni str(app.example)
""")
    for _ in range(6):
        host.get("127.0.0.1:8080")
    for last in (11, 12, 13):
        tls_server.begin(host, f"127.0.0.{last}:9001", "app.example")


def happened(host):
    for name in ("one", "two", "three"):
        assert int(host.stat("app", name)["econ"]) > 0, host.stats()
    assert [host.get("127.0.0.1:8080", headers={"Host": "shop.example"}) for _ in range(3)] == [200, 200, 200]
