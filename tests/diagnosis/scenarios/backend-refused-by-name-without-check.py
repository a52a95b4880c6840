"""Servers that the file has by a name, or not at all, that nobody checks, and that refuse: for HTTP, and for TCP."""
CAUSE = "backend-refused"


def make(host):
    host.backend("127.0.0.12:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    retries 0
    server one one.internal:9001 init-addr 127.0.0.11
    server two two.internal:9001 init-addr 127.0.0.12
listen db
    mode tcp
    bind 127.0.0.1:8081
    retries 0
    server three three.internal:9001 init-addr 127.0.0.13
    server four four.internal:9001 init-addr 127.0.0.12
""")
    answer = host.ask("experimental-mode on; add server db/five 127.0.0.14:9001")
    host.has_added = "New server registered" in answer  # from 2.4 on
    if host.has_added:
        host.ask("enable server db/five")
    for _ in range(6):
        host.get("127.0.0.1:8080")
        host.get("127.0.0.1:8081")


def happened(host):
    assert int(host.stat("app", "one")["econ"]) > 0 and int(host.stat("db", "three")["econ"]) > 0
    assert host.stat("app", "two")["econ"] == "0" and host.stat("db", "four")["econ"] == "0"
    assert not host.has_added or int(host.stat("db", "five")["econ"]) > 0


def check(host, report):
    refused = {"127.0.0.11:9001": "app/one", "127.0.0.13:9001": "db" if host.has_added else "db/three"}
    if host.has_added:
        refused["127.0.0.14:9001"] = "db"
    found = {one["object"]: [line["text"] for line in one["evidence"]] for one in report["findings"]}
    assert sorted(found) == sorted(set(refused.values())), sorted(found)
    for address, name in refused.items():
        assert any(f"{address} refused the connection" in text for text in found[name]), found[name]
