"""Servers that only a SOCKS proxy, or another network namespace, can connect to; at their address here nobody listens."""
import os
import socket
import struct
import threading

CAUSE = None


def make(host):
    def relay(connection):
        version, command, port = struct.unpack("!BBH", connection.recv(4))
        assert (version, command, port) == (4, 1, 9001)
        assert socket.inet_ntoa(connection.recv(4)) == "127.0.0.11"
        while connection.recv(1) != b"\0":
            pass
        connection.sendall(b"\0\x5a" + bytes(6))
        with socket.create_connection(("127.0.0.12", 9001)) as onward:
            threading.Thread(target=copy, args=(onward, connection), daemon=True).start()
            copy(connection, onward)

    def copy(source, sink):
        while part := source.recv(65536):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)

    host.backend("127.0.0.12:9001")
    host.server("127.0.0.50:1080", relay)
    for name in ("front", "back"):
        host.run(["ip", "netns", "add", name])
        host.run(["ip", "-n", name, "link", "set", "lo", "up"])
    host.kept.append(host.begin(["ip", "netns", "exec", "back", os.path.join(host.programs, "backend"),
                                 "127.0.0.11:9001=0"]))
    host.listen("127.0.0.1:8089")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    bind 127.0.0.1:8089 namespace front
    use_backend there if { path /there }
    default_backend app
backend app
    server one 127.0.0.11:9001 socks4 127.0.0.50:1080 check check-via-socks4 inter 200
    server two 127.0.0.11:9001 socks4 127.0.0.50:1080
backend there
    server one 127.0.0.11:9001 namespace back check inter 200 rise 1
    server two 127.0.0.11:9001 namespace back
""")
    for name in ("app", "there"):
        host.wait(lambda name=name: host.has_status(name, "one", "UP") and
                  host.stat(name, "one")["check_status"] == "L4OK", "the checks")
    for path in ("/", "/", "/there", "/there"):
        host.wait(lambda path=path: host.get("127.0.0.1:8080", path) == 200, "HAProxy to serve")


def happened(host):
    assert host.fails("127.0.0.11:9001") == "refused"
    assert host.get("127.0.0.1:8080") == 200
    assert "127.0.0.1:8089" in host.run(["ip", "netns", "exec", "front", "ss", "-Hltn"]).stdout
