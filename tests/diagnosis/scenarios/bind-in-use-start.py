"""HAProxy cannot start: another program has one of its ports."""
CAUSE = "bind-in-use"
NOT = ["haproxy-not-running", "bind-ephemeral-clash"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.listen("0.0.0.0:8090")
    host.start(works=False, config="""
frontend web
    bind 127.0.0.1:8080
    bind 127.0.0.1:8090
    default_backend app
backend app
    server one 127.0.0.11:9001
""")


def happened(host):
    host.said_cannot_bind("127.0.0.1:8090", "Address already in use")
    assert host.get("127.0.0.1:8080") == -1


def check(_host, report):
    assert any(one["source"] == "journal" and "in /var/log/haproxy.log: " in one["text"] and "127.0.0.1:8090" in one["text"]
               for one in report["findings"][0]["evidence"]), report["findings"][0]
