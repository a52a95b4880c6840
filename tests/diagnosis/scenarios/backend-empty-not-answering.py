"""A backend without servers answers by a rule, and another one is used by nobody: that is as it should be."""
CAUSE = None
NOT = ["backend-empty"]


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.start(config=host.APP.replace("    default_backend", "    use_backend old if { path_beg /old }\n    default_backend")
               + "backend old\n    http-request return status 200\nbackend older\n    balance roundrobin\n")
    host.wait_checked()


def happened(host):
    assert host.get("127.0.0.1:8080", "/old/1") == 200
    assert host.get("127.0.0.1:8080") == 200
