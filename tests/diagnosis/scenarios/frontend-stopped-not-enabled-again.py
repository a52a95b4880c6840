"""A frontend was disabled and enabled again."""
import re

CAUSE = None
NOT = ["frontend-stopped"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200
""")
    host.ask("disable frontend web")
    host.wait(lambda: host.get("127.0.0.1:8080") == -1, "the clients to be refused")
    host.ask("enable frontend web")


def happened(host):
    assert re.search("Paused|Pausing frontend web", host.messages())
    assert host.get("127.0.0.1:8080") == 200
