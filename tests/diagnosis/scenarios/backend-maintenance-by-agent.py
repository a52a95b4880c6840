"""The agent on a server says that it shall not serve."""
CAUSE = "backend-maintenance"
NOT = ["backend-refused"]


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.server("127.0.0.11:9099", lambda connection: connection.sendall(b"down #disk is full\n"))
    host.start(config=host.APP.replace("127.0.0.11:9001 check", "127.0.0.11:9001 agent-check agent-port 9099 "
                                       "agent-inter 200 check"))
    host.wait(lambda: host.stat("app", "one")["status"] != "UP", "the agent to be heard")


def happened(host):
    assert host.stat("app", "one")["status"] == "DOWN (agent)", host.stat("app", "one")


def check(_host, report):
    assert "agent" in report["findings"][0]["summary"], report["findings"][0]
