"""The maxconn in the file needs more file descriptors than the next start can have."""
import time

CAUSE = "maxconn-over-budget"
ALSO = ["config-not-loaded"]
NOT = ["reload-failed", "fd-limit"]


def make(host):
    host.app(limit=1000)
    started = time.time()
    # Times of files and of processes are compared by the second.
    host.wait(lambda: time.time() > started + 2, "the clock")
    host.change("    maxconn 400\n", "    maxconn 600\n")


def happened(host):
    assert host.run(["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"])
    done = host.run(["prlimit", "--nofile=1000:1000", "timeout", "5", "haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"],
                    check=False)
    assert "Cannot raise FD limit" in done.stderr, done.stderr
