"""Killed before every system call of a command; then `hamedic recover`."""
from bench import SCENARIOS
from driver import Failed
from rows.row import Row, sample

FILES = ("files-apply", "files-rollback", "files-recover-middle", "files-recover-proven", "files-recover-undoing",
         "files-confirm", "files-rollback-awaiting", "files-recover-due")
STORE = ("store-apply", "store-rollback", "store-recover-middle", "store-recover-proven", "store-confirm")
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
            chosen = changing + others if long else changing + sample(others, 40)
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
                # Each name that libsemanage gives or takes, and each sync: its windows lie between them.
                decisive = [call.n for call in calls if call.result >= 0 and
                            call.kind in ("rename", "swap", "sync", "syncfs", "remove")]
                chosen = {*sample(changing, 20), *(decisive if name == "store-apply" else sample(decisive, 20))}
            cases += [f"{name}:{n}" for n in sorted(chosen)]
        return cases

    def attempt(self, bench, case):
        name, _, at = case.partition(":")
        scenario = SCENARIOS[name]
        report = bench.kill(scenario, at)
        try:
            bench.settle(scenario.group)
        except Failed as failure:
            raise Failed(f"killed at {report.point()}: {failure}") from failure


def inside_store(calls):
    """The calls between the first and the last one that touches libsemanage's sandbox."""
    touched = [call.n for call in calls if "/var/lib/selinux/" in call.path]
    return set(range(touched[0], touched[-1] + 1)) if touched else set()
