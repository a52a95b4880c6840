"""TLS is meant, and nothing listens: there is no handshake to fail."""
CAUSE = "backend-refused"
NOT = ["backend-tls"]


def make(host):
    host.backend("127.0.0.12:9001")
    host.start(config=host.APP.replace("127.0.0.11:9001 check", "127.0.0.11:9001 ssl verify none check"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("Connection refused")
