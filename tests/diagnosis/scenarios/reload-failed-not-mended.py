"""A reload failed; the file was mended, and the next reload worked."""
CAUSE = None


def make(host):
    host.app(limit=1000)
    host.change("    maxconn 400\n", "    maxconn 600\n")
    host.reload(works=False)
    host.change("    maxconn 600\n", "    maxconn 410\n")
    host.reload()
    host.wait_checked()


def happened(host):
    host.said("Cannot raise FD limit")
    assert host.info()["Maxconn"] == "410"
