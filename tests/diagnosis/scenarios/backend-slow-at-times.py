"""One answer in twelve of a server is late: its average is that of a quick one, nearly."""
import itertools
import re
import time

CAUSE = "backend-slow"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def make(host):
    host.backend("127.0.0.11:9001")
    turn = itertools.count()

    def answer(connection):
        if b" " in connection.recv(65536):
            if next(turn) % 12 == 0:
                time.sleep(0.8)
            connection.sendall(ANSWER)

    host.server("127.0.0.12:9001", answer)
    host.start(config=host.APP)
    host.wait_checked()
    host.load("127.0.0.1:8080", clients=60, pause=20)
    host.wait(lambda: int(host.stat("app", "two")["rtime"]) > 25, "the average to rise")

    def is_told():
        times = [int(one) for one in re.findall(r"app/two \d+/\d+/\d+/(\d+)/", host.log_text())]
        return len(times) > 200 and sum(one > 500 for one in times) > len(times) / 15

    host.wait(is_told, "the log")


def happened(host):
    def later():
        quick, slow = (int(host.stat("app", name)["rtime"]) for name in ("one", "two"))
        return slow - quick

    host.wait(lambda: later() < 200, "averages that are nearly alike")  # a busy machine is late by itself at times


def check(_host, report):
    finding = report["findings"][0]
    assert finding["object"] == "app/two" and "one answer in 20" in finding["summary"], finding
    assert any(one["source"] == "logs" and "Tr: half of" in one["text"] for one in finding["evidence"]), finding
