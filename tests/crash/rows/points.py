"""Killed before every system call of a command; then `hamedic recover`."""
import driver
from bench import SCENARIOS
from driver import Failed
from rows.row import Row, sample

FILES = ("files-apply", "files-rollback", "files-recover-middle", "files-recover-proven", "files-recover-undoing")
STORE = ("store-apply", "store-rollback", "store-recover-middle", "store-recover-proven")
SHORT_STORE = ("store-apply", "store-rollback")


class Points(Row):
    name = "points"
    about = "killed before each system call, then recovered"

    def cases(self, bench, long):
        cases = []
        for name in FILES:
            calls = bench.trace(SCENARIOS[name])
            changing = [call.n for call in calls if call.changes()]
            others = [call.n for call in calls if not call.changes()]
            chosen = changing + others if long else changing + sample(others, 60)
            cases += [f"{name}:{n}" for n in sorted(chosen)]
        for name in STORE if long else SHORT_STORE:
            calls = bench.trace(SCENARIOS[name])
            inside = inside_store(calls)
            changing = [call.n for call in calls if call.changes()]
            if long:
                outside = [call.n for call in calls if not call.changes() and call.n not in inside]
                quiet = [call.n for call in calls if not call.changes() and call.n in inside]
                chosen = changing + outside + sample(quiet, 300)
            else:
                decisive = [call.n for call in calls if call.kind in ("rename", "swap", "sync", "syncfs")]
                chosen = set(sample(changing, 30) + sample(decisive, 30))
            cases += [f"{name}:{n}" for n in sorted(chosen)]
        return cases

    def attempt(self, bench, case):
        name, _, at = case.partition(":")
        scenario = SCENARIOS[name]
        report = bench.run(scenario, driver.kill(at))
        if report.fired != 1 or report.ended != "signal" or report.status != 9:
            raise Failed(f"it was not killed there: {report.words()}")
        try:
            bench.settle(scenario.group)
        except Failed as failure:
            raise Failed(f"killed at {report.point()}: {failure}") from failure


def inside_store(calls):
    """The calls between the first and the last one that touches libsemanage's sandbox."""
    touched = [call.n for call in calls if "/var/lib/selinux/" in call.path]
    return set(range(touched[0], touched[-1] + 1)) if touched else set()
