"""A TLS server with a certificate of its own, for scenarios.

    tls_server.certificate(host, NAME, ends=..., others=[...])
                                                    NAME.pem (key and certificate) and NAME.crt in /run/tls; others: its
                                                    DNS names beside the subject's (else NAME again)
    tls_server.begin(host, ADDRESS, NAME)           answers 200 to each request
    tls_server.serve(host, NAME, ADDRESS...)        both; the certificate is its own authority: NAME.crt
"""
import socket
import ssl
import threading

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


AUTHORITY = """[ca]
default_ca = own
[own]
database = /run/tls/index.txt
new_certs_dir = /run/tls
serial = /run/tls/serial
default_md = sha256
policy = any
x509_extensions = names
unique_subject = no
[any]
commonName = supplied
[names]
subjectAltName = {names}
"""


def certificate(host, name, begins="20200101000000Z", ends="20990101000000Z", others=None):
    """Signed by itself: `ends` may be over."""
    path = f"/run/tls/{name}"
    host.write(f"{path}.cnf", AUTHORITY.format(names=",".join(f"DNS:{one}" for one in others or [name])))
    host.write("/run/tls/index.txt", "")
    host.write("/run/tls/serial", "01\n")
    host.run(["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{path}.key",
              "-out", f"{path}.csr"])
    host.run(["openssl", "ca", "-batch", "-config", f"{path}.cnf", "-selfsign", "-keyfile", f"{path}.key", "-in",
              f"{path}.csr", "-startdate", begins, "-enddate", ends, "-notext", "-out", f"{path}.crt"])
    host.write(f"{path}.pem", host.read(f"{path}.crt") + host.read(f"{path}.key"), mode=0o600)
    return f"{path}.crt"


def begin(host, address, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"/run/tls/{name}.pem")
    listener = host.listen(address)

    def serve(connection):
        try:
            with context.wrap_socket(connection, server_side=True) as wrapped:
                wrapped.settimeout(5)
                if wrapped.recv(65536):
                    wrapped.sendall(ANSWER)
        except (OSError, ssl.SSLError):
            connection.close()

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    assert isinstance(listener, socket.socket)


def serve(host, name, *addresses):
    authority = certificate(host, name)
    for address in addresses:
        begin(host, address, name)
    return authority
