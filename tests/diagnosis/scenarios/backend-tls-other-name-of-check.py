"""A check sends a name that is not the certificate's: what `verifyhost` says does not count then."""
import tls_server

CAUSE = "backend-tls"
NOT = ["backend-bad-response"]


def make(host):
    authority = tls_server.serve(host, "app.example", "127.0.0.11:9001", "127.0.0.12:9001")
    verified = f" check ssl verify required ca-file {authority} verifyhost app.example sni str(app.example) "
    host.start(config=host.APP.replace(" check ", verified + "check-sni shop.example ", 1).replace(" check inter", verified + "inter")
               .replace("\nbackend app", "\nbackend app\n    option httpchk"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert host.stat("app", "one")["check_status"].removeprefix("* ") == "L6RSP", host.stat("app", "one")
    assert host.get("127.0.0.1:8080") == 200


def check(host, report):
    finding = report["findings"][0]
    assert any("not shop.example" in line["text"] for line in finding["evidence"]), finding
    assert any("let `check-sni` name" in line for line in finding["advice"]), finding
