"""A server is this host's own address, and its service listens on the loopback address only."""
CAUSE = "backend-loopback-only"
NOT = ["backend-refused"]


def make(host):
    peer = host.peer()
    host.backend("127.0.0.1:9100")
    host.app(host.APP.replace("127.0.0.11:9001", f"{peer.host_address}:9100"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("Connection refused")
    assert host.get("127.0.0.1:9100") == 200
