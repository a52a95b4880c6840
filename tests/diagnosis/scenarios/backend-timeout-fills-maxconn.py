"""A server without a check drops what is sent to it: the requests that wait for it have all of the frontend's maxconn."""
CAUSE = "backend-timeout"
NOT = ["frontend-maxconn"]


def make(host):
    there = host.peer()
    there.run(["nft", "-f", "-"], stdin="table inet f {\nchain input {\ntype filter hook input priority 0;\n"
                                        "tcp dport 9001 drop\n}\n}\n")
    host.start(config=f"""
frontend web
    bind 127.0.0.1:8080
    maxconn 10
    default_backend app
backend app
    server one {there.address}:9001
""")
    host.load("127.0.0.1:8080", clients=30, pause=20, patience=20000)
    host.wait(lambda: int(host.stat("app", "one")["econ"]) > 0 and host.stat("web", "FRONTEND")["scur"] == "10" and
              host.waiting("127.0.0.1:8080") > 0, "all connections to wait for it")


def happened(host):
    assert int(host.stat("app", "one")["econ"]) > 0 and int(host.stat("app", "one")["scur"]) >= 5


def check(_host, report):
    finding = report["findings"][0]
    assert finding["severity"] == "critical", finding
    assert any("frontend-maxconn" in line for line in finding["consequences"]), finding
