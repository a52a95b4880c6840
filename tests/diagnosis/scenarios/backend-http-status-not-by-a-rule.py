"""HAProxy itself says 503 to some, by a rule; the servers are well, and their checks expect a 404."""
CAUSE = "answered-by-rule"
NOT = ["backend-bad-response", "backend-http-status"]


def make(host):
    host.server("127.0.0.11:9001", b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    host.server("127.0.0.12:9001", b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    text = host.APP.replace("\nbackend app", "\nbackend app\n    option httpchk GET /\n    http-check expect status 404")
    host.start(config=text.replace("    default_backend",
                                   "    http-request deny deny_status 503 if { path /no }\n    default_backend"))
    host.wait_checked()


def happened(host):
    assert host.get("127.0.0.1:8080", "/no") == 503
    assert host.get("127.0.0.1:8080") == 404
    assert host.has_status("app", "one", "UP") and host.has_status("app", "two", "UP")
