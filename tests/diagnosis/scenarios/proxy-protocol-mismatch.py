"""The frontend waits for the PROXY protocol, and its clients do not speak it."""
CAUSE = "proxy-protocol-mismatch"


def make(host):
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind 127.0.0.1:8080 accept-proxy"))
    for _ in range(25):
        assert host.get("127.0.0.1:8080") == 0
    host.wait(lambda: host.log_text().count("PROXY protocol header") >= 25, "the log")


def happened(host):
    assert host.stat("app", "BACKEND")["stot"] == "0"
