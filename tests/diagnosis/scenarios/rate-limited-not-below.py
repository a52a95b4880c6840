"""A frontend has a limit of sessions a second, and the load is far below it."""
CAUSE = None
NOT = ["rate-limited"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    rate-limit sessions 100000
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200
""")
    clients = host.load("127.0.0.1:8080", clients=5)
    host.wait(lambda: clients.line().get("ok", 0) > 5, "the clients to be served")


def happened(host):
    assert int(host.stat("web", "FRONTEND")["rate_lim"]) == 100000
    assert int(host.stat("web", "FRONTEND")["stot"]) > 0
