"""The frontend waits for the PROXY protocol, and is sent it; somebody who does not speak it tries now and then."""
CAUSE = None
NOT = ["proxy-protocol-mismatch"]


def make(host):
    host.app(host.APP.replace("bind 127.0.0.1:8080", "bind 127.0.0.1:8080 accept-proxy"))
    for number in range(60):
        one = host.connect("127.0.0.1:8080")[0]
        if number % 4:
            one.sendall(b"PROXY TCP4 10.0.0.9 10.0.0.8 4000 80\r\n")
        one.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        try:
            while one.recv(65536):
                pass
        except OSError:
            pass
    host.wait(lambda: host.log_text().count("PROXY protocol header") >= 15, "the log")


def happened(host):
    assert int(host.stat("app", "BACKEND")["stot"]) >= 40
