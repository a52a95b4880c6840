"""A reload failed, and the master, which is asked on TCP, says so."""
from host import MASTER

CAUSE = "reload-failed"
ALSO = ["maxconn-over-budget"]


def make(host):
    host.app(limit=1000, api=("ipv4@127.0.0.1:9998,level,admin", MASTER))
    host.change("    maxconn 400\n", "    maxconn 600\n")
    host.reload(works=False)
    host.run(["rm", MASTER])  # only the one on TCP is left to be asked


def happened(host):
    assert host.info()["Maxconn"] == "400"
    host.said("Cannot raise FD limit")
    assert host.run(["ss", "-Hltn", "sport", "=", ":9998"]).stdout.count("127.0.0.1:9998") == 1


def check(_host, report):
    assert [one["state"] for one in report["sources"] if one["name"] == "master"] == ["ok"], report["sources"]
    assert any(one["source"] == "master" for one in report["findings"][0]["evidence"]), report["findings"][0]
