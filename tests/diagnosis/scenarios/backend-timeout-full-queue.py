"""A server's program accepts nothing any more, and its accept queue is full: connections run into their time."""
CAUSE = "backend-timeout"
NOT = ["backend-refused"]


def make(host):
    host.listen("127.0.0.21:9001", backlog=0)
    host.connect("127.0.0.21:9001")
    host.app(host.APP.replace("127.0.0.11:9001", "127.0.0.21:9001"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("Layer4 timeout")
    assert "127.0.0.21:9001" in host.run(["ss", "-Hltn"]).stdout
