"""All servers answer no more: requests fill their maxconn and the queue before them, and no higher maxconn would help."""
CAUSE = "backend-slow"
NOT = ["server-queue"]


def make(host):
    process = host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.config(host.APP.replace("backend app\n", "backend app\n    timeout server 60s\n    timeout queue 60s\n")
                .replace("rise 1\n", "rise 1 maxconn 10\n"))
    host.start()
    host.wait_checked()
    host.answered("127.0.0.1:8080")
    host.stop_answering(process, clients=60)
    host.wait(lambda: int(host.stat("app", "BACKEND")["qcur"]) >= 30, "a queue")
    host.wait(lambda: host.stat("app", "one")["rate"] == "0", "a second without an answer")


def happened(host):
    assert int(host.stat("app", "BACKEND")["qcur"]) >= 30
    assert all(host.stat("app", name)["scur"] == "10" for name in ("one", "two"))


def check(_host, report):
    finding = report["findings"][0]
    assert finding["severity"] == "critical" and any("server-queue" in line for line in finding["consequences"]), finding
    assert not any(found.get("repair") for found in report["findings"]), report["findings"]
