"""The configuration has a program beside the worker: it is valid with a master only, and one runs."""
CAUSE = None


def make(host):
    version = tuple(int(one) for one in host.run(["haproxy", "-v"]).stdout.split("version ")[1].split(".")[:2])
    host.app(host.APP + """
program beside
    command sleep 1000
""", globals="    expose-deprecated-directives\n" if version >= (3, 1) else "")


def happened(host):
    alone = host.run(["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"], check=False)
    assert alone.returncode == 1 and "master" in alone.stderr, alone
    assert host.get("127.0.0.1:8080") == 200
