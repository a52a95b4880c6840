"""HAProxy may have fewer file descriptors than its maxconn needs, was told to go on all the same, and has used them up."""
import os

CAUSE = "fd-limit"
ALSO = ["maxconn-over-budget"]  # that is why
NOT = ["global-maxconn", "backend-refused", "system-fd-limit"]


def make(host):
    host.app(host.APP.replace(" check inter 200 fall 1 rise 1", ""), limit=256, globals="    no strict-limits",
             maxconn=2000)
    host.connect("127.0.0.1:8080", 260)
    host.wait(lambda: host.waiting("127.0.0.1:8080") > 0, "clients that are not accepted")


def happened(host):
    assert len(os.listdir(f"/proc/{host.worker()}/fd")) > 250
