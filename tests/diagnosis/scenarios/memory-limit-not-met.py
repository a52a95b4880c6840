"""HAProxy's memory is limited (-m), and it has as much as it needs."""
CAUSE = None
NOT = ["memory-limit"]


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001", delay=5)
    host.config(host.APP)
    host.start("-m", "400")
    host.wait_checked()
    clients = host.load("127.0.0.1:8080", clients=40)
    host.wait(lambda: clients.line().get("ok", 0) > 50, "the clients to be served")


def happened(host):
    assert host.info()["Memmax_MB"] == "400" and host.info()["PoolFailed"] == "0"
