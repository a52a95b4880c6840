"""Nothing is wrong, and HAProxy writes no log."""
CAUSE = None
NOT_CHECKED = ["^logs: "]


def make(host):
    host.app(log=False)


def happened(host):
    assert not host.logs and host.get("127.0.0.1:8080") == 200
