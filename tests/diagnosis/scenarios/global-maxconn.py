"""More clients than the global maxconn: those that are in are served, the others wait to be accepted."""
CAUSE = "global-maxconn"
NOT = ["frontend-maxconn", "fd-limit"]


def make(host):
    host.app(maxconn=30)
    host.connect("127.0.0.1:8080", 50)
    host.wait(lambda: host.info()["CurrConns"] == "30", "all connections to be in use")


def happened(host):
    assert host.info()["Maxconn"] == "30"
    assert host.waiting("127.0.0.1:8080") >= 20
