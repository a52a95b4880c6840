"""A service was restarted twice, and is well; a client asks for pages that read like HAProxy's words of more."""
CAUSE = None


def make(host):
    one = host.backend("127.0.0.11:9001")
    host.backend("127.0.0.12:9001")
    host.start(config=host.APP)
    host.wait_checked()
    for _ in range(2):
        one.terminate()
        one.wait()
        host.wait(lambda: host.has_status("app", "one", "DOWN"), "it to go")
        one = host.backend("127.0.0.11:9001")
        host.wait(lambda: host.has_status("app", "one", "UP"), "it to come back")
    for _ in range(10):
        host.get("127.0.0.1:8080", "/?Server%20app/one%20is%20DOWN,%20reason:%20Layer4%20timeout")


def happened(host):
    assert host.stat("app", "one")["chkdown"] == "2" and host.has_status("app", "one", "UP")
