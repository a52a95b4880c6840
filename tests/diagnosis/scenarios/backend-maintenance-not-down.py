"""A server was in maintenance, is back, and is down by its check."""
CAUSE = "backend-refused"


def make(host):
    host.app(host.APP.replace("127.0.0.12:9001 check", "127.0.0.12:9009 disabled check"))
    host.ask("set server app/two state ready")
    host.wait(lambda: host.has_status("app", "two", "DOWN"), "the check to fail")


def happened(host):
    host.said("Connection refused")
