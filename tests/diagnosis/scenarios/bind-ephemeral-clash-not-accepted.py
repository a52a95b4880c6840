"""Clients are connected to a port that is given to outgoing connections, too: no clash, but one may come."""
CAUSE = "port-range-overlap"
NOT = ["bind-ephemeral-clash", "bind-in-use"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:40100
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200
""")
    host.connect("127.0.0.1:40100", count=5)


def happened(host):
    assert ":40100" in host.run(["ss", "-Htn", "state", "established", "sport", "=", ":40100"]).stdout
    assert host.get("127.0.0.1:40100") == 200
