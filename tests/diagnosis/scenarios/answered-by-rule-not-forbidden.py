"""A rule forbids a part of the site with 403, as it shall."""
CAUSE = None
NOT = ["answered-by-rule"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    http-request deny if { path_beg /private }
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200
""")
    for _ in range(20):
        host.get("127.0.0.1:8080")
        host.get("127.0.0.1:8080", "/private")


def happened(host):
    assert host.get("127.0.0.1:8080", "/private") == 403
    host.wait(lambda: " PR-- " in host.log_text(), "the log")
