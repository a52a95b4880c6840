"""A server is `disabled` in the file, and its service is stopped, as it may be."""
CAUSE = "backend-maintenance"
NOT = ["backend-refused"]


def make(host):
    host.app(host.APP.replace("127.0.0.12:9001 check", "127.0.0.12:9009 disabled check"))


def happened(host):
    assert host.has_status("app", "two", "MAINT")
