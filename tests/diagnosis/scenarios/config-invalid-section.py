"""A frontend sends its clients to a backend that there is not, which HAProxy finds once it has read all lines."""
CAUSE = "config-invalid"
ALSO = ["haproxy-not-running"]


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.config(host.APP.replace("default_backend app", "default_backend shop"))
    host.start(works=False)


def happened(host):
    done = host.run(["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"], check=False)
    assert done.returncode == 1 and "'shop'" in done.stderr and "haproxy.cfg:" not in done.stderr, done


def check(host, report):
    line = host.read("/etc/haproxy/haproxy.cfg").split("\n").index("frontend web") + 1
    assert report["findings"][0]["object"] == f"/etc/haproxy/haproxy.cfg:{line}", report["findings"][0]
