"""The largest maxconn for which there are file descriptors, to the last one."""
import re

CAUSE = None
LIMIT = 1000


def make(host):
    host.backend("127.0.0.11:9001", "127.0.0.12:9001")
    host.config(host.APP, maxconn=LIMIT)
    host.start(limit=LIMIT, works=False)
    host.said("Cannot raise FD limit to ")
    needed = int(re.search(r"FD limit to (\d+)", host.messages()).group(1))
    host.most = LIMIT - (needed - LIMIT + 1) // 2
    host.config(host.APP, maxconn=host.most)
    host.start(limit=LIMIT)
    host.wait_checked()


def happened(host):
    assert host.info()["Maxconn"] == str(host.most)
    assert LIMIT - int(host.info()["Maxsock"]) < 2, host.info()["Maxsock"]
