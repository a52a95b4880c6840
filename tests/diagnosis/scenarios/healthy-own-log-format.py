"""Nothing is wrong, and what HAProxy logs is in a format of its own: that nothing of it was counted is told."""
import json

CAUSE = None
NOT_CHECKED = [r"^logs: \d+ of \d+ lines in /var/log/haproxy.log are in no format that is known"]


def make(host):
    host.app(host.APP.replace("frontend web", "frontend web\n    log-format \"%ci %f %b %s %ST %Ta ms %{+Q}r\""))
    for _ in range(50):
        host.get("127.0.0.1:8080")
    host.wait(lambda: host.log_text().count(" web app ") >= 50, "the requests to be logged")


def happened(host):
    assert host.logged(" web app ", " ms ") and " [" not in host.logged(" web app ", " ms ")


def check(host, _report):
    told = json.loads(host.run([host.hamedic, "logs", "--json"]).stdout)
    assert told["lines"]["unknown"] == 50 and told["all"]["requests"] == 0, told["lines"]
    assert "GET /" in told["unknown_example"], told["unknown_example"]
    assert not any("GET /" in one["example"] for one in told["messages"]), told["messages"]
