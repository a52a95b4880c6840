"""What is not allowed is rejected, and nobody allowed HAProxy's only port."""
CAUSE = "frontend-firewalled"


def make(host):
    host.peer()
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind *:8080"))
    host.nft("iif lo accept", "ct state established,related accept", "tcp dport 22 accept", "reject with tcp reset")


def happened(host):
    assert host.peers[0].fails(f"{host.peers[0].host_address}:8080") == "refused"
