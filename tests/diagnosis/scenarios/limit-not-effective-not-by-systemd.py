"""The unit's files give more descriptors than the running HAProxy has: systemd did not start it."""
CAUSE = None


def make(host):
    host.write("/etc/systemd/system/haproxy.service",
               "[Service]\nExecStart=/usr/sbin/haproxy -Ws -f /etc/haproxy/haproxy.cfg\nLimitNOFILE=200000\n")
    host.app(limit=1000)


def happened(host):
    assert "1000" in host.read(f"/proc/{host.worker()}/limits").split("Max open files")[1].split("\n")[0]
