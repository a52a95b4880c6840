"""A server takes connections and answers none; its check is content with the connection, and clients get 504."""
CAUSE = "backend-slow"
NOT = ["backend-aborts", "backend-bad-response"]


def make(host):
    host.server("127.0.0.11:9001", None)
    host.backend("127.0.0.12:9001")
    host.config(host.APP)
    host.change("timeout server 10s", "timeout server 400")
    host.start()
    host.wait_checked()
    host.load("127.0.0.1:8080", clients=20, pause=20)
    host.wait(lambda: host.log_text().count(" sH-- ") > 40, "requests without an answer")


def happened(host):
    assert host.stat("app", "one")["status"] == "UP" and int(host.stat("app", "one")["eresp"]) > 30


def check(_host, report):
    finding = report["findings"][0]
    assert finding["object"] == "app/one" and "no answer" in finding["summary"], finding
