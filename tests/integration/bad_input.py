"""Whatever hamedic reads, damaged in every way: a clear error, in bounded time, and nothing changed.

    bad_input.py HAMEDIC DIRECTORY [INPUT [DAMAGE]]     with names: only those, and what each command said

A tree stands for the host (--root). Each input in turn is damaged in each way, and every command that could read it
is run. It must end by itself and in time, with a status that it documents; where it failed it must say so in one line
that names the file; and the tree must be byte for byte as before, unless it did what it was asked to do.
"""
import concurrent.futures
import glob
import hashlib
import os
import random
import shutil
import socket
import stat
import subprocess
import sys
import time

TIMEOUT = 60
MEMORY = 512 << 20  # bytes of address space that a command may use
GIB = 1 << 30
SMALL = 1 << 24

TREE = {
    "etc/haproxy/haproxy.cfg": """# by hand
global
    maxconn 2000
    stats socket /run/haproxy.sock mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
""",
    "etc/haproxy/conf.d/10-shop.cfg": """frontend shop
    bind 127.0.0.1:8001
    default_backend shop
backend shop
    server one 127.0.0.1:9001 maxconn 10
""",
    "etc/sysctl.d/60-ports.conf": "# ours\nnet.core.somaxconn = 1024\n",
    "usr/lib/systemd/system/haproxy.service": """[Unit]
Description=HAProxy
[Service]
EnvironmentFile=-/etc/default/haproxy
ExecStart=/usr/sbin/haproxy -Ws -f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d -p /run/haproxy.pid $EXTRAOPTS
""",
    "etc/systemd/system/haproxy.service.d/10-limit.conf": "[Service]\nLimitNOFILE=1000\n",
    "etc/default/haproxy": "# options\nEXTRAOPTS=\"-S /run/haproxy-master.sock\"\n",
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "etc/hostname": "host1\n",
    "etc/selinux/config": "SELINUX=enforcing\nSELINUXTYPE=targeted\n",
    "etc/hamedic/hamedic.conf": "# where things are\nunit = \"haproxy.service\"\n",
}
WISHES = ["haproxy.maxconn:global=3000", "sysctl.dropin:net.core.somaxconn=4096",
          "systemd.limit:haproxy.service=200000"]
NEXT_WISHES = ["haproxy.maxconn:global=4000", "sysctl.dropin:net.core.somaxconn=8192",
               "systemd.limit:haproxy.service=300000", "haproxy.maxconn:server/shop/one=20"]

COMMANDS = {  # {tree} and {plans} are put in
    "plan": ["--root", "{tree}", "plan", "-q", "-o", "{plans}/made.plan"] + [
        word for wish in NEXT_WISHES for word in ("--set", wish)],
    "diagnose": ["--root", "{tree}", "diagnose", "--json"],
    "label": ["--root", "{tree}", "plan", "-q", "--set", "selinux.port:tcp/8888=http_port_t"],
    "show": ["--root", "{tree}", "show", "{plans}/next.plan"],
    "verify": ["--root", "{tree}", "verify", "{plans}/next.plan"],
    "approve": ["--root", "{tree}", "approve", "{plans}/next.plan", "-k", "{plans}/second.key"],
    "apply": ["--root", "{tree}", "apply", "{plans}/next.plan"],
    "history": ["--root", "{tree}", "history"],
    "rollback": ["--root", "{tree}", "rollback"],
    "recover": ["--root", "{tree}", "recover"],
}


def fail(text):
    sys.exit(f"bad_input: {text}")


class Result:
    def __init__(self, status, out, err, seconds):
        self.status, self.out, self.err, self.seconds = status, out, err, seconds


def run(hamedic, arguments):
    """In bounded time and memory; without a terminal."""
    begin = time.monotonic()
    limit = [] if os.environ.get("HAMEDIC_SANITIZED") else ["prlimit", f"--as={MEMORY}"]
    try:
        done = subprocess.run([*limit, hamedic, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as hung:
        return Result(124, hung.stdout or b"", hung.stderr or b"", time.monotonic() - begin)
    return Result(done.returncode, done.stdout, done.stderr, time.monotonic() - begin)


# ---- the undamaged scene: a tree with a plan applied, and the next plan signed and approved ----

def make_scene(hamedic, scene, policy):
    tree, plans = f"{scene}/tree", f"{scene}/plans"
    for path, text in TREE.items():
        os.makedirs(os.path.dirname(f"{tree}/{path}"), exist_ok=True)
        with open(f"{tree}/{path}", "w", encoding="ascii") as file:
            file.write(text)
    os.makedirs(f"{tree}/etc/hamedic/policy.d")
    shutil.copy(policy, f"{tree}/etc/hamedic/policy.d/50-policy.conf")
    os.chmod(f"{tree}/etc/hamedic/policy.d/50-policy.conf", 0o644)  # whatever the checkout has
    os.makedirs(f"{tree}/etc/hamedic/operators")
    os.makedirs(plans)

    def must(*arguments):
        result = run(hamedic, arguments)
        if result.status != 0:
            fail(f"{arguments}: {result.status}: {result.err.decode()}")

    must("--root", tree, "keygen")
    for name in ("ops", "second"):
        must("keygen", "-W", "-o", f"{plans}/{name}")
        shutil.copy(f"{plans}/{name}.pub", f"{tree}/etc/hamedic/operators/{name}.pub")
    for name, wishes in (("first", WISHES), ("next", NEXT_WISHES)):
        sets = [word for wish in wishes for word in ("--set", wish)]
        must("--root", tree, "plan", "-o", f"{plans}/{name}.plan", *sets)
        must("--root", tree, "approve", f"{plans}/{name}.plan", "-k", f"{plans}/ops.key")
        if name == "first":
            must("--root", tree, "apply", f"{plans}/first.plan")
    must("--root", tree, "verify", f"{plans}/next.plan")


def fingerprint(tree):
    """All but /run/hamedic, where the lock is."""
    lines = []
    for folder, folders, files in os.walk(tree):
        if folder == f"{tree}/run":
            folders[:] = []
            continue
        for name in folders + files:
            path = f"{folder}/{name}"
            at = os.lstat(path)
            line = f"{path} {at.st_mode:o} {at.st_uid} {at.st_gid} {at.st_size if not stat.S_ISDIR(at.st_mode) else 0}"
            if stat.S_ISLNK(at.st_mode):
                line += " " + os.readlink(path)
            elif stat.S_ISREG(at.st_mode) and at.st_size <= SMALL:
                with open(path, "rb") as file:
                    line += " " + hashlib.sha256(file.read()).hexdigest()
            elif stat.S_ISREG(at.st_mode):
                line += f" {at.st_mtime_ns}"
            lines.append(line)
    return sorted(lines)


# ---- damages ----

def rewrite(path, change):
    with open(path, "rb") as file:
        text = file.read()
    with open(path, "r+b") as file:
        file.truncate()
        file.write(change(text))


def after_first_line(insert):
    def change(text):
        end = text.find(b"\n") + 1
        return text[:end] + insert + text[end:]
    return change


def sparse(path):
    os.truncate(path, GIB)


def all_sparse(path):
    os.truncate(path, 0)
    os.truncate(path, GIB)


def replaced(make):
    def damage(path):
        os.unlink(path)
        make(path)
    return damage


def bind_socket(path):
    folder, name = os.path.split(path)
    at = os.open(folder, os.O_PATH | os.O_DIRECTORY)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(f"/proc/self/fd/{at}/{name}")
    os.close(at)


def many_sections(path):
    """Ten thousand of what the file's language calls a section."""
    if path.endswith(".cfg"):
        text = "".join(f"backend many{n}\n    server s 127.0.0.1:1 maxconn 10\n" for n in range(10000))
    elif "/hamedic/" in path:
        text = "".join(f"bound \"sysctl.dropin:many.n{n}\" {{\n    min = 1\n    max = 2\n}}\n" for n in range(10000))
    else:
        text = "".join(f"[Service{n}]\nname{n}=1\n" for n in range(10000))
    rewrite(path, lambda old: old + text.encode())


def repeated(path):
    """Large, but not too large to be read."""
    size = 5 << 20 if path.endswith(".cfg") else 1000 << 10
    rewrite(path, lambda text: text * (size // len(text)))


def continued(path):
    rewrite(path, lambda text: text + b"[Service]\nName=" + b"a\\\n" * (1 << 20))


DAMAGES = {
    "repeated": repeated,
    "continued": continued,
    "sparse": sparse,
    "zeros": all_sparse,
    "nul": lambda path: rewrite(path, after_first_line(b"max\0conn 1\n")),
    "noise": lambda path: rewrite(path, lambda _: random.Random(1).randbytes(65536)),
    "noise-behind": lambda path: rewrite(path, after_first_line(random.Random(2).randbytes(4096))),
    "long-line": lambda path: rewrite(path, after_first_line(b"a" * (10 << 20) + b"\n")),
    "cut": lambda path: rewrite(path, lambda text: text[:len(text) * 6 // 10]),
    "empty": lambda path: rewrite(path, lambda _: b""),
    "word": lambda path: rewrite(path, after_first_line(b"certainlynothing\n")),
    "sections": many_sections,
    "directory": replaced(os.mkdir),
    "fifo": replaced(os.mkfifo),
    "socket": replaced(bind_socket),
    "loop": replaced(lambda path: os.symlink(os.path.basename(path), path)),
    "dangling": replaced(lambda path: os.symlink("nowhere", path)),
    "absent": replaced(lambda path: None),
    "owner": lambda path: os.chown(path, 65534, 65534),
}


# ---- what must be refused, and by whom ----

LARGE = {"sparse", "zeros"}
NO_FILE = {"directory", "fifo", "socket", "loop"}
BAD_TEXT = {"nul", "noise", "noise-behind", "long-line", "word"}
ALL = set(DAMAGES)
EVERY_COMMAND = tuple(COMMANDS)
PLANNING = ("plan", "diagnose", "apply", "rollback", "recover")
# What takes back or keeps needs no policy, no settings and no HAProxy: nothing of that may be in its way.
REPAIRING = ("rollback", "recover")
NEEDING = ("plan", "diagnose", "apply")
REVIEWING = ("show", "verify", "approve", "apply")

# Path below the scene: who reads it; the damages with which each of `refusing` must fail, and name the file.
INPUTS = {
    "tree/etc/haproxy/haproxy.cfg": (PLANNING, ("plan", "apply"), (LARGE | NO_FILE | BAD_TEXT) - {"directory"} | {
        "dangling", "absent", "cut"}),
    # Of a directory HAProxy takes the regular files *.cfg.
    "tree/etc/haproxy/conf.d/10-shop.cfg": (PLANNING, ("plan", "apply"), LARGE | {"nul", "noise", "loop", "dangling"}),
    # systemd leaves out what is no file, and lines that it does not understand.
    "tree/etc/sysctl.d/60-ports.conf": (PLANNING, ("plan", "apply"), LARGE | {"long-line"}),
    "tree/usr/lib/systemd/system/haproxy.service": (PLANNING, NEEDING, LARGE | {"long-line"}),
    "tree/etc/systemd/system/haproxy.service.d/10-limit.conf": (PLANNING, NEEDING, LARGE | {"long-line"}),
    "tree/etc/default/haproxy": (PLANNING, NEEDING, LARGE | NO_FILE | {"long-line"}),
    "tree/etc/machine-id": (("plan", "verify", "apply"), ("plan", "verify", "apply"),
                            LARGE | NO_FILE | {"noise", "noise-behind", "long-line"}),
    "tree/etc/hostname": (("plan", "diagnose"), (), set()),
    "tree/etc/selinux/config": (("label",), ("label",), LARGE | NO_FILE | {"long-line"}),
    "tree/etc/hamedic/hamedic.conf": (EVERY_COMMAND, tuple(name for name in EVERY_COMMAND if name not in REPAIRING), ALL - {
        "empty", "dangling", "absent", "repeated"}),
    "tree/etc/hamedic/policy.d/50-policy.conf": (PLANNING + REVIEWING, NEEDING + REVIEWING, ALL - {"absent"}),
    "tree/etc/hamedic/agent.key": (("plan",), ("plan",), ALL - {"absent"}),
    "tree/etc/hamedic/agent.pub": (REVIEWING, REVIEWING, ALL - {"absent"}),
    "tree/etc/hamedic/operators/ops.pub": (REVIEWING, REVIEWING, ALL - {"absent"}),
    "tree/var/lib/hamedic/lineage": (("plan", "verify", "apply"), ("plan", "verify", "apply"), ALL - {
        "dangling", "absent", "owner"}),
    "tree/var/lib/hamedic/tx/*/plan": (("history", "apply", "rollback", "recover"), ("apply", "rollback", "recover"),
                                       ALL - {"owner"}),
    "tree/var/lib/hamedic/tx/*/journal": (("history", "apply", "rollback", "recover"),
                                          ("apply", "rollback", "recover"), ALL - {"cut", "owner"}),
    "tree/var/lib/hamedic/tx/*/old.*": (("history", "rollback", "recover"), ("rollback",), ALL - {"absent", "owner"}),
    "plans/next.plan": (REVIEWING, REVIEWING, ALL - {"owner"}),
    "plans/next.plan.minisig": (REVIEWING, REVIEWING, ALL - {"absent", "owner"}),
    "plans/next.plan.ops.minisig": (REVIEWING, REVIEWING, ALL - {"absent", "owner"}),
    "plans/second.key": (("approve",), ("approve",), ALL),
}
# Where the damage stands in a line, the message names that line.
LINES = {(path, damage): ":2:" for path in ("haproxy.cfg", "hamedic.conf", "50-policy.conf", "journal")
         for damage in ("nul", "word")}

WITHOUT = ("tree/usr/lib/systemd/system/haproxy.service", "tree/etc/systemd/system/haproxy.service.d/10-limit.conf",
           "tree/etc/default/haproxy", "tree/etc/hamedic/hamedic.conf", "tree/etc/hamedic/policy.d/50-policy.conf")
STATUSES = {"diagnose": {0, 1, 2, 3}, "apply": {0, 1, 3, 5}, "rollback": {0, 1, 3, 5}, "recover": {0, 1, 3, 5}}
MAKES_CHANGES = ("apply", "rollback", "recover")


def complaints(case, name, damage, command, result, changed, usual):
    """What is wrong with this result; empty: nothing."""
    said = result.err.decode(errors="replace")
    refused = result.status in (1, 3, 5)
    wrong = []
    if result.status == 124:
        return ["it hangs"]
    if result.status not in STATUSES.get(command, {0, 1, 3}):
        wrong.append("no status that it documents")
    if any(word in said for word in ("a bug in hamedic", "out of memory", "runtime error", "Sanitizer")):
        wrong.append("its own fault")
    if any(not (" " <= byte <= "~" or byte == "\n") for byte in said):
        wrong.append("bytes that no terminal should get")
    if refused and not said.startswith("hamedic: "):
        wrong.append("no error message")
    if refused and len(said) > 4096:
        wrong.append("no clear message")
    # An interrupted transaction is brought to its end first, and an incomplete rollback undoes what it can.
    may_change = command in MAKES_CHANGES and (result.status in (0, 5) or damage == "cut")
    if changed and not may_change:
        wrong.append("the tree changed")
    if refused and os.path.exists(f"{case}/plans/made.plan"):
        wrong.append("a plan is left although it failed")
    _, refusing, damages = INPUTS[name]
    if command in REPAIRING and command not in refusing and name in WITHOUT and result.status not in (0, usual):
        wrong.append("what it does not need is in its way")
    if command in refusing and damage in damages:
        file = os.path.basename(name).rstrip("*")
        if not refused:
            wrong.append("not refused")
        elif file not in said:
            wrong.append(f"'{file}' is not named")
        line = LINES.get((file, damage))
        if line is not None and f"{file}{line}" not in said:
            wrong.append(f"line '{line}' is not named")
    elif result.status == 1 and usual == 0 and not said.strip():
        wrong.append("no reason")
    return wrong


def usual_statuses(hamedic, scene, case):
    usual = {}
    for command, arguments in COMMANDS.items():
        shutil.rmtree(case, ignore_errors=True)
        shutil.copytree(scene, case, symlinks=True)
        usual[command] = run(hamedic, [a.format(tree=f"{case}/tree", plans=f"{case}/plans") for a in arguments]).status
        # There is no policy store in the tree; everything else works.
        if usual[command] != (1 if command == "label" else 0):
            fail(f"{command} ends with {usual[command]} where nothing is damaged")
    return usual


def try_some(hamedic, base, worker, chosen, usual, verbose):
    """One of several at work side by side, each in a folder of its own."""
    scene, case = f"{base}/scene", f"{base}/case{worker}"
    runs, refusals, failures = 0, 0, []
    for name, damage in chosen:
        commands, fresh, before = INPUTS[name][0], False, None
        for command in commands:
            if not fresh:
                shutil.rmtree(case, ignore_errors=True)
                shutil.copytree(scene, case, symlinks=True)
                found = glob.glob(f"{case}/{name}")
                if len(found) != 1:
                    fail(f"there are {len(found)} files '{name}'")
                DAMAGES[damage](found[0])
                before = fingerprint(f"{case}/tree")
            result = run(hamedic, [a.format(tree=f"{case}/tree", plans=f"{case}/plans") for a in COMMANDS[command]])
            changed = fingerprint(f"{case}/tree") != before
            wrong = complaints(case, name, damage, command, result, changed, usual[command])
            runs += 1
            refusals += result.status in (1, 3, 5)
            text = f"{name}, {damage}: {command} ended with {result.status} after {result.seconds:.1f} s"
            if wrong:
                failures.append(f"{text}: {'; '.join(wrong)}; it said: {result.err.decode(errors='replace')[:400]}")
                print("FAILED", failures[-1], flush=True)
            elif verbose:
                print(text + ": " + result.err.decode(errors="replace")[:400].strip(), flush=True)
            fresh = not changed and not (command in ("approve", *MAKES_CHANGES, "plan") and result.status == 0)
    return runs, refusals, failures


def main():
    hamedic, base = sys.argv[1:3]
    only = sys.argv[3:]
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    make_scene(hamedic, f"{base}/scene", f"{source}/policies/default.conf")
    chosen = [(name, damage) for name in INPUTS for damage in DAMAGES
              if (not only or only[0] in name) and (len(only) < 2 or damage == only[1])]
    usual = usual_statuses(hamedic, f"{base}/scene", f"{base}/case")
    workers = os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        jobs = [pool.submit(try_some, hamedic, base, worker, chosen[worker::workers], usual, bool(only))
                for worker in range(workers)]
        runs, refusals, failures = (sum(parts, start) for parts, start in zip(
            zip(*(job.result() for job in jobs)), (0, 0, [])))
    if failures:
        fail(f"{len(failures)} of {runs} runs are not as they should be")
    if not only and (runs < 1000 or refusals < 700):
        fail(f"only {runs} runs and {refusals} refusals: what was damaged was not read")
    print(f"{runs} runs on damaged input: {refusals} refusals, no crash, no hang, nothing changed")


main()
