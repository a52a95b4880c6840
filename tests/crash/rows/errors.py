"""Each system call fails, once or from there on; the command must tell the truth, and `recover` end it."""
import driver
from bench import SCENARIOS
from driver import Failed
from rows.row import Row, sample

NAMES = ("EIO", "ENOSPC", "EROFS", "ENOMEM", "EMFILE", "EINTR", "EACCES")
MODES = ("once", "on")
DECISIONS = ("PROVEN", "CONFIRMED", "DONE", "ROLLED-BACK")


class Errors(Row):
    name = "errors"
    about = "each system call fails, once or from there on (EINTR: every second one)"

    def cases(self, bench, long):
        cases = []
        for name, changing_count, other_count in (("files-apply", 14, 10), ("files-rollback", 6, 4),
                                                  ("files-confirm", 3, 2), ("files-recover-middle", 4, 3),
                                                  ("store-apply", 3, 1), ("store-rollback", 1, 1)):
            calls = bench.trace(SCENARIOS[name])
            first = next(call.n for call in calls if driver.call_name(call.number) == "close_range")
            calls = [call for call in calls if call.n >= first and call.kind != "sure"]
            changing = [call.n for call in calls if call.changes()]
            others = [call.n for call in calls if not call.changes()]
            decisive = syncs_of_decisions(calls)
            traps = known_traps if name.startswith("files") else known_traps_of_store
            cases += [f"{name}:{rest}" for rest in traps(calls)]
            for at, (error, mode) in enumerate((error, mode) for error in NAMES for mode in MODES):
                if not long: # shifted, so that each kind of error meets other calls
                    chosen = sample(changing[at % 5:], changing_count) + sample(others[at * 7 % 50:], other_count)
                elif name.startswith("files"):
                    chosen = changing + others
                else: # libsemanage alone makes some 36,000
                    chosen = sample(changing[at % 5:], 60) + sample(others[at * 7 % 50:], 20)
                cases += [f"{name}:{error}:{mode}:{n}" for n in sorted({*chosen, *decisive})]
        return list(dict.fromkeys(cases))

    def attempt(self, bench, case):
        name, error, mode, at = case.split(":")
        scenario = SCENARIOS[name]
        report = bench.fire(lambda: bench.start(scenario.image), scenario.arguments, scenario.group,
                            lambda n: driver.error(n, error, mode == "on"), at)
        try:
            judge(bench, scenario, report, mode == "on")
            bench.settle(scenario.group, may_ask=report.status == 5)
        except Failed as failure:
            raise Failed(f"{error} {mode} at {report.point()}: {failure}\n    it had said: {report.words()}") from failure


def known_traps(calls):
    """Where hamedic once failed, whatever a sample meets: no random numbers; who asks for a lock, or looks at what was
    just given another name, is interrupted."""
    for call in calls:
        if driver.call_name(call.number) == "getrandom":
            yield f"EIO:once:{call.n}"
        elif driver.call_name(call.number) == "flock":
            yield f"EINTR:on:{call.n}"
        elif call.kind in ("swap", "rename"):
            yield f"EINTR:on:{call.n + 1}"
            yield f"EINTR:on:{call.n + 2}"


def known_traps_of_store(calls):
    """libsemanage fails while it reads the policy that it is to commit, and cannot be connected again."""
    opened = next(call.n for call in calls if call.path.endswith("/tmp/policy.kern") and call.result >= 0)
    return [f"EIO:on:{opened + 6}"]


def syncs_of_decisions(calls):
    """The syncs of the journal that follow the records with which it is decided: the host is after, or before."""
    found, decided = [], False
    for call in calls:
        if not call.path.endswith("/journal"):
            continue
        if call.kind == "write" and call.detail:
            decided = any(f" {word} " in call.detail for word in DECISIONS)
        elif call.kind == "sync" and decided:
            found.append(call.n)
    return found


def judge(bench, scenario, report, persisted):
    if report.ended != "exit":
        raise Failed("it did not end by itself")
    # What is displaced stands beside its target until it is confirmed.
    side, words = bench.side(scenario.group, staged_too=not persisted and scenario.name != "files-confirm")
    # A record that is only for the history is left out, and told; so is, first, the one that says that all is taken back:
    # it is written again before its end. The next one takes its place in the journal.
    told = report.out.count("cannot record the undo of")
    if "Rolled back" in report.out:
        told += report.out.count("!! cannot sync the journal")
    if report.status == 0 and report.failed_syncs > told:
        raise Failed("it says done, though what it wrote may not be on disk")
    wanted = {0: scenario.goal, 1: scenario.begin, 3: scenario.begin, 4: "before"}.get(report.status)
    if report.status == 5:
        mute = not report.err and not persisted and driver.call_name(report.number) != "write"
        if mute:
            raise Failed("it does not say what stands where")
    elif report.status == 1 and scenario.begin is None:
        return  # recover could not even begin: the host is as the crash left it, and settle shows that it can be ended
    elif wanted is None:
        raise Failed("no exit status that it may have")
    elif side != wanted:
        raise Failed(f"its exit status says '{wanted}', but the host is {side} {words}")
