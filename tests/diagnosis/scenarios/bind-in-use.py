"""A frontend gets a port on which another program listens: the reload fails in silence."""
CAUSE = "bind-in-use"
ALSO = ["reload-failed"]
NOT = ["bind-ephemeral-clash", "bind-privilege", "config-not-loaded"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200
""")
    host.listen("127.0.0.1:8090")
    host.change("    bind 127.0.0.1:8080\n", "    bind 127.0.0.1:8080\n    bind 127.0.0.1:8090\n")
    host.reload(works=False)


def happened(host):
    host.said_cannot_bind("127.0.0.1:8090", "Address already in use")
    assert host.get("127.0.0.1:8080") == 200


def check(host, report):
    finding = next(one for one in report["findings"] if one["cause"] == "bind-in-use")
    assert any("python3" in one["text"] for one in finding["evidence"]), finding
