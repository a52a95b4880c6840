"""A rule answers 503 for a part of the site, and another one denies with 503."""
CAUSE = "answered-by-rule"
NOT = ["no-backend-matched", "backend-http-status"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    http-request return status 503 if { path_beg /old }
    http-request deny deny_status 503 if { path_beg /private }
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200
""")
    for _ in range(20):
        host.get("127.0.0.1:8080", "/old")
        host.get("127.0.0.1:8080", "/private")


def happened(host):
    assert host.get("127.0.0.1:8080") == 200
    assert host.get("127.0.0.1:8080", "/old") == 503
    host.wait(lambda: " PR-- " in host.log_text() and " LR-- " in host.log_text(), "the log")


def check(host, report):
    found = [one for one in report["findings"] if one["cause"] == "answered-by-rule"]
    assert any("http-request return status 503" in line["text"] for one in found for line in one["evidence"]), found
