"""Many connections are tracked, and there is room for more."""
CAUSE = None
NOT = ["conntrack-full"]


def make(host):
    host.app()
    host.fill_conntrack(20000)


def happened(host):
    count, most = host.tracked()
    assert 15000 < count < most / 2, f"{count} of {most} connections are tracked"
