"""Answers are well, and a rule of HAProxy's own denies them: 502 with PH, as of one that cannot be read."""
CAUSE = None
NOT = ["backend-bad-response", "backend-http-status", "backend-aborts"]


def make(host):
    host.app(host.APP.replace("\nbackend app", "\nbackend app\n    http-response deny if { status 200 }"))
    assert [host.get("127.0.0.1:8080") for _ in range(40)] == [502] * 40
    host.wait(lambda: host.log_text().count(" PH-- ") >= 40, "the log")


def happened(host):
    assert int(host.stat("app", "BACKEND")["dresp"]) >= 40
