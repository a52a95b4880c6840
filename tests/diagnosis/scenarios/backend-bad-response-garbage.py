"""A server answers its check with bytes that are no HTTP: terminal controls and a shell's words among them."""
CAUSE = "backend-bad-response"
ANSWER = b"220 mail ready\x1b[2J\x1b]0;owned\x07\r\n\x00\xff$(reboot)`id`\r\n"


def make(host):
    host.backend("127.0.0.12:9001")
    host.server("127.0.0.11:9001", ANSWER)
    host.start(config=host.APP.replace("\nbackend app", "\nbackend app\n    option httpchk"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    assert host.stat("app", "one")["check_status"].removeprefix("* ") in ("L7RSP", "L7TOUT", "SOCKERR"), \
        host.stat("app", "one")


def check(_host, report):
    assert "\x1b" not in str(report) and "\\x1b" not in str(report).replace("\\\\x1b", ""), report
    assert any(one["source"] == "errors" and "an answer of app/one to the check" in one["text"]
               for one in report["findings"][0]["evidence"]), report
    assert "owned" not in str([one for one in report["findings"][0]["evidence"] if one["source"] == "errors"])
