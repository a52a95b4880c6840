"""Somebody edited the configuration of a HAProxy without a master, and did not start a new one in its place."""
import time

CAUSE = "config-not-loaded"
NOT = ["reload-failed"]


def make(host):
    host.app(master=False)
    started = time.time()
    host.wait(lambda: time.time() > started + 2, "the clock")  # times are compared by the second
    host.change("    maxconn 400\n", "    maxconn 300\n")


def happened(host):
    assert host.info()["Maxconn"] == "400"
