"""HAProxy's own monitor is told to fail, and all else is well: nothing of it is logged."""
CAUSE = "answered-by-rule"
NOT = ["backend-http-status", "backend-bad-response"]


def make(host):
    host.app(host.APP.replace("    default_backend app", "    default_backend app\n    monitor-uri /up\n"
                              "    acl closed nbsrv(app) lt 5\n    monitor fail if closed"))
    assert host.get("127.0.0.1:8080") == 200


def happened(host):
    assert host.get("127.0.0.1:8080", "/up") == 503
    assert "/up" not in host.log_text()


def check(host, report):
    finding = report["findings"][0]
    assert finding["object"] == "web" and any("monitor fail if closed" in one["text"] for one in finding["evidence"]), finding
    assert "BADREQ" not in host.log_text(), host.log_text()
