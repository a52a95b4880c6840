"""The stats socket is in another file than the one that has all the rest."""
CAUSE = None


def make(host):
    host.config(host.APP)
    line = "    stats socket /run/haproxy/admin.sock mode 600 level admin\n"
    host.change(line, "")
    host.write("/etc/haproxy/conf.d/api.cfg", "global\n" + line)
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.start("-f", "/etc/haproxy/conf.d")
    host.wait(lambda: host.ask("show info", may_fail=True), "the Runtime API")
    host.wait_checked()


def happened(host):
    assert "stats socket" not in host.read("/etc/haproxy/haproxy.cfg")
    assert host.info()["Maxconn"] == "400"
