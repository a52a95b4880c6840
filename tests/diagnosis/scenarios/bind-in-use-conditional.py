"""A bind line inside .if counts here, and another service has its port: the reload fails."""
CAUSE = "bind-in-use"
ALSO = ["reload-failed"]


def make(host):
    host.app()
    host.listen("127.0.0.1:8443")
    host.change("    bind 127.0.0.1:8080\n", """    bind 127.0.0.1:8080
.if !defined(NO_SECOND)
    bind 127.0.0.1:8443
.endif
""")
    host.reload(works=False)


def happened(host):
    host.said_cannot_bind("127.0.0.1:8443", "Address already in use")
