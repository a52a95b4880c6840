"""Packets to a server are dropped: its check ends in a timeout, too, but nothing took the connection."""
CAUSE = "backend-timeout"
NOT = ["backend-slow-check"]


def make(host):
    peer = host.peer()
    peer.drops_all()
    host.backend("127.0.0.12:9001")
    text = host.APP.replace("127.0.0.11:9001", f"{peer.address}:9001")
    host.start(config=text.replace("\nbackend app", "\nbackend app\n    option httpchk\n    timeout check 300"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert host.stat("app", "one")["check_status"].removeprefix("* ") == "L4TOUT", host.stat("app", "one")
