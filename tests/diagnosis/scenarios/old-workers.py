"""Clients hold connections over several reloads, and nothing ends the old workers."""
CAUSE = "old-workers"
NOT = ["reload-failed", "bind-in-use", "config-not-loaded"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    timeout client 1h
    mode tcp
    option tcplog
    default_backend app
backend app
    mode tcp
    timeout server 1h
    server one 127.0.0.11:9001 check inter 200
""")
    for _ in range(3):
        host.connect("127.0.0.1:8080")
        host.wait(lambda: int(host.info()["CurrConns"]) >= 1, "the connection")
        host.reload()


def happened(host):
    children = host.read(f"/proc/{host.master.pid}/task/{host.master.pid}/children").split()
    assert len(children) == 4, children
    assert host.get("127.0.0.1:8080") == 200
