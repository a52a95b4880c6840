"""Killed on a live host: files and running values, HAProxy and the kernel, entirely before or entirely after."""
import json
import os
import socket
import subprocess

from driver import Failed
from rows.row import Row, sample

CRASH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = os.path.dirname(os.path.dirname(CRASH))
SCENARIOS = ("reload-apply", "quiet-apply", "reload-rollback", "quiet-rollback")
RECORDS = ("COMMITTING", "ANNOUNCE", "COMMITTED", "PROVEN", "ROLLING-BACK", "UNDONE", "ROLLED-BACK", "DONE")


class Host:
    """One throw-away host, as long as this process lives (tests/crash/live/host.py)."""

    def __init__(self, bench):
        ours, theirs = socket.socketpair()
        build = os.path.dirname(bench.tools.hamedic)
        with theirs, open(os.path.join(bench.folder, "live.log"), "wb") as log:
            self.program = subprocess.Popen(
                ["sh", os.path.join(SOURCE, "tests", "host", "enter.sh"), "-v", SOURCE, "-v", build,
                 "python3", os.path.join(CRASH, "live", "host.py"), str(theirs.fileno()), build],
                pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self.line = ours.makefile("rw", encoding="utf-8")
        ours.close()
        self.log = log.name

    def ask(self, question):
        self.line.write(json.dumps(question) + "\n")
        self.line.flush()
        answer = self.line.readline()
        if answer == "":
            with open(self.log, encoding="utf-8", errors="replace") as file:
                raise RuntimeError(f"the throw-away host ended: {file.read()[-2000:]}")
        answer = json.loads(answer)
        if isinstance(answer, dict):
            raise RuntimeError(answer["error"])
        return answer

    def end(self):
        self.line.close()
        self.program.wait()


class Live(Row):
    name = "live"
    about = "killed on a live host (HAProxy, its Runtime API, a reload, sysctls), then recovered"

    def __init__(self):
        self.host = None

    def cases(self, bench, long):
        host = Host(bench)
        try:
            return [f"{name}:{where}" for name in SCENARIOS
                    for where in points(host.ask({"trace": name}), long, name == "reload-apply")]
        finally:
            host.end()

    def attempt(self, bench, case):
        if self.host is None:
            self.host = Host(bench)
        failure = self.host.ask({"attempt": case})
        if failure is not None:
            raise Failed(failure)

    def close(self, bench):
        if self.host is not None:
            self.host.end()
            self.host = None


def points(calls, long, thorough):
    """WORD+N. Once the first change is near: every call that changes a file, and what HAProxy is told and asked; and a
    sample of all others. Short and not thorough: a sample of these too."""
    word, base, near, known = "BEGIN", 0, False, set()
    changing, telling, others = [], [], []
    for n, changes, tells, written in calls:
        said = next((one for one in RECORDS if f" {one} " in written), None)
        if said is not None and said not in known:  # the first of a kind is what the count begins at
            word, base = said, n
            known.add(said)
        near = near or word in ("COMMITTING", "ROLLING-BACK")
        (changing if near and changes else telling if near and tells else others).append(f"{word}+{n - base}")
    if long:
        return changing + telling + others[::3]
    return (changing if thorough else sample(changing, 10)) + sample(telling, 4) + sample(others, 3)
