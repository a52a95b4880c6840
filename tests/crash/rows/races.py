"""Somebody else writes to a file at full speed while it is replaced and taken back (tests/crash/race)."""
import os
import re
import subprocess

from driver import Failed
from rows.row import Row


class Races(Row):
    name = "races"
    about = "files that somebody else replaces, links or edits while hamedic replaces them"

    def cases(self, bench, long):
        return [f"{seed}:{12500 if long else 1000}" for seed in range(1, 9 if long else 5)]

    def attempt(self, bench, case):
        seed, count = case.split(":")
        folder = os.path.join(bench.folder, "race")
        os.makedirs(folder, exist_ok=True)
        done = subprocess.run([os.path.join(bench.tools.helpers, "race"), "-n", count, "-s", seed, "-d", folder],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        found = re.search(r"^races tried (\d+) survived (\d+)$", done.stdout, re.M)
        if found is None or int(found[1]) != int(count):
            raise Failed(f"exit status {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}")
        counted = int(found[1]), int(found[2])
        if done.returncode != 0 or counted[0] != counted[1]:
            failure = Failed(done.stdout[-2000:] + done.stderr[-500:])
            failure.counted = counted
            raise failure
        return counted
