"""The same, and this host holds the address: its clients are served."""
CAUSE = None
NOT = ["vip-elsewhere"]


def make(host):
    host.peer()
    host.run(["ip", "address", "add", "10.77.1.50/24", "dev", "wire1"])
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind 10.77.1.50:8080 transparent"))
    host.arguments += ["--target", "10.77.1.50:8080"]


def happened(host):
    assert host.get("10.77.1.50:8080") == 200
