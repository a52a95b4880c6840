"""Medians of alternating runs, and their ratio. Called by tests/bench/run; asserts what happened, never how fast.

    measure.py plan HAMEDIC DIRECTORY        a configuration of 100,000 lines: hamedic plan against haproxy -c
    measure.py diagnose HAMEDIC DIRECTORY    on the quickstart's host: hamedic diagnose against a person's commands
"""
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time

ROUNDS = 7
LINES = 100_000
SERVERS = LINES // 2
SERVERS_PER_BACKEND = 100
LOG_LINES = 200_000  # 100 requests a second for half an hour


def require(holds, what):
    if not holds:
        sys.exit(f"bench: {what}")


class Run:
    """One run of one program: seconds, exit status, peak memory in KiB of it and those it waited for, output."""

    def __init__(self, command, output, question=None):
        with open(output, "wb") as out, open(output + ".err", "wb") as err:
            begin = time.perf_counter()
            process = subprocess.Popen(command, stdout=out, stderr=err,
                                       stdin=subprocess.PIPE if question else subprocess.DEVNULL)
            if question:
                process.stdin.write(question)
                process.stdin.close()
            _, status, usage = os.wait4(process.pid, 0)
            self.seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        self.status = process.returncode
        self.peak = usage.ru_maxrss
        self.output = output

    def text(self):
        with open(self.output, encoding="utf-8", errors="replace") as file:
            return file.read()


def alternate(first, second):
    """Both in turn, so that what else the machine does meets both alike; the first round warms the caches."""
    times = ([], [])
    for turn in range(ROUNDS + 1):
        for function, seconds in zip((first, second), times):
            took = function()
            if turn > 0:
                seconds.append(took)
    return statistics.median(times[0]), statistics.median(times[1])


def report(what, ours, theirs, aim):
    ratio = ours / theirs
    verdict = "" if aim is None else f", aim: at most {aim:.2f}: {'reached' if ratio <= aim else 'MISSED'}"
    print(f"{what}: {ours * 1000:.0f} ms against {theirs * 1000:.0f} ms, ratio {ratio:.2f}{verdict}", flush=True)


# ---- a configuration of 100,000 lines ----

def write_config(path):
    head = ["global", "    maxconn 2000   # before", "    stats socket /run/haproxy/admin.sock mode 600 level admin",
            "defaults", "    mode http", "    timeout connect 1s", "    timeout client 30s", "    timeout server 30s"]
    backends = SERVERS // SERVERS_PER_BACKEND
    lines = list(head)
    for backend in range(backends):
        lines += [f"frontend f{backend}", f"    bind 127.0.0.1:{10000 + backend}", "    option httplog",
                  f"    acl blocked path_beg /blocked{backend}", "    http-request deny if blocked",
                  f"    default_backend b{backend}", f"backend b{backend}", "    balance roundrobin",
                  "    option forwardfor"]
        for server in range(SERVERS_PER_BACKEND):
            address = f"10.{backend // 250}.{backend % 250}.{server + 1}"
            lines.append(f"    server s{server} {address}:8080 check inter 5s fall 3 rise 2 maxconn 500 weight 10")
    # What else such a file is full of: comments, blank lines and rules of the last backend.
    generator = random.Random(1)
    while len(lines) < LINES:
        number = len(lines)
        lines.append(generator.choice(
            (f"    # ticket {number}: as agreed", "", f"    http-request set-header X-Rule-{number} \"a b\" if TRUE",
             f"    http-response set-header X-Answer-{number} %[src]")))
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


def bench_plan(hamedic, directory):
    tree = os.path.join(directory, "tree")
    config = os.path.join(tree, "etc/haproxy/haproxy.cfg")
    os.makedirs(os.path.dirname(config))
    write_config(config)
    with open(config, encoding="ascii") as file:
        lines = file.read().splitlines()
    require(len(lines) == LINES, f"the configuration has {len(lines)} lines")
    require(sum(line.startswith("    server ") for line in lines) == SERVERS, "not half of the lines are servers")
    size = os.path.getsize(config)
    del lines
    peaks = []

    def plan():
        run = Run([hamedic, "--root", tree, "plan", "--json", "--set", "haproxy.maxconn:global=1999"],
                  os.path.join(directory, "plan"))
        require(run.status == 0, f"hamedic plan ended with {run.status}: {open(run.output + '.err').read()}")
        changes = json.loads(run.text())["changes"]
        require([change["address"] for change in changes] == ["haproxy.maxconn:global"], "the plan is another one")
        peaks.append(run.peak)
        return run.seconds

    def check():
        run = Run(["haproxy", "-c", "-f", config], os.path.join(directory, "check"))
        require(run.status == 0, f"haproxy -c ended with {run.status}: {open(run.output + '.err').read()}")
        return run.seconds

    ours, theirs = alternate(plan, check)
    report(f"plan --set on {LINES} lines ({size >> 20} MiB, {SERVERS} servers) against haproxy -c", ours, theirs, 0.25)
    peak = max(peaks) / 1024
    print(f"plan --set on {LINES} lines, peak memory: {peak:.0f} MiB, aim: below 64 MiB:"
          f" {'reached' if peak < 64 else 'MISSED'}", flush=True)


# ---- the quickstart's host ----

def write_log(path):
    """HAProxy's httplog lines, 1 % of them errors."""
    generator = random.Random(1)
    states = ["----"] * 198 + ["SC--", "sC--"]
    with open(path, "w", encoding="ascii") as file:
        for number in range(LOG_LINES):
            state = generator.choice(states)
            status = 200 if state == "----" else 503
            file.write(f"2026-01-01T00:{number // 6000:02}:{number // 100 % 60:02}.000000+00:00 web1 haproxy[812]: "
                       f"127.1.0.{number % 250}:{30000 + number % 20000} [01/Jan/2026:00:00:00.000] shop shop/shop1 "
                       f"0/0/{number % 9}/{number % 300}/{number % 309} {status} 212 - - {state} 80/80/10/10/0 0/0 "
                       f"\"GET /item/{number} HTTP/1.1\"\n")


def bench_diagnose(hamedic, directory):
    log = os.path.join(directory, "haproxy.log")
    write_log(log)
    with open(log, encoding="ascii") as file:
        require(sum(1 for _ in file) == LOG_LINES, "the log is shorter than it should be")
    command = [hamedic, "diagnose", "--json"]
    help_text = subprocess.run([hamedic, "diagnose", "--help"], capture_output=True, text=True, check=True).stdout
    reads_log = re.search(r"^ +(-., )?--log ", help_text, re.M) is not None
    if reads_log:
        command += ["--since", "2026-01-01", "--log", log]  # all of it
    # Those of host.sh's faults that do not come and go with the load.
    wanted = {"backend-refused", "maxconn-over-budget", "port-range-overlap"}
    grep_seconds = []

    def diagnose():
        run = Run(command, os.path.join(directory, "diagnosis"))
        require(run.status == 2, f"hamedic diagnose ended with {run.status}: {open(run.output + '.err').read()}")
        causes = {finding["cause"] for finding in json.loads(run.text())["findings"]}
        require(wanted <= causes, f"hamedic diagnose found {sorted(causes)} only")
        return run.seconds

    steps = [(["ss", "-tulpn"], None, rb":8001\b", 0),
             (["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"], None, rb"", 0),
             (["socat", "-t", "5", "-", "UNIX-CONNECT:/run/haproxy/admin.sock"], b"show info; show stat\n",
              rb"Maxconn: 2000", 0),
             (["grep", "-E", "SC--|sC--|503", log], None, rb"SC--", 0)]
    if os.path.isdir("/run/systemd/system"):
        steps.insert(0, (["systemctl", "status", "haproxy"], None, rb"haproxy", None))

    def person():
        total = 0.0
        for arguments, question, pattern, status in steps:
            run = Run(arguments, os.path.join(directory, "answer"), question)
            require(status is None or run.status == status, f"{arguments[0]} ended with {run.status}")
            require(re.search(pattern, run.text().encode()) is not None, f"{arguments[0]} did not say {pattern}")
            total += run.seconds
        grep_seconds.append(run.seconds)
        return total

    ours, theirs = alternate(diagnose, person)
    names = " + ".join(" ".join(step[0][:2]) if step[0][0] in ("haproxy", "ss", "systemctl") else step[0][0]
                       for step in steps)
    report(f"diagnose on the quickstart's host against {names} (a log of {LOG_LINES} lines,"
           f" {os.path.getsize(log) >> 20} MiB{'' if reads_log else ', which diagnose does not read'})",
           ours, theirs, 1.0)
    report("the same without grep", ours, theirs - statistics.median(grep_seconds), None)


def main():
    part, hamedic, directory = sys.argv[1:]
    {"plan": bench_plan, "diagnose": bench_diagnose}[part](hamedic, directory)


if __name__ == "__main__":
    main()
