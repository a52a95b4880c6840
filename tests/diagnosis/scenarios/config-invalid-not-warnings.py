"""HAProxy warns of its configuration, and takes it."""
CAUSE = None


def make(host):
    host.app(host.APP.replace("    default_backend", "    timeout server 5s\n    default_backend"))


def happened(host):
    done = host.run(["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"])
    assert "[WARNING]" in done.stderr
