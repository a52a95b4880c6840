"""The configuration has a program beside the worker: it is valid with a master only, and one runs."""
CAUSE = None


def make(host):
    host.app(host.APP + """
program beside
    command sleep 1000
""")


def happened(host):
    alone = host.run(["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"], check=False)
    assert alone.returncode == 1 and "without master worker mode" in alone.stderr, alone
    assert host.get("127.0.0.1:8080") == 200
