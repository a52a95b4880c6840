"""Somebody edited the configuration and did not reload."""
import time

CAUSE = "config-not-loaded"
NOT = ["reload-failed", "bind-in-use"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200
""")
    started = time.time()
    # Times of files and of processes are compared by the second.
    host.wait(lambda: time.time() > started + 2, "the clock")
    host.change("    maxconn 400\n", "    maxconn 300\n")


def happened(host):
    assert host.info()["Maxconn"] == "400"
    assert host.failed_reloads() == 0
