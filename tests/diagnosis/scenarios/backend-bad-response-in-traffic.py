"""A server answers its check well, and clients' requests with bytes that are no HTTP."""
CAUSE = "backend-bad-response"
NOT = ["backend-aborts", "backend-http-status"]
GARBAGE = b"220 mail ready\x1b[2J\x1b]0;owned\x07\r\n\x00\xff$(reboot)`id`\r\n"


def answer(connection):
    asked = connection.recv(65536)
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" if asked.startswith(b"OPTIONS") else GARBAGE)


def make(host):
    host.backend("127.0.0.12:9001")
    host.server("127.0.0.11:9001", answer)
    host.start(config=host.APP.replace("\nbackend app", "\nbackend app\n    option httpchk"))
    host.wait_checked()
    assert [host.get("127.0.0.1:8080") for _ in range(60)].count(502) == 30
    host.wait(lambda: host.log_text().count(" PH-- ") >= 30, "the log")


def happened(host):
    assert host.has_status("app", "one", "UP")
    assert int(host.stat("app", "one")["eresp"]) >= 30


def check(_host, report):
    finding = report["findings"][0]
    told = [one["text"] for one in finding["evidence"] if one["source"] == "errors"]
    assert len(told) == 1 and "an answer of app/one to a client" in told[0] and "at byte 4 of 47" in told[0], finding
    assert "\x1b" not in str(report) and "owned" not in str(report), report
