"""A server answers no more; timeout server is far, so that there is no error yet, nor a line of the log."""
CAUSE = "backend-slow"
NOT = ["backend-timeout", "backend-aborts"]


def make(host):
    process = host.backend("127.0.0.11:9001")
    host.backend("127.0.0.12:9001")
    host.config(host.APP.replace("backend app\n", "backend app\n    timeout server 60s\n"))
    host.start()
    host.wait_checked()
    host.answered("127.0.0.1:8080")
    host.stop_answering(process, clients=20)
    host.wait(lambda: int(host.stat("app", "one")["scur"]) >= 18, "requests to wait for it")


def happened(host):
    row = host.stat("app", "one")
    assert row["status"] == "UP" and row["eresp"] == "0" and int(row["scur"]) >= 18
    assert " sH-- " not in host.log_text()


def check(_host, report):
    finding = report["findings"][0]
    assert finding["object"] == "app/one" and finding["state"] == "proven" and "wait for it now" in finding["summary"]
    assert any("GET /: no answer" in line["text"] for line in finding["evidence"]), finding["evidence"]
