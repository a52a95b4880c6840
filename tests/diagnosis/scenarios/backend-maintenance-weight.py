"""Somebody gave a server weight 0 while HAProxy runs, which leaves it UP, and the other one is dead."""
CAUSE = "backend-refused"
ALSO = ["backend-maintenance"]


def make(host):
    host.backend("127.0.0.12:9001")
    host.start(config=host.APP)
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")
    host.ask("set weight app/two 0")
    host.wait(lambda: host.has_status("app", "BACKEND", "DOWN"), "the backend to have no server")


def happened(host):
    assert host.has_status("app", "two", "UP") and host.get("127.0.0.1:8080") == 503


def check(_host, report):
    assert [one["severity"] for one in report["findings"]] == ["critical", "critical"], report["findings"]
    assert report["findings"][1]["object"] == "app/two", report["findings"]
