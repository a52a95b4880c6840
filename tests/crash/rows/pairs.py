"""Killed in a command, and again in the recovery; then recovered."""
import driver
from bench import SCENARIOS, at_record
from driver import Failed
from rows.row import Row, dice, sample


FIRST_RECORD = {"apply": "STAGED", "rollback": "ROLLING-BACK", "confirm": "CONFIRMED"}


class Pairs(Row):
    name = "pairs"
    about = "killed in apply or rollback, then in recover, then recovered"

    def cases(self, bench, long):
        cases = []
        # (command, how many first kills meet every second one, how many meet some, how many of those)
        plan = (("files-apply", 3, 70, 9), ("files-rollback", 1, 25, 8), ("files-confirm", 0, 20, 8),
                ("store-apply", 0, 20, 8)) if long else (
            ("files-apply", 0, 22, 7), ("files-rollback", 0, 8, 6), ("files-confirm", 0, 4, 4), ("store-apply", 0, 5, 4))
        for name, whole, some, each in plan:
            calls = bench.trace(SCENARIOS[name])
            begin = at_record(calls, FIRST_RECORD[name.split("-")[1]])
            firsts = [call.n for call in calls if call.n >= begin and call.changes()]
            for n in sample(firsts[1:-1], whole):
                cases += [f"{name}:{n}:{m}" for m in range(1, self.recovery(bench, name, n)[0] + 1)]
            for n in sample(firsts, some):
                count, changing = self.recovery(bench, name, n)
                chance = dice(f"{name}:{n}")
                chosen = set(chance.sample(changing, min(len(changing), each * 2 // 3)))
                chosen |= set(chance.sample(range(1, count + 1), each - len(chosen)))
                cases += [f"{name}:{n}:{m}" for m in sorted(chosen)]
        return cases

    def recovery(self, bench, name, n):
        """(how many calls the recovery makes after a kill there, those that change something)"""
        scenario = SCENARIOS[name]
        bench.kill(scenario, n)
        report, calls = bench.driver.trace(bench.command(["recover"]))
        return report.calls, [call.n for call in calls if call.changes()]

    def attempt(self, bench, case):
        name, n, m = case.split(":")
        scenario = SCENARIOS[name]
        first = bench.kill(scenario, n)
        left = bench.tree.scan()
        second = bench.fire(lambda: bench.tree.reset(left), ["recover"], None, driver.kill, m, clamp=True)
        try:
            bench.settle(scenario.group)
        except Failed as failure:
            raise Failed(f"killed at {first.point()}, then at {second.point()}: {failure}") from failure
