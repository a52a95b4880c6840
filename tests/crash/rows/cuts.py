"""The power fails before a system call: what is not on disk is gone; then the host starts and recovers."""
import os

import disk
import driver
from bench import SCENARIOS, Bench
from driver import Failed
from rows.row import Row, sample

KINDS = ("ext4", "xfs")
WHAT = {"lost": disk.LOST, "metadata": disk.METADATA}


class Cuts(Row):
    name = "cuts"
    about = "power cut before each system call on ext4 and xfs, then recovered"

    def cases(self, bench, long):
        cases = []
        for name in ("files-apply", "files-rollback", "files-recover-middle", "files-recover-proven",
                     "files-confirm", "store-apply", "store-rollback"):
            for kind in KINDS:
                calls = on_disk(bench, kind)[1].trace(SCENARIOS[name])
                changing = [call.n for call in calls if call.changes()]
                others = [call.n for call in calls if not call.changes()]
                for what in WHAT:
                    if name.startswith("store"):
                        chosen = sample(decisive(calls), 200 if long else 8 if name == "store-apply" else 3)
                    elif long: # what only looks changes nothing on the disk: the others are tried for apply
                        chosen = changing + (others if name == "files-apply" else [])
                    elif name == "files-apply":
                        chosen = changing + sample(others, 10) if what == "lost" else sample(changing, 40)
                    else:
                        chosen = sample(changing, 12 if what == "lost" else 6)
                    cases += [f"{name}:{kind}:{what}:{n}" for n in sorted({*chosen, len(calls)})]
        return cases

    def attempt(self, bench, case):
        name, kind, what, at = case.split(":")
        cut_and_recover(bench, SCENARIOS[name], kind, what, int(at))


def decisive(calls):
    """Each name that is given or taken, and each sync, once libsemanage writes to its store."""
    begun = next(call.n for call in calls if "/var/lib/selinux/" in call.path and call.changes())
    return [call.n for call in calls if call.n >= begun and call.result >= 0 and
            call.kind in ("rename", "swap", "sync", "syncfs")]


def on_disk(bench, kind):
    """This worker's bench on its own file system of that kind."""
    disks = bench.__dict__.setdefault("disks", {})
    if kind not in disks:
        one = disk.Disk(bench.folder, kind)
        disks[kind] = one, Bench(bench.stock, os.path.join(bench.folder, "on-" + kind),
                                 os.path.join(one.top, "tree"), "@" + kind, bench.processor)
    return disks[kind]


def cut_and_recover(bench, scenario, kind, what, at, omitted=driver.NOTHING):
    """Raises Failed where the host is not whole afterwards."""
    one, bench = on_disk(bench, kind)

    def start():
        one.switch_on_again()
        bench.start(scenario.image)
        one.sync()

    report = bench.fire(start, scenario.arguments, scenario.group,
                        lambda n: (*driver.cut(n, one.top, WHAT[what]), *omitted), at)
    one.switch_on_again()
    try:
        side = bench.settle(scenario.group)
        # The last call of all: what was said to be done is done.
        if driver.call_name(report.number) == "exit_group" and side != scenario.goal:
            raise Failed(f"it was done, but the host is {side}")
    except Failed as failure:
        raise Failed(f"power cut at {report.point()}: {failure}") from failure
