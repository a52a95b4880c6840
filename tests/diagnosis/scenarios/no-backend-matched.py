"""A frontend has a rule for one host name and no default: who asks for another gets 503."""
CAUSE = "no-backend-matched"
NOT = ["answered-by-rule", "backend-refused"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    use_backend app if { hdr(host) app.example }
backend app
    server one 127.0.0.11:9001 check inter 200
""")
    for _ in range(20):
        host.get("127.0.0.1:8080", headers={"Host": "other.example"})


def happened(host):
    assert host.get("127.0.0.1:8080", headers={"Host": "app.example"}) == 200
    assert host.get("127.0.0.1:8080", headers={"Host": "other.example"}) == 503
    host.wait(lambda: host.log_text().count("web/<NOSRV>") >= 20, "the log")
