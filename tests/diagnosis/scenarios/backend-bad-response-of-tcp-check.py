"""A cache does not answer PING with PONG, as its tcp-check wants; the other does."""
CAUSE = "backend-bad-response"
NOT = ["backend-http-status"]


def make(host):
    host.server("127.0.0.11:9001", b"-LOADING\r\n")
    host.server("127.0.0.12:9001", b"+PONG\r\n")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    mode tcp
    default_backend app
backend app
    mode tcp
    option tcp-check
    tcp-check send PING\\r\\n
    tcp-check expect string +PONG
    server one 127.0.0.11:9001 check inter 200 fall 1 rise 1
    server two 127.0.0.12:9001 check inter 200 fall 1 rise 1
""")
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert host.stat("app", "one")["check_status"].removeprefix("* ") in ("L7RSP", "L7TOUT"), host.stat("app", "one")
    assert host.has_status("app", "two", "UP")
