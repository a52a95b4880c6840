"""Nobody has a server's address any more, and the check is too short to hear so: it runs into its time, as behind a firewall."""
CAUSE = "backend-unreachable"
NOT = ["backend-timeout"]


def make(host):
    peer = host.peer()
    nobody = peer.address.rsplit(".", 1)[0] + ".9"
    host.app(host.APP.replace("127.0.0.11:9001", f"{nobody}:9001"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("Layer4 timeout")
    assert host.run(["ip", "neigh", "show", "nud", "failed", "nud", "incomplete"]).stdout
