"""The address of `source` is here; the server refuses what comes from it."""
CAUSE = "backend-refused"
NOT = ["backend-source-missing"]


def make(host):
    host.backend("127.0.0.12:9001")
    host.start(config=host.APP.replace(" check", " source 127.0.0.5 check"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("Connection refused")
    assert host.get("127.0.0.1:8080") == 200
