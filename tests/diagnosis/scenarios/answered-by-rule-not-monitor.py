"""HAProxy's own monitor fails because its servers are gone: that is the cause, and the monitor only says so."""
CAUSE = "backend-refused"
NOT = ["answered-by-rule"]


def make(host):
    host.start(config=host.APP.replace("    default_backend app", "    default_backend app\n    monitor-uri /up\n"
                                       "    monitor fail if { nbsrv(app) lt 1 }"))
    host.wait(lambda: host.has_status("app", "BACKEND", "DOWN"), "the checks to fail")


def happened(host):
    assert host.get("127.0.0.1:8080", "/up") == 503


def check(_host, report):
    assert any("monitor of web" in one for one in report["findings"][0]["consequences"]), report["findings"][0]
