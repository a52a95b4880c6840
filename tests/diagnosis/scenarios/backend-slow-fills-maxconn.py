"""One slow server has all connections of the global maxconn, and clients of all frontends wait for one."""
CAUSE = "backend-slow"
NOT = ["global-maxconn"]


def make(host):
    host.app(host.APP.replace("    server two 127.0.0.12:9001 check inter 200 fall 1 rise 1\n", ""), delay=3200, maxconn=20)
    host.load("127.0.0.1:8080", clients=60, pause=20, patience=9900)
    # All of one batch are answered at once, and for a moment nobody waits: look at the begin of the next one.
    host.wait(lambda: host.info()["CurrConns"] == "20" and host.waiting("127.0.0.1:8080") > 0 and
              int(host.stat("app", "one")["rtime"]) > 3000 and int(host.stat("app", "one")["stot"]) >= 35 and
              int(host.stat("app", "one")["scur"]) >= 15, "all connections to wait for it")


def happened(host):
    assert int(host.stat("app", "one")["rtime"]) > 3000 and int(host.stat("app", "one")["scur"]) > 10
    assert host.info()["CurrConns"] == "20" and host.waiting("127.0.0.1:8080") > 0


def check(_host, report):
    finding = report["findings"][0]
    assert finding["severity"] == "critical" and any("global-maxconn" in line for line in finding["consequences"])
    assert not finding.get("repair"), finding
