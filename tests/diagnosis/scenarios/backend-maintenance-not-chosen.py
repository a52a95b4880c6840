"""A server has weight 0 because only a rule of its own sends requests there (use-server)."""
CAUSE = None


def make(host):
    host.app(host.APP.replace("rise 1\n    server two", "rise 1 weight 0\n    server two") +
             "    use-server one if { path_beg /one }\n")
    host.wait(lambda: host.get("127.0.0.1:8080", "/one") == 200, "the rule to choose it")


def happened(host):
    assert host.stat("app", "one")["weight"] == "0"
    assert int(host.stat("app", "one")["stot"]) > 0
