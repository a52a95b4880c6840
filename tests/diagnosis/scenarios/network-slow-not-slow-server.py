"""A server that takes its time, over a network that loses nothing."""
CAUSE = None
NOT = ["network-slow"]
POSSIBLE = ["backend-slow"]


def make(host):
    peer = host.peer()
    peer.backend(f"{peer.address}:9001", delay=300)
    host.app(host.APP.replace("127.0.0.11:9001", f"{peer.address}:9001"), delay=300)
    host.load("127.0.0.1:8080", clients=10, pause=10)


def happened(host):
    host.wait(lambda: host.stat("app", "one")["rtime"] not in ("", "0") and int(host.stat("app", "one")["rtime"]) > 100,
              "slow answers")
    assert host.sent_again(f"{host.peers[0].address}:9001") == 0
