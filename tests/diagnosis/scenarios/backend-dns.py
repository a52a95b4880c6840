"""A server's name does not resolve: its name server says that there is no such name."""
import socket
import threading

CAUSE = "backend-dns"
NOT = ["backend-maintenance", "backend-empty"]


def answer(one):
    while True:
        question, sender = one.recvfrom(4096)
        # NXDOMAIN, the question repeated.
        one.sendto(question[:2] + b"\x81\x83" + question[4:6] + b"\0\0\0\0\0\0" + question[12:], sender)


def make(host):
    one = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("127.0.0.53", 53))
    threading.Thread(target=answer, args=(one,), daemon=True).start()
    host.backend("127.0.0.12:9001")
    host.start(config="""
resolvers dns
    nameserver here 127.0.0.53:53
    hold nx 1s
    timeout resolve 300ms
    timeout retry 300ms
""" + host.APP.replace("127.0.0.11:9001 check", "gone.example:9001 resolvers dns init-addr none check"))
    host.wait(lambda: "resolution" in host.stat("app", "one")["status"], "the name to be missing")


def happened(host):
    assert host.stat("app", "one")["status"] == "MAINT (resolution)"
    assert host.get("127.0.0.1:8080") == 200


def check(_host, report):
    assert "no such name" in report["findings"][0]["summary"], report["findings"][0]
