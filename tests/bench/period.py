"""hamedic logs on files that are large: an hour of a day, and its memory. Called by tests/bench/run.

    period.py HAMEDIC DIRECTORY       needs 14 GB there
"""
import json
import os
import random
import subprocess
import sys

from measure import Run, alternate, report, require

LINES_A_SECOND = 105
DAY = 86400
TIMES = 5  # the day's log, one after the other: 10 GB
MEMORY_MIB = 32
# What a process had before it was another program counts into its peak: so a small one starts it.
MEASURING = ("import os, sys; pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ);"
             "_, status, usage = os.wait4(pid, 0); print(usage.ru_maxrss, os.waitstatus_to_exitcode(status))")


def endings():
    """What follows the times in a line; 1.5 % of them tell of failures."""
    generator = random.Random(1)
    lines = []
    for number in range(5000):
        backend, server, chance = generator.randrange(40), generator.randrange(8), generator.random()
        connected, answered, status, state = generator.randrange(3), generator.randrange(400), 200, "----"
        if chance < 0.005:
            connected, answered, status, state = -1, -1, 503, "SC--"
        elif chance < 0.010:
            answered, status, state = -1, 504, "sH--"
        elif chance < 0.015:
            answered, status, state = -1, 502, "SH--"
        lines.append(f"fe{backend % 5} be_{backend}/srv{server} 0/0/{connected}/{answered}/{max(answered, 0) + 3} {status} "
                     f"{generator.randrange(50000)} - - {state} {generator.randrange(900)}/{generator.randrange(800)}/"
                     f"{generator.randrange(50)}/{generator.randrange(10)}/0 0/0 \"GET /path/{number}/"
                     f"{generator.getrandbits(64):x}?q={generator.getrandbits(40):x} HTTP/1.1\"\n")
    return lines


def write_day(path, hour_path, hour):
    tails = endings()
    with open(path, "w", encoding="ascii", buffering=1 << 20) as file, \
            open(hour_path, "w", encoding="ascii", buffering=1 << 20) as hour_file:
        for second in range(DAY):
            clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            lines = []
            for i in range(LINES_A_SECOND):
                part, number = f"{i * 1000 // LINES_A_SECOND:03}", second * LINES_A_SECOND + i
                lines.append(f"2026-11-28T{clock}.{part}123+00:00 lb01 haproxy[812]: 10.{number % 7}.{number % 200}."
                             f"{number % 250}:{30000 + number % 20000} [28/Nov/2026:{clock}.{part}] {tails[number * 7919 % 5000]}")
            text = "".join(lines)
            file.write(text)
            if second // 3600 == hour:
                hour_file.write(text)


def main():
    hamedic, directory = sys.argv[1:]
    os.environ["TZ"] = "UTC"
    day, hour, output = (os.path.join(directory, name) for name in ("day.log", "hour.log", "out"))
    write_day(day, hour, 10)
    period = ["--since", "2026-11-28 10:00", "--until", "2026-11-28 11:00"]

    def requests(*arguments):
        run = Run([hamedic, "logs", "--json", "--threads", "1", *arguments], output)
        require(run.status == 0, f"hamedic logs ended with {run.status}: {open(run.output + '.err').read()}")
        require(json.loads(run.text())["all"]["requests"] == 3600 * LINES_A_SECOND, "it counted other requests")
        return run.seconds

    ours, alone = alternate(lambda: requests(*period, day), lambda: requests(hour))
    report(f"logs --since one hour of a day of {os.path.getsize(day) / 1e9:.1f} GB against a file of that hour alone",
           ours, alone, 1.2)

    large = os.path.join(directory, "large.log")
    with open(large, "wb") as file:
        for _ in range(TIMES):
            subprocess.run(["cat", day], check=True, stdout=file)
    os.remove(day)
    for threads in ("1", "2"):
        measured = subprocess.run([sys.executable, "-S", "-c", MEASURING, hamedic, "logs", "--threads", threads, large],
                                  check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1].split()
        require(measured[1] == "0", f"hamedic logs ended with {measured[1]}")
        peak = int(measured[0]) / 1024
        print(f"logs of {os.path.getsize(large) / 1e9:.1f} GB with {threads} threads, peak memory: {peak:.0f} MiB,"
              f" aim: below {MEMORY_MIB} MiB: {'reached' if peak < MEMORY_MIB else 'MISSED'}", flush=True)


main()
