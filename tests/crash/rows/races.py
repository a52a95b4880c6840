"""Another process writes to a file at full speed while it is replaced and taken back: tests/crash/race.c."""
import os
import re
import subprocess

from driver import Failed
from rows.row import Row

SECONDS = 3600  # a race that still runs then has hung


class Races(Row):
    name = "races"
    about = "a target that another process writes, links, moves at full speed"
    unit = "nothing lost"

    def cases(self, bench, long):
        rounds, attempts = (10, 10000) if long else (2, 3000)
        return [f"{seed}:{attempts}" for seed in range(1, rounds + 1)]

    def attempt(self, bench, case):
        seed, _, attempts = case.partition(":")
        program = os.path.join(bench.stock.tools.helpers, "race")
        run = subprocess.run([program, "-s", seed, "-n", attempts], stdin=subprocess.DEVNULL, capture_output=True,
                             check=False, text=True, timeout=SECONDS)
        counted = re.search(r"^races tried (\d+) survived (\d+)$", run.stdout, re.M)
        if counted is None:
            raise Failed(f"{program} ended with {run.returncode}: {run.stdout}{run.stderr}")
        tried, survived = int(counted.group(1)), int(counted.group(2))
        if run.returncode != 0 or tried != survived:
            failure = Failed(f"exit status {run.returncode}: {run.stderr}{run.stdout}")
            failure.counted = tried, survived
            raise failure
        return tried, survived
