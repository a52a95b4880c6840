"""A refused server, and one of another backend that follows its check: one finding, at the place of the fault."""
CAUSE = "backend-refused"


def make(host):
    host.backend("127.0.0.12:9001", "127.0.0.11:9002")
    host.start(config=host.APP + "backend api\n    server one 127.0.0.11:9002 track app/one\n")
    host.wait(lambda: host.has_status("api", "one", "DOWN"), "both to be down")


def happened(host):
    host.said("Connection refused")
    assert host.get("127.0.0.11:9002") == 200


def check(_host, report):
    assert [one["object"] for one in report["findings"]] == ["app/one"], report["findings"]
    assert "api/one" in str(report["findings"][0]["consequences"]), report["findings"][0]
