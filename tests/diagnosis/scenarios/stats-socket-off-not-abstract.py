"""The stats socket has an abstract name, and is asked by it."""
CAUSE = "backend-refused"


def make(host):
    host.config(host.APP)
    host.change("    stats socket /run/haproxy/admin.sock mode 600 level admin\n",
                "    stats socket abns@haproxy-admin level admin\n")
    host.backend("127.0.0.12:9001")
    host.start()
    host.wait(lambda: host.get("127.0.0.1:8080") == 200, "HAProxy to serve")
    host.said("Server app/one is DOWN")


def happened(host):
    assert "@haproxy-admin" in host.run(["ss", "-Hlx"]).stdout


def check(_host, report):
    assert [one["state"] for one in report["sources"] if one["name"] == "stats"] == ["ok"], report["sources"]
    assert any(one["source"] == "stats" for one in report["findings"][0]["evidence"]), report["findings"][0]
