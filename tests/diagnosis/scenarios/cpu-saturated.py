"""Each request costs HAProxy more than it has time for: its only thread is at work all the time."""
CAUSE = "cpu-saturated"

HASH = "http-request set-var(txn.a) str(" + "a" * 200 + ")" + ",sha2(512),hex" * 40


def make(host):
    host.app(host.APP.replace("    default_backend app\n", f"    {HASH}\n" * 40 + "    default_backend app\n"), delay=1)
    host.load("127.0.0.1:8080", clients=60, pause=1)
    host.wait(lambda: int(host.info()["Idle_pct"]) <= 5, "no idle time")


def happened(host):
    assert int(host.info()["Idle_pct"]) <= 5
