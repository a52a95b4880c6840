"""All local ports towards the servers are used up by connections that last."""
CAUSE = "backend-no-ports"
NOT = ["backend-refused", "backend-unreachable", "backend-timeout"]


def make(host):
    host.sysctl("net.ipv4.ip_local_port_range", "40000 40019")
    host.server("127.0.0.11:9001")  # accepts, and says nothing
    # Clients on a socket of their own take no port of the range.
    host.start(config="""
frontend web
    mode tcp
    bind /run/web.sock
    default_backend app
backend app
    mode tcp
    option tcp-check
    server one 127.0.0.11:9001 check inter 200 fall 1
""")
    host.connect("/run/web.sock", 30)
    host.said("no free ports")


def happened(host):
    lines = host.run(["ss", "-Htan", "dst", "127.0.0.11:9001"]).stdout.splitlines()
    assert len(lines) >= 20, lines
