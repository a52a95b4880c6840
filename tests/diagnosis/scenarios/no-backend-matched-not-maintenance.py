"""A frontend without default_backend chose a backend whose only server is in maintenance."""
CAUSE = "backend-maintenance"
NOT = ["no-backend-matched", "answered-by-rule"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    use_backend app if { path_beg / }
backend app
    server one 127.0.0.11:9001 check inter 200
""")
    host.ask("disable server app/one")
    for _ in range(20):
        host.get("127.0.0.1:8080")


def happened(host):
    assert host.get("127.0.0.1:8080") == 503
    host.wait(lambda: host.log_text().count("app/<NOSRV>") >= 20, "the log")
