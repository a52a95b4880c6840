"""A frontend takes five sessions a second, and more come."""
CAUSE = "rate-limited"
NOT = ["frontend-maxconn", "global-maxconn"]


def make(host):
    host.backend("127.0.0.11:9001")
    host.start(config="""
frontend web
    bind 127.0.0.1:8080
    rate-limit sessions 5
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200
""")
    host.load("127.0.0.1:8080", clients=60, pause=0)
    host.wait(lambda: int(host.stat("web", "FRONTEND")["rate"]) >= 5, "the rate")


def happened(host):
    assert int(host.stat("web", "FRONTEND")["rate_lim"]) == 5
    host.wait(lambda: any(int(line.split()[1]) > 0 for line in
                          host.run(["ss", "-Hltn", "sport", "=", ":8080"]).stdout.splitlines()), "clients that wait")
