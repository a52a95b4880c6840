"""HAProxy was at its global maxconn, and is not any more."""
CAUSE = None
# Fifty connections, and not one request that could be read. From 3.0 on HAProxy counts how often it was there.
POSSIBLE = ["proxy-protocol-mismatch", "global-maxconn"]


def make(host):
    host.app(maxconn=30)
    made = host.connect("127.0.0.1:8080", 50)
    host.wait(lambda: host.info()["CurrConns"] == "30", "all connections to be in use")
    for one in made:
        one.close()
    host.wait(lambda: int(host.info()["CurrConns"]) < 5, "them to be gone")


def happened(host):
    assert int(host.info()["CumConns"]) >= 30
    assert host.waiting("127.0.0.1:8080") == 0
