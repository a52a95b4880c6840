"""Requests queue for a server at its own maxconn, until the frontend has no connection left for others."""
CAUSE = "server-queue"
NOT = ["frontend-maxconn", "global-maxconn"]


def make(host):
    host.app(host.APP.replace("    server two 127.0.0.12:9001 check inter 200 fall 1 rise 1\n", "")
             .replace("rise 1\n", "rise 1 maxconn 2\n")
             .replace("    default_backend", "    maxconn 30\n    default_backend"), delay=300)
    host.load("127.0.0.1:8080", clients=60, pause=20, patience=30000)
    host.wait(lambda: host.stat("web", "FRONTEND")["scur"] == "30" and host.waiting("127.0.0.1:8080") > 0 and
              int(host.stat("app", "BACKEND")["qcur"]) > 15, "a queue")


def happened(host):
    assert int(host.stat("app", "BACKEND")["qcur"]) > 15 and host.stat("app", "one")["slim"] == "2"
    assert host.waiting("127.0.0.1:8080") > 0


def check(_host, report):
    assert any("frontend-maxconn" in line for line in report["findings"][0]["consequences"]), report["findings"]
