"""Two of three servers refuse; the third is at its maxconn, and requests wait for it: the dead ones are the cause."""
CAUSE = "backend-refused"
NOT = ["server-queue"]


def make(host):
    host.backend("127.0.0.13:9001", delay=100)
    host.config((host.APP + "    server three 127.0.0.13:9001 check inter 200 fall 1 rise 1\n")
                .replace("rise 1\n", "rise 1 maxconn 10\n"))
    host.start()
    host.wait_checked()
    host.load("127.0.0.1:8080", clients=25, pause=1)
    host.wait(lambda: int(host.stat("app", "BACKEND")["qcur"]) > 5, "a queue")


def happened(host):
    assert int(host.stat("app", "BACKEND")["qcur"]) > 5
    assert [host.stat("app", name)["status"] for name in ("one", "two", "three")] == ["DOWN", "DOWN", "UP"]


def check(_host, report):
    finding = report["findings"][0]
    assert any(line.startswith("server-queue: ") for line in finding["consequences"]), finding
    assert not any(found.get("repair") for found in report["findings"]), report["findings"]
