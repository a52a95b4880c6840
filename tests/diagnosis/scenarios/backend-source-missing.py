"""A server is to be connected to from an address that this host does not have."""
CAUSE = "backend-source-missing"
NOT = ["backend-no-ports", "backend-refused"]


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.start(config=host.APP.replace("127.0.0.11:9001 check", "127.0.0.11:9001 source 10.9.8.7 check"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("bind to source")
    assert host.get("127.0.0.11:9001") == 200
