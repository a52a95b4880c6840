"""The stats socket lets nobody change anything: it has no level."""
CAUSE = "stats-socket-off"


def make(host):
    host.config(host.APP)
    host.change(" mode 600 level admin", " mode 600")
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.start()
    host.wait_checked()


def happened(host):
    assert "ermission denied" in host.ask("set maxconn global 300")
    assert host.info()["Maxconn"] == "400"
