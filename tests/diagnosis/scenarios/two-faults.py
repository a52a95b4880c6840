"""Two faults that have nothing to do with each other: a server that refuses, and a frontend at its maxconn."""
CAUSE = "frontend-maxconn"
ALSO = ["backend-refused"]


def make(host):
    host.app(host.APP.replace("    default_backend", "    maxconn 10\n    default_backend")
             .replace("127.0.0.11:9001", "127.0.0.11:9009"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")
    host.connect("127.0.0.1:8080", 18)
    host.wait(lambda: host.stat("web", "FRONTEND")["scur"] == "10", "all connections to be in use")


def happened(host):
    host.said("Connection refused")
    assert host.waiting("127.0.0.1:8080") == 8
