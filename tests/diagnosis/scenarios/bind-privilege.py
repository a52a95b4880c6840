"""HAProxy is started as a user, and a frontend gets port 80."""
CAUSE = "bind-privilege"
ALSO = ["reload-failed"]
NOT = ["bind-selinux", "bind-in-use", "config-not-loaded"]


AS_USER = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.run(["chown", "65534", "/run", "/run/haproxy"])
    host.start(prefix=AS_USER, config="""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200
""")
    host.change("    bind 127.0.0.1:8080\n", "    bind 127.0.0.1:8080\n    bind 127.0.0.1:80\n")
    host.reload(works=False)


def happened(host):
    host.said_cannot_bind("127.0.0.1:80", "Permission denied")
    assert host.get("127.0.0.1:8080") == 200
