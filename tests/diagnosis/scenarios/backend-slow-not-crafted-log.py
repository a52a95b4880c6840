"""Somebody writes lines into the log that say a server was late: HAProxy's own average of it is that of its neighbour."""
import re

CAUSE = None
NOT = ["backend-slow"]


def make(host):
    host.app(delay=5)
    clients = host.load("127.0.0.1:8080", clients=10, pause=50)
    host.wait(lambda: clients.line().get("ok", 0) > 30, "the clients to be served")
    found = host.logged("app/two", " 200 ")
    late = re.sub(r" \d+/\d+/\d+/\d+/\d+ 200 ", " 0/0/0/3000/3000 200 ", found.split(None, 3)[3])
    for _ in range(400):
        host.log_line(found.split()[2], late)


def happened(host):
    assert host.log_text().count("0/0/0/3000/3000 200") == 400
    assert int(host.stat("app", "two")["rtime"]) < 100
