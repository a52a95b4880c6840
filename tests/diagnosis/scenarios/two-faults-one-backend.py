"""Two faults at once in one backend: one server refuses, the other never answers."""
CAUSE = "backend-refused"
ALSO = ["backend-slow-check"]


def make(host):
    host.server("127.0.0.12:9001", None)
    host.backend("127.0.0.13:9001")
    host.start(config=host.APP.replace("\nbackend app", "\nbackend app\n    option httpchk\n    timeout check 300") +
               "    server three 127.0.0.13:9001 check inter 200\n")
    host.wait(lambda: host.has_status("app", "one", "DOWN") and host.has_status("app", "two", "DOWN"), "both to fail")


def happened(host):
    assert host.stat("app", "two")["check_status"].removeprefix("* ") == "L7TOUT", host.stat("app", "two")
    assert host.get("127.0.0.1:8080") == 200


def check(_host, report):
    assert sorted(one["object"] for one in report["findings"]) == ["app/one", "app/two"], report["findings"]
