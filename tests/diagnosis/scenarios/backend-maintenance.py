"""Somebody took a server out of service, and forgot it."""
CAUSE = "backend-maintenance"


def make(host):
    host.app()
    host.ask("set server app/two state maint")


def happened(host):
    assert host.has_status("app", "two", "MAINT")
    assert host.get("127.0.0.1:8080") == 200
