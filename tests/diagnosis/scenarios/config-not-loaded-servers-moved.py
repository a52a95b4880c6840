"""The servers moved and the file follows, but nobody reloaded: where HAProxy still connects to nobody is any more."""
import time

CAUSE = "config-not-loaded"
POSSIBLE = ["backend-refused"]


def make(host):
    old = host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.start(config=host.APP)
    started = time.time()
    # Times of files and of processes are compared by the second.
    host.wait(lambda: time.time() > started + 2, "the clock")
    host.backend("127.0.0.21:9001", "127.0.0.22:9001")
    for number in "1", "2":
        host.change(f"127.0.0.1{number}:9001", f"127.0.0.2{number}:9001")
    old.kill()
    host.wait(lambda: all(host.has_status("app", name, "DOWN") for name in ("one", "two")), "the checks to fail")


def happened(host):
    assert host.get("127.0.0.1:8080") == 503
    assert host.get("127.0.0.21:9001") == 200
