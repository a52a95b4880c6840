"""Syncs left out on purpose: the lint, or the power cuts, must see each."""
import driver
from bench import SCENARIOS
from driver import Failed
from rows.cuts import cut_and_recover, on_disk
from rows.lint import lint
from rows.row import Row

# what -> paths whose fsync is said to have worked, and was not made
OMISSIONS = {
    "journal": "*/journal",
    "staged-file": "*/.hamedic.*",
    "undo-copy": "*/.old.*",
    "folder-of-the-target": "*/etc/haproxy",
    "made-folder": "*/etc",
    "folder-of-transactions": "*/var/lib/hamedic/tx",
}
BY_CUTS = (("journal", "ext4"), ("journal", "xfs"), ("staged-file", "xfs"))


class Planted(Row):
    name = "planted"
    about = "syncs left out on purpose and noticed, by the lint and by power cuts"
    unit = "noticed"

    def cases(self, bench, long):
        return [f"lint:{what}" for what in OMISSIONS] + [f"cuts:{what}:{kind}" for what, kind in BY_CUTS]

    def attempt(self, bench, case):
        by, what, *kind = case.split(":")
        omitted = driver.omit(OMISSIONS[what])
        if by == "lint":
            caught = bool(lint(bench, SCENARIOS["files-apply"], omitted)[1])
        else:
            caught = self.cuts_see(bench, omitted, kind[0])
        if not caught:
            raise Failed("nobody noticed")

    def cuts_see(self, bench, omitted, kind):
        scenario = SCENARIOS["files-apply"]
        for call in reversed(on_disk(bench, kind)[1].trace(scenario)):
            if not call.changes():
                continue
            for what in ("metadata", "lost"):
                try:
                    cut_and_recover(bench, scenario, kind, what, call.n, omitted)
                except Failed:
                    return True
        return False
