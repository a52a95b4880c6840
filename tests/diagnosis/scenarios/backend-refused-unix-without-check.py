"""Servers on UNIX sockets that nobody checks: a path that nobody has made, an abstract name that nobody listens on."""
CAUSE = "backend-refused"


def make(host):
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    default_backend app
frontend service
    bind abns@there
    http-request return status 200
backend app
    retries 0
    server one /run/gone.sock
    server two abns@gone
    server three abns@there
    server four unix@/run/gone.sock
""")
    for _ in range(16):
        host.get("127.0.0.1:8080")


def happened(host):
    assert int(host.stat("app", "one")["econ"]) > 0 and int(host.stat("app", "two")["econ"]) > 0
    assert host.stat("app", "three")["econ"] == "0" and int(host.stat("app", "three")["hrsp_2xx"]) > 0


def check(_host, report):
    finding = report["findings"][0]
    seen = [one["text"] for one in finding["evidence"] if one["source"] == "probe"]
    assert sum("-> /run/gone.sock is not there" in one for one in seen) == 2, seen
    assert any("abns@gone refused the connection" in one for one in seen), seen
    assert finding["summary"].startswith("3 of 4 servers"), finding
    assert any("UNIX socket abns@gone" in one for one in finding["advice"]), finding
