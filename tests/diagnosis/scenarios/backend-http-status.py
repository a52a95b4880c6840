"""A server is there, and answers its check with 503 itself."""
CAUSE = "backend-http-status"
NOT = ["backend-refused", "backend-bad-response"]
ANSWER = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def make(host):
    host.backend("127.0.0.12:9001")
    host.server("127.0.0.11:9001", ANSWER)
    host.start(config=host.APP.replace("\nbackend app", "\nbackend app\n    option httpchk GET /health"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("code: 503")
    assert host.get("127.0.0.1:8080") == 200


def check(_host, report):
    assert [one["object"] for one in report["findings"]] == ["app/one"], report["findings"]
