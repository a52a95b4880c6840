"""All servers answer no more, and their requests fill the global maxconn."""
CAUSE = "backend-slow"
NOT = ["global-maxconn"]


def make(host):
    process = host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.config(host.APP.replace("backend app\n", "backend app\n    timeout server 60s\n"), maxconn=30,
                defaults="    timeout client 60s")
    host.start()
    host.wait_checked()
    host.stop_answering(process, clients=60)
    host.wait(lambda: host.info()["CurrConns"] == "30" and host.waiting("127.0.0.1:8080") > 0, "all connections in use")


def happened(host):
    assert host.info()["CurrConns"] == "30" and host.waiting("127.0.0.1:8080") > 0
    assert host.stat("app", "BACKEND")["hrsp_2xx"] == "0"


def check(_host, report):
    finding = report["findings"][0]
    assert finding["severity"] == "critical" and any("global-maxconn" in line for line in finding["consequences"]), finding
    assert not any(found.get("repair") for found in report["findings"]), report["findings"]
