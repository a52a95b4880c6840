"""The same handshakes with SYN cookies on: nobody is turned away."""
CAUSE = None
NOT = ["syn-overflow", "listen-overflow"]


def make(host):
    host.peer()
    host.sysctl("net.ipv4.tcp_syncookies", "1")
    host.sysctl("net.ipv4.tcp_max_syn_backlog", "32")
    host.app(host.APP.replace("bind 127.0.0.1:8080", f"bind {host.peers[0].host_address}:8080"))
    host.peers[0].flood(f"{host.peers[0].host_address}:8080")


def happened(host):
    host.wait(lambda: host.half_open() >= 23, "half-open connections")
    assert host.peers[0].connect(f"{host.peers[0].host_address}:8080"), "a client was turned away"
