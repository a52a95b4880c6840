"""Somebody set a limit of a running server on the stats socket: the file is as it was loaded."""
CAUSE = None
NOT = ["config-not-loaded", "reload-failed"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200 maxconn 50
""")
    host.ask("set maxconn server app/one 40")


def happened(host):
    assert host.stat("app", "one")["slim"] == "40"
