"""Clients wait for news on a server, which answers when there is some, and everybody else at once."""
import time
CAUSE = None


def answer(connection):
    words = connection.recv(65536).split()
    if len(words) > 1 and words[1] == b"/news":
        time.sleep(60)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


def make(host):
    host.server("127.0.0.11:9001", answer)
    host.server("127.0.0.12:9001", answer)
    host.config(host.APP.replace("backend app\n", "backend app\n    timeout server 120s\n"))
    host.start()
    host.wait_checked()
    host.answered("127.0.0.1:8080")
    for one in host.connect("127.0.0.1:8080", 40):
        one.sendall(b"GET /news HTTP/1.1\r\nHost: news\r\n\r\n")
    host.wait(lambda: int(host.stat("app", "BACKEND")["scur"]) == 40, "clients to wait")


def happened(host):
    assert int(host.stat("app", "BACKEND")["scur"]) == 40
