"""More clients than a frontend's maxconn; the global one is far away."""
CAUSE = "frontend-maxconn"
NOT = ["global-maxconn"]


def make(host):
    host.app(host.APP.replace("    default_backend", "    maxconn 10\n    default_backend"))
    host.connect("127.0.0.1:8080", 18)
    host.wait(lambda: host.stat("web", "FRONTEND")["scur"] == "10", "all connections to be in use")


def happened(host):
    assert host.stat("web", "FRONTEND")["slim"] == "10"
    assert host.waiting("127.0.0.1:8080") == 8


def check(_host, report):
    assert any("http-keep-alive" in line for line in report["findings"][0]["advice"]), report["findings"]
