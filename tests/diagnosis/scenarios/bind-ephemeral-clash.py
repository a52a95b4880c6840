"""The kernel gave a port that a frontend gets to an outgoing connection: the reload fails, and nobody listens there."""
CAUSE = "bind-ephemeral-clash"
ALSO = ["reload-failed"]
NOT = ["bind-in-use", "port-range-overlap", "config-not-loaded"]


def make(host):
    peer = host.peer()
    peer.backend(f"{peer.address}:9001")
    peer.listen(f"{peer.address}:9002")
    host.start(config=f"""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    server one {peer.address}:9001 check inter 200
""")
    one = host.socket()
    one.bind((peer.host_address, 40100))
    one.connect((peer.address, 9002))
    host.kept.append(one)
    host.change("    bind 127.0.0.1:8080\n", "    bind 127.0.0.1:8080\n    bind :40100\n")
    host.reload(works=False)


def happened(host):
    host.said_cannot_bind("0.0.0.0:40100", "Address already in use")
    assert "40100" not in host.run(["ss", "-Hltn"]).stdout


def check(host, report):
    finding = next(one for one in report["findings"] if one["cause"] == "bind-ephemeral-clash")
    assert any("ip_local_reserved_ports=40100" in one for one in finding["repair"]), finding
