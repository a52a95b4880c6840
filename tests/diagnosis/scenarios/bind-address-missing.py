"""HAProxy is started with a bind line whose address no interface has."""
CAUSE = "bind-address-missing"
NOT = ["haproxy-not-running", "bind-in-use"]


def make(host):
    host.peer()
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.config(host.APP.replace("bind 127.0.0.1:8080", "bind 10.77.1.50:8080"))
    host.start(works=False)


def happened(host):
    host.said_cannot_bind("10.77.1.50:8080", "Cannot assign requested address")
