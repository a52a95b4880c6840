"""There is no route to a server's network: its checks fail, too, but nobody refused them."""
CAUSE = "backend-unreachable"
NOT = ["backend-timeout", "backend-refused"]


def make(host):
    host.run(["ip", "route", "add", "unreachable", "10.99.0.0/16"])
    host.app(host.APP.replace("127.0.0.11:9001", "10.99.0.5:9001"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("No route to host")
