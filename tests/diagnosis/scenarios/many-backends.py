"""200 backends of two servers each. Three are sick: one refuses, one is not answered, one is in maintenance."""
CAUSE = "backend-refused"
ALSO = ["backend-timeout", "backend-maintenance"]
SICK = {7: "refuses", 77: "silent", 177: "maintained"}


def make(host):
    peer = host.peer()
    peer.drops_all()
    text = "frontend web\n    bind 127.0.0.1:8080\n    use_backend %[path,field(2,/)]\n    default_backend b0\n"
    addresses = []
    for number in range(200):
        text += f"backend b{number}\n"
        for server in (1, 2):
            address = f"127.0.{server}.{number + 1}:9001"
            if server == 1 and SICK.get(number) == "refuses":
                address = address.replace(":9001", ":9009")
            elif server == 1 and SICK.get(number) == "silent":
                address = f"{peer.address}:9001"
            else:
                addresses.append(address)
            text += f"    server s{server} {address} check inter 1s fall 1 rise 1\n"
    for start in range(0, len(addresses), 30):
        host.backend(*addresses[start:start + 30])
    host.start(config=text)
    host.wait_checked()
    host.ask("set server b177/s1 state maint")
    host.wait(lambda: host.has_status("b7", "s1", "DOWN") and host.has_status("b77", "s1", "DOWN"), "the checks to fail")


def happened(host):
    down = [row for row in host.stats() if row["svname"] == "s1" and row["status"] != "UP"]
    assert sorted(row["pxname"] for row in down) == ["b177", "b7", "b77"], down
    assert host.get("127.0.0.1:8080", "/b150/") == 200


def check(_host, report):
    objects = {one["cause"]: one["object"] for one in report["findings"]}
    assert objects == {"backend-refused": "b7/s1", "backend-timeout": "b77/s1", "backend-maintenance": "b177/s1"}, objects
