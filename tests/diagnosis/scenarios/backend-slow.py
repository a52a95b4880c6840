"""One of two servers answers late; the other is quick."""
CAUSE = "backend-slow"


def make(host):
    host.backend("127.0.0.11:9001", delay=5)
    host.backend("127.0.0.12:9001", delay=900)
    host.start(config=host.APP)
    host.wait_checked()
    host.load("127.0.0.1:8080", clients=40, pause=20)
    host.wait(lambda: int(host.stat("app", "two")["stot"]) > 60 and int(host.stat("app", "two")["scur"]) > 0,
              "requests to the slow one")


def happened(host):
    quick, slow = (int(host.stat("app", name)["rtime"]) for name in ("one", "two"))
    assert slow > 600 and slow > 3 * quick, (quick, slow)


def check(host, report):
    assert report["findings"][0]["object"] == "app/two", report["findings"][0]
