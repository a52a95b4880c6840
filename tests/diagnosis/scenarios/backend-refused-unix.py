"""Servers on UNIX sockets: one that nobody has made, and an abstract one that nobody listens on."""
CAUSE = "backend-refused"
NOT = ["backend-bad-response", "backend-selinux"]


def make(host):
    host.app(host.APP + """
    server three /run/app.sock check inter 200 fall 1
    server four abns@app check inter 200 fall 1
""")
    host.said("Server app/three is DOWN")
    host.said("Server app/four is DOWN")


def happened(host):
    assert "General socket error (No such file or directory)" in host.messages()
    assert "General socket error (Connection refused)" in host.messages()


def check(_host, report):
    advice = report["findings"][0]["advice"]
    assert any("UNIX socket /run/app.sock" in one for one in advice), advice
