"""HAProxy serves on a socket that whoever started it handed over, and that a check does not find."""
CAUSE = None
HAND_OVER = """
import os, socket, sys
one = socket.socket()
one.bind(("127.0.0.1", 8080))
one.listen(100)
os.dup2(one.fileno(), 7)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def make(host):
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind fd@7"), prefix=("python3", "-c", HAND_OVER))


def happened(host):
    alone = host.run(["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"], check=False)
    assert alone.returncode == 1 and "cannot use file descriptor '7'" in alone.stderr, alone
    assert host.get("127.0.0.1:8080") == 200
