"""One packet in ten on the way to a server is lost: all is sent again, and arrives late."""
CAUSE = "network-slow"
NOT = ["server-queue"]
POSSIBLE = ["backend-timeout"]  # where our own connection is one of those whose first packets were lost


def make(host):
    peer = host.peer()
    peer.backend(f"{peer.address}:9001")
    host.app(host.APP.replace("127.0.0.11:9001", f"{peer.address}:9001"), defaults="    http-reuse always")
    peer.run(["nft", "-f", "-"], stdin="table inet loss {\nchain in {\ntype filter hook input priority 0;\n"
             "iifname eth0 numgen random mod 10 0 drop\n}\n}\n")
    host.load("127.0.0.1:8080", clients=20, pause=10)


def happened(host):
    address = f"{host.peers[0].address}:9001"
    host.wait(lambda: host.sent_again(address) > 20, "packets to be sent again")
