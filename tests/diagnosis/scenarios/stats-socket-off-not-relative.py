"""The stats socket has a path below the directory that HAProxy was started in: it is there, and is not asked."""
CAUSE = None
NOT_CHECKED = [r"^stats: HAProxy's 'stats socket unix@admin\.sock' is none that can be asked from here"]


def make(host):
    host.config(host.APP)
    host.change("    stats socket /run/haproxy/admin.sock mode 600 level admin\n",
                "    stats socket unix@admin.sock level admin\n")
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.start()
    host.wait(lambda: host.get("127.0.0.1:8080") == 200, "HAProxy to serve")


def happened(host):
    assert " admin.sock" in host.run(["ss", "-Hlx"]).stdout
