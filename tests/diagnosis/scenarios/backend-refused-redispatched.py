"""No server has a check, and one refuses: its requests all go to the other one, and nobody but HAProxy notices."""
CAUSE = "backend-refused"
NOT = ["server-queue"]


def make(host):
    host.app("""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    option redispatch 1
    server one 127.0.0.11:9009
    server two 127.0.0.12:9001
""")
    for _ in range(10):
        assert host.get("127.0.0.1:8080") == 200


def happened(host):
    row = host.stat("app", "one")
    assert row["status"] == "no check" and row["econ"] == "0" and int(row["wredis"]) > 0, row
