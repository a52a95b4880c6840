"""HAProxy is started as a user, on port 80, which anybody may bind on this host."""
CAUSE = None
NOT = ["bind-privilege"]


def make(host):
    host.sysctl("net.ipv4.ip_unprivileged_port_start", "80")
    host.write("/etc/sysctl.d/99-ports.conf", "net.ipv4.ip_unprivileged_port_start = 80\n")
    host.backend("127.0.0.11:9001")
    host.run(["chown", "65534", "/run", "/run/haproxy"])
    host.start(prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], config="""
frontend web
    bind 127.0.0.1:80
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200
""")


def happened(host):
    assert host.get("127.0.0.1:80") == 200
    assert host.read(f"/proc/{host.master.pid}/status").split("Uid:\t")[1].startswith("65534")
