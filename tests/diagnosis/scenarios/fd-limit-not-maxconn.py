"""HAProxy has as many descriptors as its maxconn needs, and nearly all are open: it is maxconn that holds."""
CAUSE = "global-maxconn"


def make(host):
    host.app(maxconn=40)
    host.load("127.0.0.1:8080", clients=80, pause=0, patience=20000)
    host.wait(lambda: host.info()["CurrConns"] == "40" and host.waiting("127.0.0.1:8080") > 20, "it to be full")


def happened(host):
    assert host.info()["CurrConns"] == host.info()["Maxconn"] == "40"
