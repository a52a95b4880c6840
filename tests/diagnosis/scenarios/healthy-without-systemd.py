"""Nothing is wrong, and there is no systemd: units and journal cannot be asked."""
CAUSE = None
NOT_CHECKED = ["^unit: "]


def make(host):
    host.app()


def happened(host):
    import os
    assert not os.path.exists("/run/systemd/system")
