"""No server has a check, and one refuses: HAProxy takes it for UP, and only counts failed connections."""
CAUSE = "backend-refused"
NOT = ["server-queue"]


def make(host):
    host.app("""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    retries 0
    server one 127.0.0.11:9009
    server two 127.0.0.12:9001
""")
    for _ in range(10):
        host.get("127.0.0.1:8080")


def happened(host):
    assert host.has_status("app", "one", "no check")
    assert int(host.stat("app", "one")["econ"]) > 0
    assert " SC-- " in host.log_text()
