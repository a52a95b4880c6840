"""All servers of a backend close what they take: their checks are content with the connection, and nothing works."""
CAUSE = "backend-bad-response"


def make(host):
    for address in ("127.0.0.11:9001", "127.0.0.12:9001"):
        host.server(address, lambda connection: None)
    host.start(config=host.APP)
    host.wait_checked()
    for _ in range(30):
        host.get("127.0.0.1:8080")


def happened(host):
    assert host.stat("app", "one")["status"] == "UP" and host.get("127.0.0.1:8080") == 502


def check(_host, report):
    finding = report["findings"][0]
    assert finding["severity"] == "critical" and finding["object"] == "app", finding
    assert not any("other servers carry" in line for line in finding["consequences"]), finding
