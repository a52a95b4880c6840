"""Another program listens on the same port of another address, and an old worker is still there: both are right."""
CAUSE = None
NOT = ["bind-in-use"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.listen("127.0.0.2:8080")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    timeout client 1h
    timeout http-request 1h
    default_backend app
backend app
    timeout server 1h
    server one 127.0.0.11:9001 check inter 200
""")
    host.connect("127.0.0.1:8080")
    host.wait(lambda: int(host.info()["CurrConns"]) >= 1, "the connection")
    host.reload()


def happened(host):
    children = host.read(f"/proc/{host.master.pid}/task/{host.master.pid}/children").split()
    assert len(children) == 2, children
    assert host.get("127.0.0.1:8080") == 200
