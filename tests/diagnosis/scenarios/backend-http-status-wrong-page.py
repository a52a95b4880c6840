"""The check asks for a page that the service does not have: 404, and nothing else is wrong."""
CAUSE = "backend-http-status"


def make(host):
    host.server("127.0.0.11:9001", b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    host.server("127.0.0.12:9001", b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    host.start(config=host.APP.replace("\nbackend app", "\nbackend app\n    option httpchk GET /no/such/page"))
    host.wait(lambda: host.has_status("app", "BACKEND", "DOWN"), "the checks to fail")


def happened(host):
    host.said("code: 404")
    assert host.get("127.0.0.1:8080") == 503
