"""On a throw-away host: a file does not open, and who looks at it is not waited for.

    hanging_sources.py HAMEDIC

Each command runs under strace, which lets one file's openat2() hang for longer than any source has time. Before that is
over diagnose must have told which source hangs, and tell of all others what it tells without that; plan and apply must
have said why they do nothing. All of them hang at once, since they mostly wait.
"""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "diagnosis"))
import host as throwaway  # noqa: E402

HANGS = 45  # seconds; what opens /etc/sysctl.d has 15
TIMEOUT = 120
ROUNDS = 5  # of --watch, which could wait for three of them before that
LATE = "not available because it took longer than 15 s"
# What nobody can tell without the configuration.
OF_CONFIG = {"config", "probe", "answer", "ports"}
FAILURES = []


def fail(text):
    FAILURES.append(text)
    print(f"hanging_sources: {text}", file=sys.stderr, flush=True)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return [int(one) for one in file.read().split()]


class Run:
    """A command for which `path` does not open."""

    def __init__(self, name, path, *command, calls="openat2"):
        self.name, self.path, self.calls = name, path, calls
        self.trace = f"/run/{name.replace(' ', '-')}.trace"
        self.begin = time.monotonic()
        self.process = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", self.trace, "-P", path, "-e", f"trace={calls}", "-e", "signal=none",
             "-e", f"inject={calls}:delay_enter={HANGS}s", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.end_after(TIMEOUT)

    def end_after(self, seconds):
        timer = threading.Timer(seconds, self.kill)
        timer.daemon = True
        timer.start()

    def kill(self):
        """strace alone would let go of what it traces."""
        if self.process.poll() is None:
            for pid in children(self.process.pid):
                os.kill(pid, signal.SIGKILL)
            self.process.kill()

    def read(self):
        """In threads, as soon as it says something."""
        self.said = {}

        def take(name, stream):
            self.said[name] = stream.read().decode()
            self.said[name + " after"] = time.monotonic() - self.begin

        self.readers = [threading.Thread(target=take, args=one)
                        for one in (("output", self.process.stdout), ("errors", self.process.stderr))]
        for reader in self.readers:
            reader.start()
        return self

    def end(self):
        """What it said, and how it ended. strace keeps a process until the delay is over: what counts is when standard
        output was closed, which is the last thing it does."""
        for reader in self.readers:
            reader.join()
        self.process.wait()
        seconds = self.said["output after"]
        with open(self.trace, encoding="utf-8") as file:
            trace = file.read()
        # Called, and ended with its process before it came back.
        # Of calls with a descriptor strace itself looks whether it is this file's.
        named = f'"{self.path}"' in trace or self.calls == "pread64"
        if not named or not re.search(r"(openat2 resumed>|, 24)\) += \?|pread64\(\d+,  <unfinished", trace):
            fail(f"{self.name}: nothing hung, nothing was tested: {trace}")
        if seconds >= HANGS:
            fail(f"{self.name}: it waited for what hangs: {seconds:.1f} s")
        print(f"{self.name}: {seconds:.1f} s, status {self.process.returncode}", flush=True)
        return self.said["output"], self.said["errors"], self.process.returncode


def judge_diagnosis(run, usual, late, without, proven):
    output, errors, status = run.end()
    if status not in (0, 2):
        fail(f"{run.name}: diagnose ended with {status}: {errors}")
        return
    report = json.loads(output)
    states = {one["name"]: one["state"] for one in report["sources"]}
    told = [line for line in report["not_checked"] if LATE in line]
    if sorted(line.split(":")[0] for line in told) != sorted(late):
        fail(f"{run.name}: it says of {told} that they hang, not of {late}")
    for source, state in usual["states"].items():
        if source in late and states[source] != "failed":
            fail(f"{run.name}: source '{source}' is {states[source]}")
        if state == "ok" and states[source] != "ok" and source not in late and source not in without:
            fail(f"{run.name}: it took source '{source}' with it: {report['not_checked']}")
    found = {one["cause"] for one in report["findings"] if one["state"] == "proven"}
    if found != proven:
        fail(f"{run.name}: it proves {sorted(found)}, not {sorted(proven)}")


def judge_refusal(run, words):
    _, errors, status = run.end()
    if status != 1:
        fail(f"{run.name}: it ended with {status}: {errors}")
    for word in words:
        if word not in errors:
            fail(f"{run.name}: it does not say '{word}': {errors}")


def judge_watch(run):
    """Only its first round waits, and the one thread that it leaves behind stays the only one."""
    rounds = 0
    run.end_after(HANGS)
    while rounds < ROUNDS and (line := run.process.stdout.readline()):
        rounds += b" sources, the slowest " in line
    if rounds < ROUNDS:
        fail(f"{run.name}: {rounds} rounds in {HANGS} s")
        return
    hamedic = children(run.process.pid)[0]
    threads = len(os.listdir(f"/proc/{hamedic}/task"))
    if threads != 2:
        fail(f"{run.name}: {threads} threads after {rounds} rounds")
    print(f"{run.name}: {rounds} rounds, {threads} threads", flush=True)
    run.kill()


def approved_plan(host, wish):
    for command in (["keygen"], ["keygen", "-W", "-o", "/root/ops"]):
        host.run([host.hamedic, *command])
    host.write("/etc/hamedic/operators/ops.pub", host.read("/root/ops.pub"))
    host.run([host.hamedic, "plan", "-q", "-o", "/root/fix.plan", "--set", wish])
    host.run([host.hamedic, "approve", "/root/fix.plan", "-k", "/root/ops.key"])
    return "/root/fix.plan"


def look(host):
    done = host.run([host.hamedic, "diagnose", "--json"], check=False)
    report = json.loads(done.stdout)
    return {"states": {one["name"]: one["state"] for one in report["sources"]},
            "proven": {one["cause"] for one in report["findings"] if one["state"] == "proven"}}


def main():
    hamedic = sys.argv[1]
    host = throwaway.Host(os.path.dirname(hamedic))
    host.app(host.APP.replace("127.0.0.11:9001", "127.0.0.11:9009"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")
    host.get("127.0.0.1:8080")
    host.wait(lambda: os.path.getsize(host.log) > 0, "the log")
    host.write("/etc/sysctl.d/60-some.conf", "net.ipv4.tcp_syncookies = 1\n")
    usual = look(host)
    if "backend-refused" not in usual["proven"] or any(usual["states"][one] != "ok" for one in
                                                       ("sysctl", "config", "logs", "journal", "stats", "process")):
        sys.exit(f"hanging_sources: usually it sees {usual}")
    plan = approved_plan(host, "sysctl.dropin:net.core.somaxconn=8192")
    before = host.read("/proc/sys/net/core/somaxconn"), sorted(os.listdir("/etc/sysctl.d"))

    diagnose = [hamedic, "diagnose", "--json"]
    sysctl = Run("sysctl.d", "/etc/sysctl.d", *diagnose).read()
    config = Run("haproxy.cfg", throwaway.CONFIG, *diagnose).read()
    logs = Run("the log", host.log, *diagnose).read()
    read = Run("the log's bytes", host.log, *diagnose, calls="pread64").read()
    process = Run("meminfo", "/proc/meminfo", *diagnose).read()
    planned = Run("plan", "/etc/sysctl.d", hamedic, "plan").read()
    applied = Run("apply", "fs/file-nr", hamedic, "apply", plan).read()
    watch = Run("watch", "/etc/sysctl.d", hamedic, "diagnose", "--watch=1")

    judge_watch(watch)
    judge_diagnosis(sysctl, usual, {"sysctl"}, set(), usual["proven"])
    judge_diagnosis(config, usual, {"config"}, OF_CONFIG, usual["proven"])
    judge_diagnosis(logs, usual, {"logs", "journal"}, set(), usual["proven"])
    judge_diagnosis(read, usual, set(), {"logs", "journal"}, usual["proven"])
    for source in ("logs", "journal"):
        if not re.search(f"'{source}' was not done after [0-9]+ ms and was killed, but hangs", read.said["output"]):
            fail(f"{read.name}: it does not tell that what reads '{source}' hangs")
    judge_refusal(process, [f"cannot observe this host: process: {LATE}"])
    judge_refusal(planned, ["no plan is made of a host that cannot be looked at whole", f"sysctl: {LATE}"])
    judge_refusal(applied, ["cannot look at the service before", f"sysctl: {LATE}"])
    if (host.read("/proc/sys/net/core/somaxconn"), sorted(os.listdir("/etc/sysctl.d"))) != before:
        fail("apply changed the host")
    print("hanging sources: told in time, and the others are unharmed" if not FAILURES else "", flush=True)
    os._exit(1 if FAILURES else 0)


main()
