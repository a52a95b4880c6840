"""For comparison: the same kills on the way of a runbook, and on augtool saving two files.

They have no recover: what the operator has is what the kill left. Nothing here decides whether hamedic holds.
"""
import os
import re

import bench as benches
import driver
import tree
from driver import Failed
from rows.row import Row, sample

SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers")
SYSTEM = ("protocols", "passwd", "group")  # of /etc, which semanage asks
PLAIN = re.compile(r"store sound\nboolean (on local|off)\nport (http_port_t local|unreserved_port_t)\n")


class Peer(Row):
    """One script of tests/crash/peers that is killed with everything it started."""
    compared = True
    group = ""   # the tree that it begins with is hamedic's
    script = ()  # what runs it; the last one is the file

    def start_image(self, bench):
        image = dict(bench.stock.images[self.group + ":ready"])
        for name in SYSTEM:
            path = os.path.join("/etc", name)
            image["etc/" + name] = tree.read_entry(path, os.lstat(path))
        return image

    def command(self, bench):
        root = os.path.join(bench.folder, "place")
        os.makedirs(root, exist_ok=True)
        return ["unshare", "--mount", "--net", "sh", os.path.join(SCRIPTS, "place.sh"), bench.tree.path, root,
                "env", "PYTHONHASHSEED=0", *self.script]

    def driver(self, bench):
        return driver.Driver(os.path.join(bench.tools.helpers, "follow"), bench.folder)

    def ready(self, bench):
        """Its images, made once: as the script finds the host, and as it leaves it when nobody kills it."""
        stock = bench.stock
        if self.name in stock.after:
            return
        before = self.start_image(bench)
        stock.images[self.name] = before
        bench.start(self.name)
        stock.before[self.name] = benches.Side(before)
        stock.before[self.name].store = bench.store_view(bench.tree.scan())
        report, calls = self.driver(bench).trace(self.command(bench))
        if report.ended != "exit" or report.status != 0:
            raise RuntimeError(f"{self.name} does not work at all: {report.words()}")
        after = bench.tree.scan()
        stock.images[self.name + ":after"] = after
        changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        stock.after[self.name] = benches.Side(after, changed)
        stock.after[self.name].store = bench.store_view(after)
        self.same_as_hamedic(bench, after)
        begin = next(call.n for call in calls if call.path.endswith("/" + os.path.basename(self.script[-1])))
        stock.traces[self.name] = [call for call in calls if call.n > begin]

    def same_as_hamedic(self, bench, after):
        """The whole of the work is compared, or it is no comparison."""
        cfg = [line.split(b"#")[0].split() for line in after["etc/haproxy/haproxy.cfg"].data.splitlines()]
        wanted = bench.stock.images[self.group + ":applied"]["etc/haproxy/haproxy.cfg"].data
        if cfg != [line.split(b"#")[0].split() for line in wanted.splitlines()]:
            raise RuntimeError(f"{self.name}: haproxy.cfg does not say what hamedic's plan makes it say")
        if b"net.core.somaxconn" not in after["etc/sysctl.d/99-haproxy.conf"].data:
            raise RuntimeError(f"{self.name}: the kernel setting is not in its file")

    def cases(self, bench, long):
        """A part spread over all its calls, the rest over those that change something; the store makes most of these."""
        self.ready(bench)
        calls = bench.stock.traces[self.name]
        changing = [call.n for call in calls if call.changes()]
        apart = [call.n for call in calls
                 if call.changes() and not any("/" + folder in call.path for folder in benches.STORE)]
        every, some, few = (1000, 1000, 1000) if long else (30, 20, 30)
        chosen = sample([call.n for call in calls], every) + sample(changing, some) + sample(apart, few)
        return [str(n) for n in sorted(set(chosen))]

    def attempt(self, bench, case):
        self.ready(bench)
        bench.start(self.name)
        report = self.driver(bench).run(self.command(bench), driver.kill(case))
        if report.fired == 0 and report.calls < int(case):  # its processes run side by side: some calls more or less
            bench.start(self.name)
            report = self.driver(bench).run(self.command(bench), driver.kill(report.calls - 4))
        if report.fired != 1 or report.ended != "signal" or report.status != 9:
            raise Failed(f"it was not killed there: {report.words()}")
        return self.judge(bench)

    def judge(self, bench):
        found = bench.tree.scan()
        before, after = bench.stock.images[self.name], bench.stock.images[self.name + ":after"]
        stray = [name for name in found if name not in before and name not in after]
        stray_files = [name for name in stray if not benches.is_below(name, benches.STORE)]
        kept = {name: entry for name, entry in found.items() if name not in stray_files}
        tags = []
        side = bench.side(self.name, kept)[0]
        if side == "mixed":
            tags.append("changed in part")
        if stray_files:
            tags.append("temporary file left")
        if len(stray_files) < len(stray):
            tags.append("sandbox of the policy store left")
        store = bench.store_view(found)
        if store is not None and not PLAIN.fullmatch(store):
            tags.append("policy store lost or other than the installed policy")
        whole = side != "mixed" and not stray_files
        return 1, int(whole), ["entirely " + side if whole else None, *tags]

    def words(self, counted):
        return ", ".join(f"{counted[tag]} {tag}" for tag in sorted(tag for tag in counted if tag))


class Runbook(Peer):
    name = "runbook"
    about = "for comparison: sed, sysctl, semanage as a script, killed the same way; nothing recovers it"
    group = "store"
    script = ("sh", "/peers/runbook.sh")

    def same_as_hamedic(self, bench, after):
        super().same_as_hamedic(bench, after)
        if bench.stock.after[self.name].store != bench.stock.after["store"].store:
            raise RuntimeError("runbook: the policy store does not say what hamedic's plan makes it say")
        if "etc/systemd/system/haproxy.service.d" in after:
            raise RuntimeError("runbook: the limit of the unit is still there")


class Augtool(Peer):
    name = "augtool"
    about = "for comparison: augtool saves haproxy.cfg and a sysctl file, killed the same way; nothing recovers it"
    group = "files"
    script = ("augtool", "--noautoload", "--file", "/peers/two_files.augtool")

    def start_image(self, bench):
        image = super().start_image(bench)
        image["etc/sysctl.d"] = image["etc/systemd"]  # a folder; augtool makes none
        return image
