"""Both servers are at their maxconn and requests wait: one of them is quick, the other takes 1.5 s."""
CAUSE = "backend-slow"
NOT = ["server-queue"]


def make(host):
    host.backend("127.0.0.11:9001", delay=20)
    host.backend("127.0.0.12:9001", delay=1500)
    host.config(host.APP.replace("rise 1\n", "rise 1 maxconn 5\n"))
    host.start()
    host.wait_checked()
    host.load("127.0.0.1:8080", clients=40, pause=5, patience=9000)
    host.wait(lambda: int(host.stat("app", "two")["stot"]) > 25 and int(host.stat("app", "BACKEND")["qcur"]) > 5, "a queue")


def happened(host):
    assert int(host.stat("app", "two")["rtime"]) > 1000 > 300 > int(host.stat("app", "one")["rtime"])
    assert int(host.stat("app", "BACKEND")["qcur"]) > 5


def check(_host, report):
    finding = report["findings"][0]
    assert finding["object"] == "app/two" and any("server-queue" in line for line in finding["consequences"]), finding
    assert not any(found.get("repair") for found in report["findings"]), report["findings"]
