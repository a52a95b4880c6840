#!/usr/bin/env python3
"""Inside a throw-away host (tests/host/enter.sh): real HAProxy and kernel settings, and hamedic killed on them.

    host.py SOCKET BUILD     a line of JSON in, a line of JSON out, until the other end is closed

{"trace": SCENARIO} gives its calls, {"attempt": CASE} what was not survived, or null.
CASE: SCENARIO:WORD+N, killed before the N-th call after the record WORD of the journal (BEGIN: from the start).
"""
import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import driver  # noqa: E402
import tree  # noqa: E402
from driver import Failed  # noqa: E402

CONFIG, PIDFILE, API = "/etc/haproxy/haproxy.cfg", "/run/haproxy.pid", "/run/haproxy/admin.sock"
OWN = ("/var/lib/hamedic", "/run/hamedic")
SYSCTLS = {"net.core.somaxconn": "4096", "net.ipv4.tcp_max_syn_backlog": "2048"}
TELLS = ("sendto", "sendmsg", "connect", "kill", "pidfd_send_signal", "prlimit64")  # HAProxy, what no file shows
CALM = 60  # seconds that HAProxy has for what it was told

HAPROXY_CFG = """global
    nbthread 1
    maxconn 400
    stats socket /run/haproxy/admin.sock mode 600 level admin

defaults
    mode tcp
    timeout connect 1s
    timeout client 5s
    timeout server 5s

frontend web
    bind 127.0.0.1:8080
    maxconn 50
    default_backend app

backend app
    server a1 127.0.0.1:9001 maxconn 10
"""
KERNEL = ("sysctl.dropin:net.core.somaxconn=8192", "sysctl.dropin:net.ipv4.tcp_max_syn_backlog=4096")
PLANS = {  # a reload also gives HAProxy what the Runtime API would have; so there is a plan without one
    "reload": KERNEL + ("haproxy.maxconn:server/app/a1=20", "haproxy.maxconn:frontend/web=80"),
    "quiet": KERNEL + ("haproxy.maxconn:server/app/a1=20", "haproxy.maxconn:global=300"),
}


def answer_clients():
    """The server behind HAProxy."""
    listener = socket.create_server(("127.0.0.1", 9001), backlog=64)

    def serve():
        while True:
            with listener.accept()[0] as one:
                try:
                    one.sendall(b"here\n")
                except OSError:  # hamedic looks whether it can be reached, and says nothing
                    pass
    threading.Thread(target=serve, daemon=True).start()


def sysctl_path(name):
    return "/proc/sys/" + name.replace(".", "/")


def ask(command):
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(5)
        one.connect(API)
        one.sendall(command.encode() + b"\n")
        return b"".join(iter(lambda: one.recv(65536), b"")).decode()


def haproxies():
    """{pid: parent}"""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                name, _, rest = file.read().partition(" (")[2].rpartition(") ")
        except OSError:
            continue
        state, parent = rest.split()[:2]
        if name == "haproxy" and state != "Z":
            found[int(pid)] = int(parent)
    return found


class Live:
    def __init__(self, build):
        self.hamedic = os.path.join(build, "hamedic")
        self.driver = driver.Driver(os.path.join(build, "tests", "host", "inject"), "/root")
        self.etc = tree.Tree("/etc")
        self.master = None
        self.failed = False
        os.makedirs("/etc/haproxy", exist_ok=True)
        os.makedirs("/run/haproxy", exist_ok=True)
        for name in os.listdir("/etc/sysctl.d"):
            os.unlink(os.path.join("/etc/sysctl.d", name))
        with open("/etc/sysctl.d/50-site.conf", "w", encoding="ascii") as file:
            file.writelines(f"{name} = {value}\n" for name, value in SYSCTLS.items())
        with open(CONFIG, "w", encoding="ascii") as file:
            file.write(HAPROXY_CFG)
        self.must("keygen")
        self.must("keygen", "-o", "/root/ops", "-W")
        os.makedirs("/etc/hamedic/operators")
        shutil.copy("/root/ops.pub", "/etc/hamedic/operators/ops.pub")
        answer_clients()
        self.set_kernel()
        self.begin_haproxy()
        self.must("recover")
        self.before, self.after, self.own = {}, {}, {}
        for plan, wishes in PLANS.items():
            self.learn(plan, wishes)

    # ---- the host ----

    def set_kernel(self):
        for name, value in SYSCTLS.items():
            with open(sysctl_path(name), "w", encoding="ascii") as file:
                file.write(value)

    def begin_haproxy(self):
        with open("/run/haproxy.log", "ab") as log:
            self.master = subprocess.Popen(["haproxy", "-W", "-f", CONFIG, "-p", PIDFILE], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log)
        self.wait_until(self.is_calm, "HAProxy did not start")

    def is_calm(self):
        """A master that waits, its one worker, and that one answers."""
        found = haproxies()
        workers = [pid for pid, parent in found.items() if parent == self.master.pid]
        try:
            with open(f"/proc/{self.master.pid}/environ", "rb") as file:
                waits = b"HAPROXY_PROCESSES" in file.read()
            return waits and len(found) == 2 and len(workers) == 1 and f"\nPid: {workers[0]}\n" in ask("show info")
        except OSError:
            return False

    def wait_until(self, condition, words):
        end = time.monotonic() + CALM
        while not condition():
            if time.monotonic() > end:
                raise Failed(f"{words}: processes {haproxies()}")
            time.sleep(0.02)

    def put_back(self, plan):
        """The start of all points, without hamedic's help."""
        for pid in haproxies():
            os.kill(pid, signal.SIGKILL)
        self.master.wait()
        self.wait_until(lambda: not haproxies(), "HAProxy does not end")
        self.etc.reset(self.before[plan][0])
        self.set_kernel()
        self.begin_haproxy()

    def files(self):
        return dict(self.etc.scan())

    def running(self):
        info = dict(line.split(": ", 1) for line in ask("show info").splitlines() if ": " in line)
        values = {"global": info["Maxconn"]}
        for row in csv.reader(ask("show stat").splitlines()[1:]):
            if row and row[1] != "BACKEND":
                values["/".join(row[:2])] = row[6]
        for name in SYSCTLS:
            with open(sysctl_path(name), encoding="ascii") as file:
                values[name] = file.read().strip()
        with socket.create_connection(("127.0.0.1", 8080), timeout=5) as client:
            if client.recv(100) != b"here\n":
                raise Failed("HAProxy serves no client")
        return values

    # ---- hamedic ----

    def run(self, *arguments):
        return subprocess.run([self.hamedic, *arguments], env=driver.ENVIRONMENT, stdin=subprocess.DEVNULL,
                              capture_output=True, check=False, text=True, timeout=120)

    def must(self, *arguments):
        done = self.run(*arguments)
        if done.returncode != 0:
            raise Failed(f"hamedic {' '.join(arguments)}: exit status {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def plan_file(self, plan):
        return f"/root/{plan}.plan"

    def command(self, scenario):
        plan, _, verb = scenario.partition("-")
        return [self.hamedic, verb] + ([self.plan_file(plan)] if verb == "apply" else [])

    def learn(self, plan, wishes):
        """How the host stands before and after, and hamedic's own folders at both times."""
        sets = [word for wish in wishes for word in ("--set", wish)]
        self.must("plan", "-o", self.plan_file(plan), *sets)
        self.must("approve", self.plan_file(plan), "-k", "/root/ops.key")
        self.own[plan] = [tree.load(folder) for folder in OWN]
        self.before[plan] = self.files(), self.running(), ()
        self.must("apply", self.plan_file(plan))
        self.wait_until(self.is_calm, "not calm after apply")
        files = self.files()
        changed = {name for name in files.keys() | self.before[plan][0].keys()
                   if files.get(name) != self.before[plan][0].get(name)}
        self.after[plan] = files, self.running(), changed
        if len(changed) < 2 or len(set(self.after[plan][1].items()) - set(self.before[plan][1].items())) != 4:
            raise Failed(f"the plan '{plan}' does not change what it should: {self.after[plan][1]}")
        self.must("rollback")
        self.clear(plan)

    def clear(self, plan):
        for folder, image in zip(OWN, self.own[plan]):
            tree.Tree(folder).reset(image)

    def ready(self, scenario):
        """The start of that scenario, whatever the last point left. What hamedic must do for it, it must do well."""
        plan, _, verb = scenario.partition("-")
        if self.failed:
            self.put_back(plan)
            self.failed = False
        self.clear(plan)
        side, words = self.side(plan)
        if side != "before":
            raise RuntimeError(f"the host was not brought back: {words}")
        if verb == "rollback":
            self.must("apply", self.plan_file(plan))
            self.wait_until(self.is_calm, "not calm after apply")

    def trace(self, scenario):
        self.ready(scenario)
        report, calls = self.driver.trace(self.command(scenario))
        if report.ended != "exit" or report.status != 0:
            raise Failed(f"{scenario} does not work at all: {report.words()}")
        if scenario.endswith("apply"):
            self.must("rollback")
        return [[call.n, call.changes(), driver.call_name(call.number) in TELLS,
                 call.detail if call.kind == "write" and call.path.endswith("/journal") else ""] for call in calls]

    # ---- judging ----

    def side(self, plan):
        self.wait_until(self.is_calm, "there is not one HAProxy that serves")
        files, running = self.files(), self.running()
        words = []
        for name, (wanted, values, untimed) in (("before", self.before[plan]), ("after", self.after[plan])):
            seen, known = ({path: entry._replace(mtime=None) if path in untimed else entry
                            for path, entry in side.items()} for side in (files, wanted))
            if seen == known and running == values:
                return name, ""
            words.append(f"compared with {name}: " + "; ".join(tree.differences(known, seen)) + " " + ", ".join(
                f"{key} runs with {running.get(key)!r}" for key in values if running.get(key) != values[key]))
        return "mixed", "\n    ".join(words)

    def state(self, plan):
        with open(self.plan_file(plan), encoding="ascii") as file:
            wanted = json.load(file)["id"]
        known = json.loads(self.must("history", "--json"))["transactions"]
        return ([one["state"] for one in known if one["plan"] == wanted] or ["none"])[-1]

    def settle(self, plan):
        said = self.must("recover")
        side, words = self.side(plan)
        if side == "mixed":
            raise Failed(f"the host is neither before nor after\n    {words}\n    recover said: {said}")
        state = self.state(plan)
        if state not in {"before": ("rolled back", "none"), "after": ("applied",)}[side]:
            raise Failed(f"the host is {side}, but the journal says '{state}'")
        if "No transaction was interrupted." not in self.must("recover"):
            raise Failed("recover again finds something")
        if side == "after":
            self.must("rollback")
            side, words = self.side(plan)
            if side != "before":
                raise Failed(f"taken back after that, the host is not as before\n    {words}")

    def kill(self, scenario, word, at):
        """What comes after a wait of some length is counted from a record of the journal on."""
        fault = driver.kill(at) + (() if word == "BEGIN" else ("-a", f" {word} "))
        report = self.driver.run(self.command(scenario), fault)
        if report.ended == "exit" and report.fired == 0:  # the wait was shorter
            return None
        if report.fired != 1 or report.ended != "signal" or report.status != 9:
            raise Failed(f"it was not killed there: {report.words()}")
        return report

    def attempt(self, case):
        scenario, _, where = case.partition(":")
        word, _, at = where.partition("+")
        try:
            self.ready(scenario)
            report = self.kill(scenario, word, int(at))
            for earlier in (10, 30, 100):
                if report is None:
                    if scenario.endswith("apply"):
                        self.must("rollback")
                    self.ready(scenario)
                    report = self.kill(scenario, word, max(1, int(at) - earlier))
            if report is None:
                raise Failed("it was never killed there")
            try:
                self.settle(scenario.partition("-")[0])
            except Failed as failure:
                raise Failed(f"killed at {report.point()}: {failure}") from failure
        except (Failed, OSError, subprocess.TimeoutExpired, RuntimeError) as failure:
            self.failed = True
            return f"{type(failure).__name__}: {failure}"
        return None


def main():
    with socket.socket(fileno=int(sys.argv[1])) as end, end.makefile("rw", encoding="utf-8") as line:
        live = None
        for asked in map(json.loads, line):
            try:
                live = live or Live(sys.argv[2])
                answer = live.trace(asked["trace"]) if "trace" in asked else live.attempt(asked["attempt"])
            except (Failed, OSError, RuntimeError) as failure:
                answer = {"error": f"{type(failure).__name__}: {failure}"}
            line.write(json.dumps(answer) + "\n")
            line.flush()
        for pid in haproxies():
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
