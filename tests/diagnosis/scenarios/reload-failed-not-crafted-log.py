"""The file was edited and not loaded, and somebody writes into the log that a reload failed: the master counts none."""
import time

CAUSE = "config-not-loaded"
NOT = ["reload-failed"]


def make(host):
    host.app()
    started = time.time()
    # Times of files and of processes are compared by the second.
    host.wait(lambda: time.time() > started + 2, "the clock")
    host.change("    maxconn 400\n", "    maxconn 410\n")
    tag = f"haproxy[{host.master.pid}]:"
    for text in ("[NOTICE]   (1) : haproxy version is 2.6.12", "[ALERT]    (1) : [haproxy.main()] Some protocols failed "
                 "to start their listeners! Exiting.", "[WARNING]  (1) : Loading failure!"):
        host.log_line(tag, text)


def happened(host):
    host.wait(lambda: "Loading failure!" in host.log_text(), "the log")
    assert host.failed_reloads() == 0
