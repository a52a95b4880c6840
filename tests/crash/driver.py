"""One run of a program with one fault before one of its system calls: tests/crash/inject, from Python."""
import errno
import functools
import glob
import os
import re
import subprocess

NOTHING = ()
SECONDS = 60  # a program that makes no call for so long has hung
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


class Failed(Exception):
    """A fault that was not survived, or that did not take place."""


@functools.lru_cache(None)
def call_names():
    names = {}
    for path in glob.glob("/usr/include/**/asm/unistd_64.h", recursive=True):
        with open(path, encoding="ascii") as file:
            for name, number in re.findall(r"^#define __NR_(\w+) (\d+)$", file.read(), re.M):
                names[int(number)] = name
    return names


def call_name(number):
    return call_names().get(number, f"call-{number}")


def kill(at):
    return "-k", str(at)


def error(at, name, on):
    return "-f" if on else "-e", str(at), "-E", str(getattr(errno, name))


def cut(at, folder, flag):
    return "-c", str(at), "-d", folder, "-g", str(flag)


def omit(pattern):
    return "-o", pattern


class Report:
    """What became of a run. ended: "exit", "signal" or "hung"; status: its exit status or signal."""

    def __init__(self, line, out, err):
        parts = dict(part.split("=") for part in line.split())
        self.ended = parts.pop("ended")
        for name, value in parts.items():
            setattr(self, name, int(value))
        self.out, self.err = out, err

    def point(self):
        return f"{call_name(self.number)} (call {self.at})"

    def words(self):
        how = {"exit": "exit status", "signal": "ended by signal", "hung": "hung, signal"}[self.ended]
        said = (self.out[-400:] + self.err[-600:]).strip().replace("\n", "\n    | ")
        return f"{how} {self.status}\n    | {said}"


class Call:
    """One line of a trace (tests/crash/calls.h)."""
    __slots__ = ("n", "number", "result", "kind", "path", "other", "detail")

    def __init__(self, line):
        n, number, result, self.kind, self.path, self.other, self.detail = line.rstrip("\n").split("\t")
        self.n, self.number, self.result = int(n), int(number), int(result)

    def changes(self):
        """Does something that a crash could leave half done?"""
        return self.kind not in ("-", "sure") and not self.path.startswith("pipe:") and self.path != "/dev/null"


class Driver:
    def __init__(self, inject, folder, processor=None):
        self.inject, self.folder = inject, folder
        self.place = [] if processor is None else ["-p", str(processor)]

    def run(self, program, fault=NOTHING, trace=None):
        report = os.path.join(self.folder, "report")
        command = [self.inject, "-r", report, "-s", str(SECONDS), *self.place, *fault]
        if trace is not None:
            command += ["-t", trace]
        done = subprocess.run(command + ["--", *program], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                              capture_output=True, check=False, close_fds=False)
        if done.returncode != 0:
            raise RuntimeError(f"the driver failed: {done.stderr.decode(errors='replace')}")
        with open(report, encoding="ascii") as file:
            return Report(file.read(), done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def trace(self, program, fault=NOTHING):
        path = os.path.join(self.folder, "trace")
        report = self.run(program, fault, trace=path)
        with open(path, encoding="ascii") as file:
            return report, [Call(line) for line in file]
