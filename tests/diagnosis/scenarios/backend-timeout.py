"""A firewall on a server's host drops what comes: its check runs into its time, and there is a route all the same."""
CAUSE = "backend-timeout"
NOT = ["backend-refused", "backend-unreachable"]


def make(host):
    peer = host.peer()
    peer.drops_all()
    host.app(host.APP.replace("127.0.0.11:9001", f"{peer.address}:9001"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("Layer4 timeout")
    assert host.peers[0].address in host.run(["ip", "route", "get", host.peers[0].address]).stdout
