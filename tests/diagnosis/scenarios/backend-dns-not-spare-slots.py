"""A template has more slots than its name has addresses: the spare ones are in MAINT (resolution), and all is well."""
import socket
import threading

CAUSE = None
NOT = ["backend-dns", "backend-maintenance"]


def answer(one):
    while True:
        question, sender = one.recvfrom(4096)
        # One address, 127.0.0.12, for A; nothing for other types.
        end = question.index(b"\0", 12) + 5
        is_a = question[end - 4:end - 2] == b"\0\x01"
        record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x0c" if is_a else b""
        one.sendto(question[:2] + b"\x81\x80\0\x01" + (b"\0\x01" if is_a else b"\0\0") + b"\0\0\0\0" +
                   question[12:end] + record, sender)


def make(host):
    one = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("127.0.0.53", 53))
    threading.Thread(target=answer, args=(one,), daemon=True).start()
    host.backend("127.0.0.12:9001")
    host.start(config="""
resolvers dns
    nameserver here 127.0.0.53:53
    timeout resolve 300ms
    timeout retry 300ms
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    server-template s 3 app.example:9001 resolvers dns resolve-prefer ipv4 init-addr none check inter 200
""")
    host.wait(lambda: any(row["status"] == "UP" and row["svname"] != "BACKEND" and row["pxname"] == "app"
                          for row in host.stats()), "an address")


def happened(host):
    assert [row["status"] for row in host.stats() if row["pxname"] == "app"].count("MAINT (resolution)") == 2, \
        host.stats()
    assert host.get("127.0.0.1:8080") == 200
