"""A frontend sends its requests to a backend that has no server."""
CAUSE = "backend-empty"
NOT = ["backend-refused", "backend-maintenance"]


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.start(config=host.APP.replace("    default_backend", "    use_backend old if { path_beg /old }\n    default_backend")
               + "backend old\n    balance roundrobin\n")
    host.wait_checked()
    assert host.get("127.0.0.1:8080", "/old/1") == 503


def happened(host):
    assert int(host.stat("old", "BACKEND")["econ"]) > 0, host.stat("old", "BACKEND")
    assert host.get("127.0.0.1:8080") == 200
