"""A server's certificate is for another name than its line verifies."""
import tls_server

CAUSE = "backend-tls"
NOT = ["backend-bad-response"]


def make(host):
    authority = tls_server.serve(host, "app.example", "127.0.0.11:9001", "127.0.0.12:9001")
    verified = f" check ssl verify required ca-file {authority} verifyhost app.example "
    host.start(config=host.APP.replace(" check ", verified).replace("verifyhost app", "verifyhost shop", 1))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert host.stat("app", "one")["check_status"].removeprefix("* ") == "L6RSP", host.stat("app", "one")
    assert host.get("127.0.0.1:8080") == 200


def check(host, report):
    lines = [line["text"] for line in report["findings"][0]["evidence"]]
    assert any("it names app.example" in line and "not shop.example" in line for line in lines), lines
