"""A server would take traffic, and is DOWN by a check that goes to another address."""
CAUSE = "check-port-differs"
NOT = ["backend-refused"]


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.start(config=host.APP.replace("127.0.0.11:9001 check", "127.0.0.11:9001 check addr 127.0.0.99"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("Connection refused")
    assert host.get("127.0.0.11:9001") == 200
