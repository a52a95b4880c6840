"""The only server of a backend has too little strength: it answers late, and requests queue for it at its maxconn."""
CAUSE = "backend-slow"
NOT = ["server-queue"]


def make(host):
    host.app(host.APP.replace("    server two 127.0.0.12:9001 check inter 200 fall 1 rise 1\n", "")
             .replace("rise 1\n", "rise 1 maxconn 4\n"), delay=3200)
    host.load("127.0.0.1:8080", clients=20, pause=20, patience=9000)
    host.wait(lambda: int(host.stat("app", "one")["rtime"]) > 3000 and int(host.stat("app", "BACKEND")["qcur"]) > 5,
              "a queue")


def happened(host):
    assert int(host.stat("app", "one")["rtime"]) > 3000
    assert int(host.stat("app", "BACKEND")["qcur"]) > 5 and host.stat("app", "one")["scur"] == "4"


def check(host, report):
    assert any("server-queue" in line for line in report["findings"][0]["consequences"])
