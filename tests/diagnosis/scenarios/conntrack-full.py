"""The packet filter tracks as many connections as it may: new ones are dropped."""
CAUSE = "conntrack-full"
NOT = ["listen-overflow", "backend-timeout"]


def make(host):
    host.app()
    host.fill_conntrack()


def happened(host):
    count, most = host.tracked()
    assert count >= most - most // 200, f"{count} of {most} connections are tracked"
