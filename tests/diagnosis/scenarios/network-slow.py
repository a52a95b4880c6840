"""One packet in ten on the way to a server is lost: all is sent again, and arrives late."""
CAUSE = "network-slow"
NOT = ["server-queue"]
POSSIBLE = ["backend-timeout"]  # where our own connection is one of those whose first packets were lost


def make(host):
    peer = host.peer()
    peer.backend(f"{peer.address}:9001")
    # Its check shall not lose it for one packet, nor a connection end where its first one is sent anew.
    app = host.APP.replace("127.0.0.11:9001 check inter 200 fall 1", f"{peer.address}:9001 check inter 500 fall 20")
    host.app(app, defaults="    http-reuse always\n    timeout connect 5s\n    timeout check 2s")
    peer.run(["nft", "-f", "-"], stdin="table inet loss {\nchain in {\ntype filter hook input priority 0;\n"
             "iifname eth0 numgen random mod 10 0 drop\n}\n}\n")
    host.load("127.0.0.1:8080", clients=20, pause=10)


def happened(host):
    address = f"{host.peers[0].address}:9001"
    host.wait(lambda: host.sent_again(address) > 20, "packets to be sent again")


def check(_host, report):
    assert any(one["source"] == "logs" and "Tc: half of" in one["text"]
               for one in report["findings"][0]["evidence"]), report["findings"][0]
