"""HAProxy ended, and nobody started it again."""
CAUSE = "haproxy-not-running"
NOT = ["stats-socket-off", "backend-refused"]


def make(host):
    host.app()
    host.stop()


def happened(host):
    assert host.get("127.0.0.1:8080") == -1
    assert host.run(["pgrep", "haproxy"], check=False).returncode == 1
