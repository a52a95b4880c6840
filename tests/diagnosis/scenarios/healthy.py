"""Nothing is wrong: two servers, clients, a log."""
CAUSE = None


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001", delay=5)
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200
    server two 127.0.0.12:9001 check inter 200
""")
    clients = host.load("127.0.0.1:8080", clients=20)
    host.wait(lambda: clients.line().get("ok", 0) > 50, "the clients to be served")
