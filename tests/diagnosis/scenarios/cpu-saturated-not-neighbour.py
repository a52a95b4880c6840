"""Other programs take all processors; HAProxy has little to do, and is idle most of the time."""
import subprocess

CAUSE = None
NOT = ["cpu-saturated"]


def make(host):
    host.app(delay=5)
    host.kept += [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(4)]
    host.load("127.0.0.1:8080", clients=5, pause=200)
    host.wait(lambda: int(host.stat("app", "one")["stot"]) > 20, "requests")


def happened(host):
    assert int(host.info()["Idle_pct"]) > 20
