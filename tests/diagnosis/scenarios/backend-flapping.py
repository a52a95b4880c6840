"""A server's health page fails for a moment, again and again: it is UP when somebody looks."""
CAUSE = "backend-flapping"


def make(host):
    well = [True]

    def answer(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 " + (b"200 OK" if well else b"500 Oops") +
                           b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    host.server("127.0.0.11:9001", answer)
    host.backend("127.0.0.12:9001")
    host.start(config=host.APP.replace("\nbackend app", "\nbackend app\n    option httpchk"))
    host.wait_checked()
    for _ in range(4):
        well.clear()
        host.wait(lambda: host.has_status("app", "one", "DOWN"), "it to go")
        well.append(True)
        host.wait(lambda: host.has_status("app", "one", "UP"), "it to come back")


def happened(host):
    assert host.stat("app", "one")["chkdown"] == "4" and host.has_status("app", "one", "UP")
    assert host.log_text().count("Server app/one is DOWN") >= 4


def check(_host, report):
    finding = report["findings"][0]
    assert finding["object"] == "app/one" and " 4 times " in finding["summary"], finding
    assert any("code: 500" in one["text"] for one in finding["evidence"]), finding
