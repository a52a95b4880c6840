"""A service answers its check at once, but not what the rules wait for: HAProxy waits on until the check's time is up."""
CAUSE = "backend-slow-check"


def make(host):
    def refuse(connection):
        while connection.recv(100):
            connection.sendall(b"-NOAUTH Authentication required.\r\n")

    host.server("127.0.0.11:6379", refuse)
    host.start(config="""
listen cache
    mode tcp
    option tcplog
    option tcp-check
    tcp-check send PING\\r\\n
    tcp-check expect string +PONG
    bind 127.0.0.1:6379
    server one 127.0.0.11:6379 check inter 300 fall 1
""")
    host.said("Server cache/one is DOWN")


def happened(host):
    assert "Layer7 timeout" in host.messages()


def check(_host, report):
    found = report["findings"][0]
    assert "do not answer as expected" in found["summary"], found["summary"]
    assert any("or something else than what they expect" in one for one in found["advice"]), found["advice"]
