"""Some requests go to a backend that has no servers, and a page of its own instead."""
CAUSE = "answered-by-rule"
NOT = ["backend-empty", "no-backend-matched"]


def make(host):
    host.write("/etc/haproxy/sorry.http", "HTTP/1.0 503 Service Unavailable\r\nConnection: close\r\n\r\nsorry\n")
    host.app(host.APP.replace("    default_backend app", "    use_backend sorry if { path_beg /old }\n"
                              "    default_backend app") + "backend sorry\n    errorfile 503 /etc/haproxy/sorry.http\n")
    assert [host.get("127.0.0.1:8080", "/old") for _ in range(20)] == [503] * 20
    host.wait(lambda: host.log_text().count(" sorry/<NOSRV> ") == 20, "the log")


def happened(host):
    assert host.get("127.0.0.1:8080") == 200
