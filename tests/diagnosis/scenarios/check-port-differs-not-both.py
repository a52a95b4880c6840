"""The check has a port of its own, and both it and the traffic's refuse: the service is down."""
CAUSE = "backend-refused"
NOT = ["check-port-differs"]


def make(host):
    host.backend("127.0.0.12:9001", "127.0.0.12:9090")
    host.start(config=host.APP.replace("9001 check", "9001 check port 9090"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("Connection refused")
    assert host.get("127.0.0.11:9001") == -1
