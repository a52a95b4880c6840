"""Three servers at their maxconn, one of them slow: the queue is not of its making alone, and it gets no more connections."""
CAUSE = "backend-slow"
ALSO = ["server-queue"]


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.13:9001", delay=20)
    host.backend("127.0.0.12:9001", delay=1500)
    host.config((host.APP + "    server three 127.0.0.13:9001 check inter 200 fall 1 rise 1\n")
                .replace("rise 1\n", "rise 1 maxconn 5\n"))
    host.start()
    host.wait_checked()
    host.load("127.0.0.1:8080", clients=60, pause=5, patience=9000)
    host.wait(lambda: int(host.stat("app", "two")["stot"]) > 25 and int(host.stat("app", "BACKEND")["qcur"]) > 5, "a queue")


def happened(host):
    assert int(host.stat("app", "two")["rtime"]) > 1000 > 300 > int(host.stat("app", "one")["rtime"])
    assert int(host.stat("app", "BACKEND")["qcur"]) > 5


def check(_host, report):
    repairs = [change for found in report["findings"] for change in found.get("repair") or []]
    assert repairs and not any("app/two" in str(change) for change in repairs), repairs
