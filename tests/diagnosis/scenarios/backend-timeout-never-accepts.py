"""A service on this very host does not accept: its queue is full, and no firewall or network is to be looked at."""
CAUSE = "backend-timeout"


def make(host):
    host.backend("127.0.0.12:9001")
    host.listen("127.0.0.11:9001", backlog=3)
    host.start(config=host.APP)
    for _ in range(8):
        try:
            host.connect("127.0.0.11:9001", timeout=0.2)
        except OSError:
            break
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert host.stat("app", "one")["check_status"].removeprefix("* ") == "L4TOUT", host.stat("app", "one")
    assert host.waiting("127.0.0.11:9001") > 3


def check(_host, report):
    finding = report["findings"][0]
    assert any("does not accept" in one["text"] for one in finding["evidence"]), finding
    assert not any("firewall" in line for line in finding["advice"]), finding
