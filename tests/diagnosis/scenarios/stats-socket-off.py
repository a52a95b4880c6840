"""The configuration has no stats socket."""
CAUSE = "stats-socket-off"
NOT_CHECKED = ["^stats: "]


def make(host):
    host.config(host.APP)
    host.change("    stats socket /run/haproxy/admin.sock mode 600 level admin\n", "")
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.start()
    host.wait(lambda: host.get("127.0.0.1:8080") == 200, "HAProxy to serve")


def happened(host):
    assert host.get("127.0.0.1:8080") == 200
    assert host.ask("show info", may_fail=True) is None
