"""A server on a UNIX socket that is there only for HAProxy, which lives in a chroot with links of its own: it serves."""
import os

CAUSE = None
NOT = ["backend-refused"]


def make(host):
    for folder in ("/srv/jail/run", "/srv/jail/var"):
        os.makedirs(folder, exist_ok=True)
    os.symlink("/run", "/srv/jail/var/run")
    host.config("""
frontend web
    bind 127.0.0.1:8080
    default_backend app
frontend service
    bind unix@/srv/jail/run/app.sock mode 666
    http-request return status 200
backend app
    server one unix@/var/run/app.sock
""", globals="    chroot /srv/jail\n")
    host.start()
    for _ in range(5):
        assert host.get("127.0.0.1:8080") == 200


def happened(host):
    assert os.path.exists("/srv/jail/run/app.sock") and not os.path.exists("/var/run/app.sock")
    assert int(host.stat("app", "one")["hrsp_2xx"]) >= 5
