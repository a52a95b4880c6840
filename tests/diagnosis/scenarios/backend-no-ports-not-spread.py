"""More connections than the range has ports, but to two servers: each has ports left."""
CAUSE = None


def make(host):
    host.sysctl("net.ipv4.ip_local_port_range", "40000 40039")
    for address in ("127.0.0.11:9001", "127.0.0.12:9001"):
        host.server(address)
    host.start(config="""
frontend web
    mode tcp
    bind /run/web.sock
    default_backend app
backend app
    mode tcp
    server one 127.0.0.11:9001
    server two 127.0.0.12:9001
""")
    host.connect("/run/web.sock", 50)
    host.wait(lambda: host.stat("app", "two")["scur"] == "25", "the connections")


def happened(host):
    assert host.stat("app", "one")["scur"] == host.stat("app", "two")["scur"] == "25"
    assert host.stat("app", "BACKEND")["econ"] == "0"
