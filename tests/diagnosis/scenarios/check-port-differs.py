"""A server is UP by a check that goes to another port; the port of its traffic refuses."""
CAUSE = "check-port-differs"
NOT = ["backend-refused"]


def make(host):
    host.backend("127.0.0.12:9001", "127.0.0.11:9090", "127.0.0.12:9090")
    host.start(config=host.APP.replace("9001 check", "9001 check port 9090"))
    host.wait_checked()


def happened(host):
    assert host.has_status("app", "one", "UP")
    answers = [host.get("127.0.0.1:8080") for _ in range(4)]
    assert int(host.stat("app", "one")["econ"]) > 0, answers
