"""The network of a server has no route: its checks fail, too, but nothing refused them."""
CAUSE = "backend-unreachable"
NOT = ["backend-refused", "backend-timeout"]


def make(host):
    peer = host.peer()
    host.run(["ip", "route", "add", "unreachable", "10.99.0.0/16"])
    peer.backend(f"{peer.address}:9001")
    host.start(config=f"""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    server one 10.99.0.5:9001 check inter 200 fall 1
    server two {peer.address}:9001 check inter 200 fall 1
""")
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert "oute to host" in host.stat("app", "one")["last_chk"], host.stat("app", "one")
    assert host.get("127.0.0.1:8080") == 200
