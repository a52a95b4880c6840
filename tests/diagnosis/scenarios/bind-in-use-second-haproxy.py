"""Another HAProxy, left over from somebody's test, has the port that a frontend gets."""
CAUSE = "bind-in-use"
ALSO = ["reload-failed"]
NOT = ["old-workers"]

OTHER = """
global
    maxconn 100
    noreuseport
defaults
    mode tcp
    timeout connect 1s
    timeout client 10s
    timeout server 10s
listen test
    bind 127.0.0.1:8090
    server one 127.0.0.11:9001
"""


def make(host):
    host.backend("127.0.0.11:9001")
    host.write("/etc/haproxy-test/test.cfg", OTHER)
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200
""")
    # Started so that it is not taken for the one of this host.
    host.write("/etc/hamedic/hamedic.conf", 'pid_file = "/run/haproxy.pid"\n')
    host.other = host.begin(["haproxy", "-f", "/etc/haproxy-test/test.cfg"])
    host.wait(lambda: host.get("127.0.0.1:8090") == 200, "the other HAProxy")
    host.change("    bind 127.0.0.1:8080\n", "    bind 127.0.0.1:8080\n    bind 127.0.0.1:8090\n")
    host.reload(works=False)


def happened(host):
    host.said_cannot_bind("127.0.0.1:8090", "Address already in use")


def check(host, report):
    finding = next(one for one in report["findings"] if one["cause"] == "bind-in-use")
    assert "another HAProxy" in finding["summary"], finding
    assert any(f"pid {host.other.pid}" in one["text"] for one in finding["evidence"]), finding
