"""Somebody edited the file: HAProxy refuses it. What runs is not touched."""
CAUSE = "config-invalid"
NOT = ["reload-failed"]


def make(host):
    host.app()
    host.change("    default_backend app", "    default_backend app\n    maxcon 100")


def happened(host):
    assert host.run(["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"], check=False).returncode == 1
    assert host.get("127.0.0.1:8080") == 200


def check(host, report):
    line = host.read("/etc/haproxy/haproxy.cfg").split("maxcon 100")[0].count("\n") + 1
    assert report["findings"][0]["object"] == f"/etc/haproxy/haproxy.cfg:{line}", report["findings"][0]["object"]
