"""The trees that faults happen to, and the judgement afterwards: entirely before or entirely after, and no other."""
import hashlib
import json
import os
import subprocess

import driver
import tree
from driver import Failed

OWN = ("var/lib/hamedic", "run/hamedic")
STORE = ("var/lib/selinux", "etc/selinux")
ACTIVE = "var/lib/selinux/default/active/"
INSTALLED = "etc/selinux/default/policy/policy.33"


def is_below(name, folders):
    return any(name == folder or name.startswith(folder + "/") for folder in folders)


class Tools:
    """The programs of one build."""

    def __init__(self, build):
        self.hamedic = os.path.join(build, "hamedic")
        self.helpers = os.path.join(build, "tests", "host")
        self.inject = os.path.join(self.helpers, "inject")
        self.policy_store = os.path.join(self.helpers, "policy_store")
        self.awaiting = os.path.join(self.helpers, "awaiting")


class Side:
    """How the host stands before, or after: the one exactly, the other but for the times of what was written anew."""

    def __init__(self, image, untimed=()):
        self.untimed = untimed
        self.files = self.of(image)
        self.store = None

    def of(self, image):
        return {name: entry._replace(mtime=None) if name in self.untimed else entry
                for name, entry in image.items() if not is_below(name, OWN + STORE)}


class Stock:
    """Every image that a scenario starts from, made once. Group: "files", "store" or "small"."""

    def __init__(self, tools, folder):
        self.tools, self.folder = tools, folder
        self.images, self.before, self.after, self.traces = {}, {}, {}, {}
        self.policies = {}  # digest of an installed policy -> what policy_store says of the tree

    def plan(self, group):
        return os.path.join(self.folder, group + ".plan")

    def prepare(self, bench, group):
        ready = tree.load(os.path.join(self.folder, group + ".tree"))
        self.images[group + ":ready"] = ready
        bench.start(group + ":ready")
        self.before[group] = Side(ready)
        self.before[group].store = bench.store_view(bench.tree.scan())
        report = bench.hamedic(["apply", self.plan(group)])
        if report.status != 0:
            raise RuntimeError(f"'{group}' cannot be applied at all: {report.words()}")
        applied = bench.tree.scan()
        self.images[group + ":applied"] = applied
        changed = [name for name in ready.keys() | applied.keys()
                   if not is_below(name, OWN + STORE) and ready.get(name) != applied.get(name)]
        self.after[group] = Side(applied, changed)
        self.after[group].store = bench.store_view(applied)
        if not changed:
            raise RuntimeError(f"'{group}' changes nothing")
        calls = bench.trace(SCENARIOS[group + "-apply"])
        # Killed at the write of the record that would have come next, or once its own was on disk.
        for name, record, later in (("middle", "COMMITTED", 0), ("committed", "PROVEN", 0), ("proven", "PROVEN", 2)):
            self.interrupt(bench, group, name, at_record(calls, record) + later)
        back = bench.trace(SCENARIOS[group + "-rollback"])
        self.interrupt(bench, group, "undoing", at_record(back, "UNDONE"), "rollback")
        self.await_confirm(bench, group, "awaiting", 86400)
        self.await_confirm(bench, group, "due", 1)

    def await_confirm(self, bench, group, name, seconds):
        bench.start(group + ":ready")
        subprocess.run([self.tools.awaiting, bench.tree.path, self.plan(group), str(seconds)], env=driver.ENVIRONMENT,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        self.images[f"{group}:{name}"] = bench.tree.scan()

    def interrupt(self, bench, group, name, at, command="apply"):
        """The image that a kill there leaves."""
        scenario = SCENARIOS[f"{group}-{command}"]
        bench.kill(scenario, at)
        self.images[f"{group}:{name}"] = bench.tree.scan()


def at_record(calls, word, last=False):
    """The call that writes that record of the journal."""
    found = [call.n for call in calls
             if call.kind == "write" and call.path.endswith("/journal") and f" {word} " in call.detail]
    if not found:
        raise RuntimeError(f"no {word} is written to a journal")
    return found[-1 if last else 0]


class Scenario:
    """A command on an image. begin: how the host stands before it; goal: and where exit status 0 says it stands."""

    def __init__(self, group, name, image, arguments, begin, goal):
        self.group, self.name, self.image, self.arguments = group, name, f"{group}:{image}", arguments
        self.begin, self.goal = begin, goal


def all_scenarios():
    """{"files-apply": Scenario, ...}. What a command still to come needs is one more line here."""
    table = (
        ("apply", "ready", ["apply", "PLAN"], "before", "after"),
        ("rollback", "applied", ["rollback"], "after", "before"),
        ("recover-middle", "middle", ["recover"], None, "before"),
        ("recover-proven", "proven", ["recover"], None, "after"),
        ("recover-undoing", "undoing", ["recover"], None, "before"),
        ("confirm", "awaiting", ["confirm"], "after", "after"),
        ("rollback-awaiting", "awaiting", ["rollback"], "after", "before"),
        ("recover-due", "due", ["recover"], "after", "before"),
    )
    return {f"{group}-{row[0]}": Scenario(group, f"{group}-{row[0]}", *row[1:])
            for group in ("files", "store", "small") for row in table}


SCENARIOS = all_scenarios()


class Bench:
    """One tree of one worker, and hamedic on it."""

    def __init__(self, stock, folder, root=None, label="", processor=None):
        """root: the tree's own path, on a file system that does other calls: its traces are kept under that label.
        processor: what is watched stays on it."""
        os.makedirs(folder, exist_ok=True)
        self.stock, self.tools = stock, stock.tools
        self.folder = folder
        self.processor = processor
        self.driver = driver.Driver(self.tools.inject, folder, processor)
        self.tree = tree.Tree(root or os.path.join(folder, "tree"), cached=root is None)
        self.label = label

    # ---- running ----

    def start(self, image):
        self.tree.reset(self.stock.images[image])

    def command(self, arguments, group=None):
        return [self.tools.hamedic, "--root", self.tree.path,
                *(self.stock.plan(group) if one == "PLAN" else one for one in arguments)]

    def hamedic(self, arguments, fault=driver.NOTHING, group=None):
        return self.driver.run(self.command(arguments, group), fault)

    def plainly(self, arguments):
        """Without the driver: (status, output, errors)."""
        done = subprocess.run(self.command(arguments), env=driver.ENVIRONMENT, stdin=subprocess.DEVNULL,
                              capture_output=True, check=False, close_fds=False, timeout=driver.SECONDS * 20)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def run(self, scenario, fault=driver.NOTHING):
        self.start(scenario.image)
        return self.hamedic(scenario.arguments, fault, scenario.group)

    def fire(self, start, arguments, group, fault, at, clamp=False):
        """A run with `fault(at)`. How often a process asks for memory varies by one or two: a call that would be the
        last one by another count is taken as the last one by this. clamp: so is any later one."""
        at = int(at)
        for _ in range(5):
            start()
            report = self.hamedic(arguments, fault(at), group)
            if report.fired > 0 or (report.calls < at - 6 and not clamp):
                break
            at = max(1, min(at - 1, report.calls))
        if report.fired < 1:
            raise Failed(f"the fault did not take place: {report.words()}")
        return report

    def kill(self, scenario, at):
        """The scenario, killed there."""
        report = self.fire(lambda: self.start(scenario.image), scenario.arguments, scenario.group, driver.kill, at)
        if report.ended != "signal" or report.status != 9:
            raise Failed(f"it was not killed: {report.words()}")
        return report

    def trace(self, scenario, fault=driver.NOTHING):
        """Its calls when nothing goes wrong."""
        key = scenario.name + self.label
        known = self.stock.traces.get(key)
        if known is None or fault:
            self.start(scenario.image)
            report, known = self.driver.trace(self.command(scenario.arguments, scenario.group), fault)
            if report.ended != "exit" or report.status != 0 or (report.calls != len(known) and not fault):
                raise RuntimeError(f"{scenario.name} does not work at all: {report.words()}")
            if not fault:
                self.stock.traces[key] = known
        return known

    # ---- judging ----

    def store_view(self, found):
        """What the policy store says, or None where there is none: its own files are no one's business."""
        kernel = found.get(ACTIVE + "policy.kern")
        if not any(is_below(name, STORE) for name in found):
            return None
        if kernel is None:
            return "no active store"
        local = [found[ACTIVE + name].data if ACTIVE + name in found else b""
                 for name in ("booleans.local", "ports.local")]
        key = hashlib.sha256(b"\0".join([kernel.data, found[INSTALLED].data, *local])).digest()
        if key not in self.stock.policies:
            shown = subprocess.run([self.tools.policy_store, self.tree.path, "show"], env=driver.ENVIRONMENT,
                                   capture_output=True, check=False, text=True)
            self.stock.policies[key] = shown.stdout + shown.stderr
        return self.stock.policies[key]

    def side(self, group, found=None, staged_too=True):
        """"before", "after" or "mixed"; and what is as neither. staged_too: what is staged counts, too."""
        found = self.tree.scan() if found is None else found
        if not staged_too:
            found = self.without_staged(group, found)
        store = self.store_view(found)
        mismatch = []
        for name, side in (("before", self.stock.before[group]), ("after", self.stock.after[group])):
            files = side.of(found)
            if files == side.files and store == side.store:
                return name, ""
            lines = tree.differences(side.files, files)
            if store != side.store:
                lines.append(f"the policy store says {store!r}")
            mismatch.append(f"compared with {name}:\n      " + "\n      ".join(lines))
        return "mixed", "\n    ".join(mismatch)

    def history(self, group):
        """The last transaction of that plan: "applied", "rolled back", ... or "none"."""
        status, out, err = self.plainly(["history", "--json"])
        if status != 0:
            raise Failed(f"history: exit status {status}: {err}")
        with open(self.stock.plan(group), encoding="ascii") as file:
            plan = json.load(file)["id"]
        states = [one["state"] for one in json.loads(out)["transactions"] if one["plan"] == plan]
        return states[-1] if states else "none"

    def without_staged(self, group, found):
        """Less what is staged, and the folders that were made for nothing else."""
        kept = {name: entry for name, entry in found.items() if not os.path.basename(name).startswith(".hamedic")}
        for name in sorted(kept, reverse=True):  # innermost first
            if (kept[name].kind == "d" and name not in self.stock.before[group].files and
                    not is_below(name, OWN + STORE) and not any(other.startswith(name + "/") for other in kept)):
                del kept[name]
        return kept

    def leftovers(self, found):
        return [name for name in found
                if not is_below(name, STORE) and (os.path.basename(name).startswith(".hamedic") or "/.new-" in name)]

    def settle(self, group, may_ask=False):
        """`hamedic recover`, and everything that must hold then. Gives the side on which the host came to stand.
        may_ask: a command that met an error may have left it to a person; then what it tells that person works."""
        status, out, err = self.plainly(["recover"])
        if status == 5 and may_ask and "waits for a person" in err:
            status, out, err = self.plainly(["rollback"])
        if status == 0 and "awaits its confirmation" in out:
            status, out, err = self.plainly(["confirm"])
        if status not in (0, 4) or (status == 4 and "not confirmed in time" not in out):
            raise Failed(f"recover: exit status {status}: {out}{err}")
        return self.check_settled(group)

    def check_settled(self, group):
        found = self.tree.scan()
        side, words = self.side(group, found)
        if side == "mixed":
            raise Failed(f"the host is neither before nor after\n    {words}")
        state = self.history(group)
        if {"before": ("rolled back", "none"), "after": ("applied",)}[side].count(state) == 0:
            raise Failed(f"the host is {side}, but the journal says '{state}'")
        left = self.leftovers(found)
        if left:
            raise Failed(f"left behind: {', '.join(left)}")
        status, out, err = self.plainly(["recover"])
        if status != 0 or "No transaction was interrupted." not in out:
            raise Failed(f"recover again: exit status {status}: {out}{err}")
        return side
