"""Journals cut short at every byte, and with every single bit turned."""
import os
import subprocess

import tree
from bench import SCENARIOS, at_record
from driver import Failed
from rows.row import Row, sample

GROUP = "small"
# state -> the scenario in which that record is the last one, written and not yet on disk; None: an image of its own
STATES = {"COMMITTING": "apply", "COMMITTED": "apply", "PROVEN": "apply", "DONE": "apply", "ROLLING-BACK": "rollback",
          "awaiting": None}
EARLIER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                       "fixtures", "crash")


class Flips(Row):
    name = "flips"
    about = "journals cut short at every byte (whole afterwards), every bit turned (refused, no action), earlier formats"

    def cases(self, bench, long):
        cases = [f"earlier:{name}" for name in sorted(os.listdir(EARLIER))]
        for state, command in STATES.items():
            if command is not None:
                scenario = SCENARIOS[f"{GROUP}-{command}"]
                bench.stock.interrupt(bench, GROUP, state, at_record(bench.trace(scenario), state) + 1, command)
            _, data = journal_of(bench.stock.images[f"{GROUP}:{state}"])
            last = last_line(data)
            cuts = range(len(data)) if long else {*sample(range(len(data)), 12), *sample(range(last, len(data)), 12)}
            bits = range(len(data) * 8) if long else {*sample(range(len(data) * 8), 60),
                                                      *sample(range(last * 8, len(data) * 8), 30)}
            cases += [f"{state}:short:{at}" for at in sorted(cuts)] + [f"{state}:bit:{at}" for at in sorted(bits)]
        return cases

    def attempt(self, bench, case):
        if case.startswith("earlier:"):
            self.read_earlier(bench, case.partition(":")[2])
            return
        state, how, at = case.split(":")
        image = dict(self.image(bench, state))
        name, data = journal_of(image)
        at = int(at)
        damaged = bytearray(data[:at] if how == "short" else data)
        if how == "bit":
            damaged[at // 8] ^= 1 << at % 8
        image[name] = image[name]._replace(data=bytes(damaged))
        bench.tree.reset(image)
        if how == "bit":
            # Without its end a line may be one that a crash cut off.
            self.check_refused(bench, image, at, or_torn=at // 8 == len(data) - 1)
        elif at >= last_line(data):
            bench.settle(GROUP)
        else:
            self.check_lost(bench, image)

    def image(self, bench, state):
        key = f"{GROUP}:{state}"
        if key not in bench.stock.images:
            scenario = SCENARIOS[f"{GROUP}-{STATES[state]}"]
            bench.stock.interrupt(bench, GROUP, state, at_record(bench.trace(scenario), state) + 1, STATES[state])
        return bench.stock.images[key]

    def check_lost(self, bench, image):
        """Whole records are lost only by a disk that does not keep its word: the host is whole all the same, or it is
        told that it cannot be known."""
        status, out, err = bench.plainly(["recover"])
        if status == 5:
            check_untouched(bench, image)
        elif status not in (0, 4):
            raise Failed(f"recover: exit status {status}: {out}{err}")
        elif bench.side(GROUP, staged_too=False)[0] == "mixed":
            raise Failed("the host is neither before nor after")

    def check_refused(self, bench, image, at, or_torn):
        for command in ("recover", "rollback", "confirm") if at % 16 == 0 else ("recover",):
            status, out, err = bench.plainly([command])
            if status == 0 and or_torn:
                bench.settle(GROUP)
                return
            if status != 5:
                raise Failed(f"{command}: exit status {status} instead of 5: {out}{err}")
            check_untouched(bench, image)

    def read_earlier(self, bench, name):
        """A transaction that an earlier version left when it was killed."""
        folder = os.path.join(EARLIER, name)
        bench.start(f"{GROUP}:ready")
        subprocess.run(["cp", "-R", os.path.join(folder, "tree", "."), bench.tree.path], check=True)
        status, out, err = bench.plainly(["recover"])
        if status != 0 or "was interrupted at COMMITTING" not in out:
            raise Failed(f"recover: exit status {status}: {out}{err}")
        found = tree.load(bench.tree.path)
        wanted = bench.stock.images[f"{GROUP}:ready"]["etc/haproxy/haproxy.cfg"].data
        if found["etc/haproxy/haproxy.cfg"].data != wanted or bench.leftovers(found):
            raise Failed("it was not taken back")
        status, out, err = bench.plainly(["history"])
        if status != 0 or "rolled back" not in out:
            raise Failed(f"history: exit status {status}: {out}{err}")


def check_untouched(bench, image):
    found = bench.tree.scan()
    for name in found.keys() | image.keys():
        if not name.startswith("run/hamedic") and found.get(name) != image.get(name):
            raise Failed(f"it changed {name}")


def journal_of(image):
    names = sorted(name for name in image if os.path.basename(name) == "journal")
    return names[-1], image[names[-1]].data


def last_line(data):
    return data.rindex(b"\n", 0, len(data) - 1) + 1
