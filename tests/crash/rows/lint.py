"""From the trace: everything is on disk before the record that says so.

A file is "dirty" from its last write to its fsync, a folder from a change of its names to its own. When a record is
written to the journal nothing may be dirty; when a name is given to a file, that file may not be; and a record is on
disk before anything else is changed.
"""
import os

import driver
from bench import SCENARIOS
from driver import Failed
from rows.row import Row

SCENARIO_NAMES = tuple(f"{group}-{command}" for group in ("files", "store") for command in (
    "apply", "rollback", "recover-middle", "recover-proven", "recover-undoing", "confirm", "rollback-awaiting"))
SHOWN = 12


class Lint(Row):
    name = "lint"
    about = "each write and name is on disk before the record that says so (checks of the trace)"

    def cases(self, bench, long):
        return list(SCENARIO_NAMES)

    def attempt(self, bench, case):
        checked, broken = lint(bench, SCENARIOS[case])
        if broken:
            failure = Failed(f"{len(broken)} of {checked} are not kept:\n      " + "\n      ".join(broken[:SHOWN]))
            failure.counted = checked, checked - len(broken)
            raise failure
        return checked, checked


def lint(bench, scenario, omitted=driver.NOTHING):
    """(how many checks were made, what is not kept)"""
    calls = bench.trace(scenario, omitted)
    watch = Watch(bench.tree.path)
    for call in calls:
        if call.result >= 0:
            watch.see(call)
    watch.end()
    return watch.checked, watch.broken


class Watch:
    def __init__(self, top):
        self.top = top
        self.files, self.folders = {}, {}  # dirty: path -> the call that made it so
        self.journal = None  # a record that is not yet on disk
        self.checked, self.broken = 0, []

    def short(self, path):
        return os.path.normpath(path)[len(self.top):]

    def is_watched(self, path):
        """Not what only this boot needs; not libsemanage's sandbox, which nobody reads before it is given its name."""
        short = self.short(path) + "/"
        sandbox = short.startswith(("/var/lib/selinux/default/tmp/", "/var/lib/selinux/final/",
                                    "/var/lib/selinux/default/previous/"))
        return os.path.normpath(path).startswith(self.top) and not short.startswith("/run/") and not sandbox

    def check(self, holds, words):
        self.checked += 1
        if not holds:
            self.broken.append(words)

    def is_record(self, call):
        return call.kind == "write" and call.path.endswith("/journal") and call.detail

    def is_building(self, path):
        return "/.new-" in path + "/"

    def dirty(self, table, path, call):
        if self.is_watched(path):
            table[os.path.normpath(path)] = f"{driver.call_name(call.number)}, call {call.n}"

    def names_changed(self, path, call):
        folder = os.path.dirname(os.path.normpath(path))
        if self.is_watched(path):
            self.dirty(self.folders, folder, call)

    def moved(self, old, new):
        """What is dirty below the old name is dirty below the new one."""
        for table in (self.files, self.folders):
            for path in list(table):
                if path == old or path.startswith(old + "/"):
                    if self.is_watched(new):
                        table[new + path[len(old):]] = table[path]
                    del table[path]

    def see(self, call):
        path, other = os.path.normpath(call.path), os.path.normpath(call.other)
        if call.changes() and call.kind not in ("sync", "syncfs") and self.is_watched(path):
            if self.journal is not None and path != self.journal[0]:
                self.check(False, f"call {call.n} changes {self.short(path)} before {self.journal[1]} is on disk")
                self.journal = None
        if call.kind in ("write", "meta"):
            if self.is_record(call):
                self.at_record(call, path)
            self.dirty(self.files, path, call)
        elif call.kind == "make":
            self.names_changed(path, call)
            self.dirty(self.files, path, call)
        elif call.kind == "remove":
            self.files.pop(path, None)
            self.folders.pop(path, None)
            self.names_changed(path, call)
        elif call.kind in ("rename", "swap", "link"):
            self.at_name(call, path, other)
        elif call.kind == "sync":
            self.files.pop(path, None)
            self.folders.pop(path, None)
            if self.journal is not None and path == self.journal[0]:
                self.check(True, "")
                self.journal = None
        elif call.kind == "syncfs":
            self.files.clear()
            self.folders.clear()

    def at_name(self, call, path, other):
        if self.is_watched(other):
            self.check(path not in self.files, f"call {call.n} gives {self.short(path)} the name {self.short(other)} "
                       f"before it is on disk ({self.files.get(path)})")
        if call.kind == "swap":
            a, b = self.files.pop(path, None), self.files.pop(other, None)
            self.files.update({name: by for name, by in ((other, a), (path, b)) if by is not None})
        elif call.kind == "rename":
            self.files.pop(other, None)
            self.moved(path, other)
            self.names_changed(path, call)
        self.names_changed(other, call)

    def at_record(self, call, journal):
        words = call.detail.split(" ")
        record = words[4] if len(words) > 4 else "a record"
        for table, what in ((self.files, ""), (self.folders, "the names in ")):
            for path, by in table.items():
                # The folder that is being built says nothing before it has its name.
                if path == journal or (record == "OPEN" and (self.is_building(path) or path.endswith("/tx"))):
                    continue
                self.check(False, f"{record} is written (call {call.n}) before {what}{self.short(path)} "
                           f"({by}) is on disk")
        self.check(True, "")
        self.journal = journal, record

    def end(self):
        for table, what in ((self.files, ""), (self.folders, "the names in ")):
            for path, by in table.items():
                self.check(False, f"it ends before {what}{self.short(path)} ({by}) is on disk")
        self.check(self.journal is None, "it ends before its last record is on disk")
