"""One scenario's whole circle, from a fault that was really made to a host that is as before.

Use:     expect = Expect.read(folder); Circle(machine, name, expect, has, note).run()
         has(FILE) tells which optional files there are.
Shapes:  the machine is ready, and hamedic is installed on it (prepare.sh). run() raises Failed with one sentence.
"""
import json
import re
import time

SCENARIO = "/opt/lab/scenarios"
PLAN = "/root/fix.plan"
IMPACTS = ("none", "reload", "restart")
HEALTH = ("fixed", "good", "bad")
TRUE_ANYWAY = {"cpu-saturated"}  # an emulated processor may be busy whatever was broken
FINGERPRINT_LEAST = 1000  # lines: a host has more than that


class Failed(Exception):
    """The circle did not close; the text says where."""


class Expect:
    """The lines of a scenario's file `expect` (tests/lab/README.md)."""

    KEYS = ("cause", "possible", "not-cause", "change", "impact", "exit", "exposes", "health", "wish", "plan-exit",
            "plan-says", "undo-differs", "undo-health")

    def __init__(self):
        self.lines = {key: [] for key in self.KEYS}

    @classmethod
    def read(cls, path):
        expect = cls()
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                line = line.strip()
                if not line or line.startswith("#"):
                    continue
                key, equals, value = line.partition("=")
                if not equals or key not in cls.KEYS or not value:
                    raise Failed(f"{path}:{number}: expected KEY=VALUE with one of {', '.join(cls.KEYS)}")
                expect.lines[key].append(value)
        for key, known in (("impact", IMPACTS), ("health", HEALTH), ("undo-health", ("good", "bad"))):
            for value in expect.lines[key]:
                if value not in known:
                    raise Failed(f"{path}: {key}={value}: expected {', '.join(known)}")
        if not any(expect.lines[key] for key in ("cause", "not-cause", "wish")):
            raise Failed(f"{path}: it names no cause, no not-cause and no wish, so nothing would be tested")
        return expect

    def one(self, key, default=None):
        return self.lines[key][-1] if self.lines[key] else default


def same_list(what, expected, got):
    if expected != got:
        raise Failed(f"{what}: expected {' '.join(expected) or 'none'}; got {' '.join(got) or 'none'}")


class Circle:
    def __init__(self, machine, name, expect, has, note):
        self.machine, self.name, self.expect, self.has, self.note = machine, name, expect, has, note
        self.health = expect.one("health", "fixed")

    # ---- what is done in the guest ----

    def do(self, command, seconds=120, status=0):
        """Runs a command that must end with this status (None: any); (status, output)."""
        begin = time.monotonic()
        got, output = self.machine.do(command, seconds)
        self.note(f"$ {command}\n{output}\n[status {got}, {time.monotonic() - begin:.1f} s]\n")
        if status is not None and got != status:
            last = output.strip().splitlines()[-8:]
            raise Failed(f"'{command}' ended with {got}, not {status}: " + " | ".join(last))
        return got, output

    def script(self, name):
        return f"cd {SCENARIO}/{self.name} && sh -eu ./{name}"

    def document(self, command, status):
        """The JSON document that a command of hamedic prints, or wrote."""
        _, output = self.do(command, 120, status)
        try:
            return json.loads(output)
        except ValueError as error:
            raise Failed(f"'{command}' printed no JSON document: {error}") from None

    def fingerprint(self, name):
        self.do(f"sh /opt/lab/fingerprint.sh >/root/{name}", 180)

    def main_pid(self):
        return self.do("systemctl show -p MainPID --value haproxy.service", 30)[1].strip()

    def is_healthy(self):
        return self.do(self.script("healthy.sh"), 60, None)[0] == 0

    def must_be(self, healthy, seconds, when):
        end = time.monotonic() + seconds
        while self.is_healthy() != healthy:
            if time.monotonic() > end:
                raise Failed(f"healthy.sh {'fails' if healthy else 'passes'} {when}")
            time.sleep(1)

    # ---- what hamedic says ----

    def diagnosis(self):
        status, output = self.do("hamedic diagnose --json", 120, None)
        if status not in (0, 2):
            raise Failed(f"hamedic diagnose ended with {status}")
        findings = json.loads(output)["findings"]
        if bool([one for one in findings if one["state"] == "proven"]) != (status == 2):
            raise Failed(f"hamedic diagnose ended with {status}, which is not what it found")
        return {state: sorted({one["cause"] for one in findings if one["state"] == state})
                for state in ("proven", "possible")}

    def judge_causes(self, causes):
        expect = self.expect.lines
        named_anyway = TRUE_ANYWAY - {*expect["cause"]}
        same_list("causes", sorted(set(expect["cause"])), [one for one in causes["proven"] if one not in named_anyway])
        for cause in expect["possible"]:
            if cause not in causes["possible"]:
                raise Failed(f"possible causes: {cause} is not among them: {' '.join(causes['possible']) or 'none'}")
        for cause in expect["not-cause"]:
            if cause in causes["proven"] + causes["possible"]:
                raise Failed(f"{cause} is named, and must not be")

    def judge_plan(self, plan):
        expect, changes = self.expect.lines, plan["changes"]
        got = []
        for index, change in enumerate(changes):
            wanted = expect["change"][index] if index < len(expect["change"]) else ""
            value = "=" + str(change["after"]["persistent"]) if "=" in wanted else ""
            got.append(change["address"] + value)
        same_list("changes", expect["change"], got)
        impact = max((IMPACTS.index(one["impact"]) for one in changes), default=0)
        if expect["impact"] and IMPACTS[impact] != self.expect.one("impact"):
            raise Failed(f"impact: expected {self.expect.one('impact')}; got {IMPACTS[impact]}")
        exposure = " ".join(" ".join(one["exposure"]) for one in changes)
        for text in expect["exposes"]:
            if not re.search(text, exposure):
                raise Failed(f"exposure: nothing like '{text}' is told, but: {exposure or 'nothing'}")

    # ---- the circle ----

    def run(self):
        expect = self.expect.lines
        self.must_be(True, 60, "before anything was broken")
        self.do(self.script("break.sh"), 240)
        self.must_be(self.health == "good", 30, "after break.sh")
        if not expect["wish"]:
            self.do("hamedic diagnose", 120, None)  # as a person sees it, for the log
            self.judge_causes(self.diagnosis())
        wishes = "".join(f" --set '{wish}'" for wish in expect["wish"])
        wanted = int(self.expect.one("plan-exit", "0"))
        _, said = self.do(f"hamedic plan -o {PLAN}{wishes}", 180, wanted)
        for text in expect["plan-says"]:
            if not re.search(text, said):
                raise Failed(f"hamedic plan says nothing like '{text}': {said.strip()}")
        if wanted != 0:
            return
        plan = self.document(f"cat {PLAN}", 0)
        self.judge_plan(plan)
        self.fingerprint("before")
        pid = self.main_pid()
        for number in range(1, plan["approvals"] + 1):
            self.do(f"hamedic approve {PLAN} -k /root/ops{number}.key")
        self.apply()
        if self.has("unconfirmed.sh"):
            self.reboot()
            self.do(self.script("unconfirmed.sh"))
        elif int(self.expect.one("exit", "0")) == 0 and expect["change"]:
            self.is_repaired(plan, pid)
            self.do("hamedic rollback", 240)
        self.is_as_before()

    def reboot(self):
        begin = time.monotonic()
        self.machine.reboot(300)
        self.note(f"[rebooted, {time.monotonic() - begin:.1f} s]\n")

    def apply(self):
        if self.has("during.sh"):
            self.do(f"{self.script('during.sh')} >/root/during.log 2>&1 3<&- & echo $! >/root/during.pid; sleep 2;"
                    " kill -0 $(cat /root/during.pid) || { cat /root/during.log; exit 1; }", 60)  # it is still at work
        command = self.script("apply.sh") if self.has("apply.sh") else f"hamedic apply {PLAN}"
        self.do(command, 300, int(self.expect.one("exit", "0")))
        if self.has("during.sh"):
            self.do("touch /root/applied; for i in $(seq 240); do"
                    " kill -0 $(cat /root/during.pid) 2>/dev/null || break; sleep 1; done;"
                    " cat /root/during.log; tail -n 1 /root/during.log | grep -qx survived", 270)

    def is_repaired(self, plan, pid):
        if self.health != "bad":
            self.must_be(True, 45, "after apply")
        if "restart" not in self.expect.lines["impact"] and pid != "0" and self.main_pid() != pid:
            raise Failed("HAProxy's main process is another one after apply, though nothing should restart it")
        self.causes_are_gone("after apply")
        if self.has("reboot"):
            self.reboot()
            if self.health != "bad":
                self.must_be(True, 60, "after the reboot")
            self.causes_are_gone("after the reboot")
        for change in plan["changes"]:  # both sides stand: the same wish needs no change
            value = change["after"]["persistent"] or ""
            again = self.document(f"hamedic plan --json --set '{change['address']}={value}' -o /root/again.plan", 0)
            if any(one["actions"] != ["no-op"] for one in again["changes"]):
                raise Failed(f"{change['address']}={value} does not stand any more")

    def causes_are_gone(self, when):
        if not self.expect.lines["change"]:
            return
        left = [one for one in self.diagnosis()["proven"] if one in self.expect.lines["cause"]]
        if left and self.health != "bad":
            raise Failed(f"{' '.join(left)} is still there {when}")

    def is_as_before(self):
        self.fingerprint("after")
        # What cannot come back (it only ran, and was in no file) is said by the scenario, line for line.
        differs = "|".join(["^$"] + self.expect.lines["undo-differs"])
        _, before = self.do(f"grep -vE '{differs}' /root/before >/root/before.p; wc -l </root/before.p", 30)
        self.do(f"grep -vE '{differs}' /root/after >/root/after.p", 30)
        if int(before) < FINGERPRINT_LEAST:
            raise Failed(f"a fingerprint of {before.strip()} lines compares nothing")
        status, output = self.do("diff /root/before.p /root/after.p", 60, None)
        if status != 0:
            raise Failed("the host is not as before: " + " | ".join(output.strip().splitlines()[:12]))
        if self.health == "fixed":
            good = self.expect.one("undo-health") == "good"
            self.must_be(good, 45, "after the rollback" if good else "after the rollback, though the fault is back")
