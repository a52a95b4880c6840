"""The maxconn in the file needs more descriptors than there are, and a reload tried: the old worker goes on."""
CAUSE = "reload-failed"
ALSO = ["maxconn-over-budget"]


def make(host):
    host.app(limit=1000)
    host.change("    maxconn 400\n", "    maxconn 600\n")
    host.reload(works=False)


def happened(host):
    assert host.info()["Maxconn"] == "400"
    host.said("Cannot raise FD limit")


def check(_host, report):
    told = [one["text"] for one in report["findings"][0]["evidence"] if one["source"] == "journal"]
    assert any("in /var/log/haproxy.log: " in one and "Cannot raise FD limit" in one for one in told), report["findings"][0]
