"""HAProxy runs as one process without a master."""
CAUSE = None


def make(host):
    host.app(master=False)


def happened(host):
    assert host.run(["pgrep", "-c", "haproxy"]).stdout == "1\n"
    assert host.get("127.0.0.1:8080") == 200
