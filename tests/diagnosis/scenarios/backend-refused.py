"""A server's service is stopped: nothing listens on its port."""
CAUSE = "backend-refused"


def make(host):
    host.app(host.APP.replace("127.0.0.11:9001", "127.0.0.11:9009"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("Connection refused")
    assert host.get("127.0.0.1:8080") == 200
