"""Handshakes that are never completed fill the kernel's memory of them, and SYN cookies are off."""
CAUSE = "syn-overflow"
NOT = ["listen-overflow"]


def make(host):
    host.peer()
    host.sysctl("net.ipv4.tcp_syncookies", "0")
    host.sysctl("net.ipv4.tcp_max_syn_backlog", "32")
    host.app(host.APP.replace("bind 127.0.0.1:8080", f"bind {host.peers[0].host_address}:8080"))
    host.peers[0].flood(f"{host.peers[0].host_address}:8080")


def happened(host):
    host.wait(lambda: host.half_open() >= 23, "half-open connections")
    host.rises("ListenDrops")


def check(host, report):
    assert any("tcp_max_syn_backlog" in line for line in report["findings"][0]["repair"]), report["findings"][0]
