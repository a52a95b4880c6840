"""hamedic logs against halog -srv and grep, two threads against one, and its counts against halog's, all on one log of
2 million lines. Called by tests/bench/run.

A log that was written in small pieces and is still in memory lies there in single pages, which takes everybody longer to
read than what came from disk. The log of most lines was read from disk once; of halog there is a line for the other kind.
Two halog side by side, each with a half of the log, show what two processors of this machine give who shares nothing.
Two processors of a virtual machine are often of unequal speed: what needs one runs on each of two in turn, and its time
is the mean of its median on each.

    logs.py HAMEDIC MAKE_LOG DIRECTORY        needs 4 GB there
"""
import collections
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time

from measure import require

LINES = 2_000_000
ROUNDS = 9
TIMES_FASTER = 2.0  # than halog -srv, and than grep
THREADS_GIVE = 1.8
TIMES = 4  # the log behind itself, where what a process costs to start is less of it
GREP = ["grep", "-cE", "SC--|sC--|503"]


def timed(command, output, *logs):
    """Wall time and processor time of one run, or of one for each log, side by side; what it prints goes to a file, as
    grep stops early for /dev/null."""
    used = 0
    with contextlib.ExitStack() as files:
        sources = [files.enter_context(open(log, "rb")) for log in logs or (os.devnull,)]
        out, err = (files.enter_context(open(output + end, "wb")) for end in ("", ".err"))
        begin = time.perf_counter()
        processes = [subprocess.Popen(command, stdin=source, stdout=out, stderr=err) for source in sources]
        for process in processes:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            used += usage.ru_utime + usage.ru_stime
        seconds = time.perf_counter() - begin
    with open(output + ".err", encoding="utf-8", errors="replace") as err:
        require(all(process.returncode == 0 for process in processes), f"{command[0]} failed: {err.read()}")
    return seconds, used


def halve(log, directory):
    """Its two halves, line by line."""
    halves = [os.path.join(directory, name) for name in ("first.log", "second.log")]
    with open(log, "rb") as source, open(halves[0], "wb") as first, open(halves[1], "wb") as second:
        while first.tell() < os.path.getsize(log) // 2:
            first.writelines(source.readlines(1 << 20))
        while part := source.read(1 << 20):
            second.write(part)
    for half in halves:
        read_from_disk(half)
    return halves


def answers(text, columns):
    """halog's table as rows of words, without its headings; less than all columns where so many are compared."""
    return sorted(tuple(line.split()[:columns]) for line in text.splitlines() if line and not line.startswith("#"))


def halog(option, log, output, columns):
    timed(["halog", option], output, log)
    with open(output, encoding="ascii") as file:
        rows = answers(file.read(), columns)
    require(len(rows) > 2, f"halog {option} said nearly nothing")
    return rows


def compare_counts(hamedic, log, output):
    """Fails unless each count is halog's."""
    timed([hamedic, "logs", "--json", "--top", "100000", log], output)
    with open(output, encoding="utf-8") as file:
        told = json.load(file)
    require(told["lines"]["all"] == LINES, f"hamedic read {told['lines']['all']} lines")
    codes = collections.Counter()
    for state in told["all"]["states"]:
        codes[state["state"][:2]] += state["count"]
    servers = []
    for server in told["servers"]:
        classes = collections.Counter()
        for status in server["statuses"]:
            classes[status["status"] // 100] += status["count"]
        # 1xx to 5xx, and the rest, of which -1 is no hundred
        counts = [classes[hundred] for hundred in range(1, 6)]
        counts += [server["requests"] - sum(counts), server["requests"]]
        servers.append((f"{server['backend']}/{server['name']}", *map(str, counts)))
    ours = {
        "-tc": sorted((code, str(count)) for code, count in codes.items()),
        "-st": sorted((str(status["status"]), str(status["count"])) for status in told["all"]["statuses"]),
        "-srv": sorted(servers),
    }
    for option, rows in ours.items():
        theirs = halog(option, log, output, len(rows[0]))
        require(rows == theirs, f"halog {option} counts otherwise: "
                f"{sorted(set(theirs) - set(rows))[:5]}, and hamedic {sorted(set(rows) - set(theirs))[:5]}")
        print(f"logs of {LINES} lines, counts of halog {option}: {len(rows)} rows, all the same", flush=True)


@contextlib.contextmanager
def pinned(processor):
    """What is started meanwhile stays on that processor; None: on any."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if processor is None else {processor})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def middle(runs, i):
    """Of runs on each processor: the mean of their medians."""
    return statistics.mean(statistics.median(run[i] for run in on_one) for on_one in runs.values())


def report(what, ours, theirs, aim=None):
    """A ratio of wall times as 'so many times the speed', and beside it that of processor times."""
    wall, used = ([middle(runs, i) for runs in (ours, theirs)] for i in (0, 1))
    times = wall[1] / wall[0]
    verdict = "" if aim is None else f", aim: {aim:.1f}: {'reached' if times >= aim else 'MISSED'}"
    print(f"{what}: {wall[0] * 1000:.0f} ms against {wall[1] * 1000:.0f} ms (processor time {used[0] * 1000:.0f} and"
          f" {used[1] * 1000:.0f} ms), {times:.2f} times the speed{verdict}", flush=True)


def read_from_disk(path):
    """It is in memory as reading ahead puts it there."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    while os.read(fd, 1 << 20):
        pass
    os.close(fd)


def main():
    hamedic, make_log, directory = sys.argv[1:]
    os.environ.update(TZ="UTC", LC_ALL="C")
    log, output = os.path.join(directory, "haproxy.log"), os.path.join(directory, "out")
    with open(log, "wb") as file:
        subprocess.run([make_log, str(LINES)], stdout=file, check=True)
    written = os.path.join(directory, "written.log")
    with open(written, "wb") as file:
        subprocess.run([make_log, str(LINES)], stdout=file, check=True)
    read_from_disk(log)
    compare_counts(hamedic, log, output)
    large = os.path.join(directory, "large.log")
    with open(large, "wb") as file:
        for _ in range(TIMES):
            subprocess.run(["cat", log], stdout=file, check=True)
    halves = halve(log, directory)
    processors = sorted(os.sched_getaffinity(0))[:2]
    side_by_side = {"two", "two halog", "large two"}
    commands = {
        "one": lambda: timed([hamedic, "logs", "--threads", "1", log], output),
        "two": lambda: timed([hamedic, "logs", "--threads", "2", log], output),
        "halog": lambda: timed(["halog", "-srv"], output, log),
        "two halog": lambda: timed(["halog", "-srv"], output, *halves),
        "grep": lambda: timed([*GREP, log], output),
        "written one": lambda: timed([hamedic, "logs", "--threads", "1", written], output),
        "written halog": lambda: timed(["halog", "-srv"], output, written),
        "large one": lambda: timed([hamedic, "logs", "--threads", "1", large], output),
        "large two": lambda: timed([hamedic, "logs", "--threads", "2", large], output),
    }
    runs = {name: collections.defaultdict(list) for name in commands}
    for turn in range(ROUNDS + 1):  # all in turn, as what else the machine does should meet them alike
        for processor in processors:
            for name, command in commands.items():
                where = None if name in side_by_side else processor
                with pinned(where):
                    took = command()
                if turn > 0:
                    runs[name][where].append(took)
    what = f"logs of {LINES} lines ({os.path.getsize(log) / 1e9:.2f} GB)"
    report(f"{what}, one thread against halog -srv", runs["one"], runs["halog"], TIMES_FASTER)
    report(f"{what}, as it was written, one thread against halog -srv", runs["written one"], runs["written halog"],
           TIMES_FASTER)
    report(f"{what}, one thread against LC_ALL=C {GREP[0]} {GREP[1]} '{GREP[2]}'", runs["one"], runs["grep"],
           TIMES_FASTER)
    report(f"{what}, two halog -srv side by side, each with a half, against one", runs["two halog"], runs["halog"])
    report(f"{what}, two threads against one", runs["two"], runs["one"], THREADS_GIVE)
    report(f"logs of {TIMES} times as many, two threads against one", runs["large two"], runs["large one"],
           THREADS_GIVE)


if __name__ == "__main__":
    main()
