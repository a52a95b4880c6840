"""A server takes connections and never answers: out of workers."""
CAUSE = "backend-slow-check"
NOT = ["backend-timeout", "backend-bad-response"]


def make(host):
    host.backend("127.0.0.12:9001")
    host.server("127.0.0.11:9001", None)
    host.start(config=host.APP.replace("\nbackend app", "\nbackend app\n    option httpchk\n    timeout check 300"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert host.stat("app", "one")["check_status"].removeprefix("* ") == "L7TOUT", host.stat("app", "one")
    assert host.get("127.0.0.1:8080") == 200
