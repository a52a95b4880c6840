"""A server that the file has by its name, and one that was added at run time, are stopped; others have addresses there."""
CAUSE = "backend-refused"


def make(host):
    host.app(host.APP + "    server three three.internal:9001 init-addr 127.0.0.13 check inter 200 fall 1\n")
    answer = host.ask("experimental-mode on; add server app/four 127.0.0.14:9001 check inter 200 fall 1")
    if "New server registered" in answer:  # from 2.5 on a check, too
        host.ask("enable health app/four")
        host.ask("enable server app/four")
        host.said("Server app/four is DOWN")
    host.said("Server app/three is DOWN")


def happened(host):
    assert host.stat("app", "three")["addr"] == "127.0.0.13:9001"
    assert host.fails("127.0.0.13:9001") == "refused"
