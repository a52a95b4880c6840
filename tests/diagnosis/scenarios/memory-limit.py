"""HAProxy was given less memory (-m) than its connections need."""
CAUSE = "memory-limit"
POSSIBLE = ["stats-socket-off"]


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    # Without checks: where one finds no memory HAProxy 2.6.12 breaks, now and then (SIGSEGV).
    host.config(host.APP.replace(" check inter 200 fall 1 rise 1", ""), globals="    tune.bufsize 1000000\n", maxconn=2000)
    host.start("-m", "150")

    # Requests that are not yet whole: each stays in its buffer. At the end the Runtime API has none, either.
    kept = []
    for _ in range(400):
        kept += host.connect("127.0.0.1:8080")
        kept[-1].sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
    host.wait(lambda: "PoolFailed" not in (host.ask("show info", may_fail=True) or ""), "no memory to be left")


def happened(host):
    limits = host.read(f"/proc/{host.worker()}/limits")
    assert "157286400" in limits, limits
    assert "PoolFailed" not in (host.ask("show info", may_fail=True) or "")
