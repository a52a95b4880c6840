"""The maxconn in the file needs more file descriptors than the next start can have."""
CAUSE = "maxconn-over-budget"
NOT = ["reload-failed", "fd-limit"]


def make(host):
    host.app(limit=1000)
    host.change("    maxconn 400\n", "    maxconn 600\n")


def happened(host):
    assert host.run(["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"])
    done = host.run(["prlimit", "--nofile=1000:1000", "timeout", "5", "haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"],
                    check=False)
    assert "Cannot raise FD limit" in done.stderr, done.stderr
