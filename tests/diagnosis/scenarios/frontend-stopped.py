"""Somebody disabled a frontend on the stats socket."""
CAUSE = "frontend-stopped"
NOT = ["bind-in-use", "config-not-loaded", "haproxy-not-running"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    default_backend app
frontend other
    bind 127.0.0.1:8081
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200
""")
    host.ask("disable frontend web")
    host.wait(lambda: host.get("127.0.0.1:8080") == -1, "the clients to be refused")


def happened(host):
    assert host.stat("web", "FRONTEND")["status"] in ("PAUSED", "STOP")  # up to 2.2 as one that is stopped
    assert host.get("127.0.0.1:8081") == 200
