"""A server's service is stopped: nothing listens on its port."""
CAUSE = "backend-refused"


def make(host):
    host.backend("127.0.0.12:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200 fall 1
    server two 127.0.0.12:9001 check inter 200 fall 1
""")
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert host.stat("app", "one")["last_chk"] == "Connection refused"
    assert host.get("127.0.0.1:8080") == 200
