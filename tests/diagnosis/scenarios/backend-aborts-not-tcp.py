"""A TCP service answers, and ends each connection with a reset: HAProxy cannot know whether that was all."""
import socket
import struct
import threading

CAUSE = None
POSSIBLE = ["backend-aborts"]


def make(host):
    read = threading.Semaphore(0)

    def answer(connection):
        if not connection.recv(100):  # a check
            return
        connection.sendall(b"hello")
        read.acquire()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    host.server("127.0.0.11:7000", answer)
    host.start(config="""
listen echo
    mode tcp
    option tcplog
    bind 127.0.0.1:7000
    server one 127.0.0.11:7000 check inter 200
""")
    host.wait_checked()
    for _ in range(40):
        with socket.create_connection(("127.0.0.1", 7000)) as client:
            client.settimeout(5)
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
            read.release()
            try:
                client.recv(100)
            except OSError:
                pass


def happened(host):
    assert int(host.stat("echo", "one")["srv_abrt"]) == 40


def check(_host, report):
    assert all("502" not in text for one in report["findings"] for text in one["consequences"]), report["findings"]
