"""HAProxy ended at its start: whoever starts it gives it too few file descriptors for its maxconn."""
CAUSE = "haproxy-not-running"


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.config(host.APP)
    host.start(limit=100, works=False)
    # 3.2 has a worker then already, which ends a moment later than its master.
    host.wait(lambda: host.run(["pgrep", "-x", "haproxy"], check=False).returncode == 1, "all of it to end")


def happened(host):
    host.said("Cannot raise FD limit")


def check(_host, report):
    assert any("file descriptors where it is started" in line for line in report["findings"][0]["advice"]), report
