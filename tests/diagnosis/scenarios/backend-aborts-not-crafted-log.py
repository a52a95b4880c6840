"""Somebody writes lines into the log that say a server closed its connections: its counters know nothing of it."""
CAUSE = None
NOT = ["backend-aborts"]


def make(host):
    host.app(delay=5)
    clients = host.load("127.0.0.1:8080", clients=10, pause=50)
    host.wait(lambda: clients.line().get("ok", 0) > 30, "the clients to be served")
    found = host.logged("app/two", " 200 ")
    for _ in range(400):
        host.log_line(found.split()[2], found.split(None, 3)[3].replace(" 200 ", " 502 ").replace("----", "SH--"))


def happened(host):
    assert host.log_text().count(" SH-- ") == 400
    assert host.stat("app", "two")["srv_abrt"] == "0"
