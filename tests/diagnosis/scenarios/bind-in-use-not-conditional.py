"""Lines inside .if that do not count: of binds, whose port another service has, and of servers."""
import time

CAUSE = None
NOT = ["port-range-overlap", "config-not-loaded"]


def make(host):
    host.listen("127.0.0.1:8443")
    host.backend("127.0.0.11:9001")
    host.start(config="""
.if defined(SECOND)
frontend second
    bind 127.0.0.1:40001
    default_backend app
.endif
frontend web
    bind 127.0.0.1:8080
.if defined(SECOND)
    bind 127.0.0.1:8443
    bind 127.0.0.1:40002
.endif
    default_backend app
backend app
.if defined(SECOND)
    server one 127.0.0.12:9001 check inter 200
.else
    server one 127.0.0.11:9001 check inter 200
.endif
""")
    host.wait_checked()
    started = time.time()
    host.wait(lambda: time.time() > started + 2, "the clock")  # times are compared by the second
    host.change("    bind 127.0.0.1:8080\n", "    # the first one\n    bind 127.0.0.1:8080\n")


def happened(host):
    assert host.get("127.0.0.1:8080") == 200
    assert host.fails("127.0.0.1:8443") is None and host.fails("127.0.0.1:40002") == "refused"
