"""A server is drained, and another backend's follows it."""
CAUSE = "backend-maintenance"


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001", "127.0.0.11:9002")
    host.start(config=host.APP + "backend api\n    server one 127.0.0.11:9002 track app/one\n")
    host.wait_checked()
    host.ask("set server app/one state drain")
    host.wait(lambda: host.has_status("app", "one", "DRAIN"), "the drain")


def happened(host):
    assert host.stat("api", "one")["status"] != "UP", host.stat("api", "one")


def check(_host, report):
    assert [one["object"] for one in report["findings"]] == ["app/one"], report["findings"]
