"""On a throw-away host: HAProxy's sockets that answer as HAProxy never does, and a disk that is full.

    bad_answers.py HAMEDIC

hamedic must end by itself and in time, print nothing that could harm a terminal, and leave everything as it is.
"""
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

TIMEOUT = 60
CONFIG = "/etc/haproxy/haproxy.cfg"
FAKE = "/run/fake.sock"
REAL = {"stats_socket": "/run/haproxy/admin.sock", "master_socket": "/run/haproxy-master.sock"}
# What is set through the Runtime API, and what needs a reload through the master.
WISHES = {"stats_socket": "haproxy.maxconn:global", "master_socket": "haproxy.maxconn:frontend/shop"}


def fail(text):
    sys.exit(f"bad_answers: {text}")


def run(hamedic, *arguments):
    try:
        done = subprocess.run([hamedic, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT,
                              check=False)
    except subprocess.TimeoutExpired:
        fail(f"{' '.join(arguments)} hangs")
    for text in (done.stdout, done.stderr):
        if any(byte < 32 and byte not in b"\n\t" or byte == 127 for byte in text):
            fail(f"{' '.join(arguments)} prints control bytes")
    return done


def must(done, *statuses):
    if done.returncode not in statuses:
        fail(f"{' '.join(done.args)} ended with {done.returncode}, not {statuses}: {done.stderr.decode()}")
    return done


# ---- answers ----

def silent(_):
    time.sleep(TIMEOUT)


def closing(_):
    pass


def garbage(client):
    client.recv(4096)
    client.sendall(random.Random(1).randbytes(1 << 16))


def endless(client):
    client.recv(4096)
    for number in range(1 << 24):
        client.sendall(f"Name{number}: value\n".encode() * 100)


def endless_line(client):
    client.recv(4096)
    for _ in range(1 << 24):
        client.sendall(b"a" * 65536)


def dripping(client):
    client.recv(4096)
    for _ in range(10 * TIMEOUT):
        client.sendall(b"N")
        time.sleep(0.1)


def harmful(client):
    client.recv(4096)
    escape = "\x1b]0;title\x07\x1b[2J\u202eevil\x9b31m\0"
    client.sendall(f"Name: HAProxy{escape}\nVersion: 2.6{escape}\nMaxconn: {'9' * 400}\nCurrConns: -1\n"
                   f"#<type> <PID> <type>\n{escape} {escape} master 1 2 3\n"
                   f"# pxname,svname,qcur,{escape}\n{escape},BACKEND,{'9' * 40},\nshop,{escape},-1,1e9\n\n".encode())


def cut_off(client):
    client.recv(4096)
    client.sendall(b"Name: HAProxy\nMaxconn: 20")


class Fake:
    """A socket with such an answer. `accepting` false: connections wait in its queue for ever."""

    def __init__(self, answer, accepting=True):
        if os.path.lexists(FAKE):
            os.unlink(FAKE)
        self.answer, self.asked = answer, 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(FAKE)
        self.listener.listen(1 if not accepting else 16)
        self.fillers = []
        if accepting:
            threading.Thread(target=self.accept, daemon=True).start()
        else:
            for _ in range(4):
                filler = socket.socket(socket.AF_UNIX)
                filler.setblocking(False)
                filler.connect_ex(FAKE)
                self.fillers.append(filler)

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.asked += 1
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            with client:
                self.answer(client)
        except OSError:
            pass  # it had enough

    def close(self):
        self.listener.close()
        for filler in self.fillers:
            filler.close()


ANSWERS = (silent, closing, garbage, endless, endless_line, dripping, harmful, cut_off)


# ---- the host ----

def start_haproxy():
    os.makedirs("/etc/haproxy", exist_ok=True)
    os.makedirs("/run/haproxy", exist_ok=True)
    os.makedirs("/etc/hamedic", exist_ok=True)
    with open(CONFIG, "w", encoding="ascii") as file:
        file.write("global\n    maxconn 1000\n    stats socket /run/haproxy/admin.sock mode 600 level admin\n"
                   "defaults\n    mode http\n    timeout connect 1s\n    timeout client 1s\n    timeout server 1s\n"
                   "frontend shop\n    bind 127.0.0.1:8001\n    default_backend shop\n"
                   "backend shop\n    server one 127.0.0.1:9001\n")
    with open("/var/log/haproxy.log", "wb") as log:
        process = subprocess.Popen(["haproxy", "-W", "-f", CONFIG, "-p", "/run/haproxy.pid",
                                    "-S", REAL["master_socket"]], stdout=log, stderr=log)
    for _ in range(100):
        if os.path.exists(REAL["stats_socket"]) and os.path.exists(REAL["master_socket"]):
            return process
        time.sleep(0.1)
    fail("HAProxy does not start")


def configuration():
    with open(CONFIG, "rb") as file:
        return file.read()


def configure(key):
    with open("/etc/hamedic/hamedic.conf", "w", encoding="ascii") as file:
        file.write(f"{key} = \"{FAKE}\"\n" if key else "")


def frontend_limit():
    """What the running HAProxy says, at its real socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT)
        client.connect(REAL["stats_socket"])
        client.sendall(b"show stat\n")
        lines = b"".join(iter(lambda: client.recv(65536), b"")).decode().splitlines()
    names = lines[0].removeprefix("# ").split(",")
    rows = (dict(zip(names, line.split(","))) for line in lines[1:])
    return next(int(row["slim"]) for row in rows if (row["pxname"], row["svname"]) == ("shop", "FRONTEND"))


def approved_plan(hamedic, wish, value):
    plan = f"/root/plan.{value}"
    must(run(hamedic, "plan", "-q", "-o", plan, "--set", f"{wish}={value}"), 0)
    must(run(hamedic, "approve", plan, "-k", "/root/ops.key"), 0)
    return plan


def try_answer(hamedic, key, name, fake, value):
    before = configuration()
    begin = time.monotonic()
    done = must(run(hamedic, "diagnose", "--json"), 0, 2)
    json.loads(done.stdout)
    took = time.monotonic() - begin
    made = run(hamedic, "plan", "-q", "-o", "/root/made.plan", "--set", f"{WISHES[key]}={value}")
    must(made, 0, 1, 3)
    configure(None)
    plan = approved_plan(hamedic, WISHES[key], value)
    configure(key)
    applied = must(run(hamedic, "apply", plan), 0, 1, 3, 4)
    print(f"{key}, {name}: diagnose {done.returncode} after {took:.1f} s, plan {made.returncode}, apply"
          f" {applied.returncode}: {applied.stderr.decode().strip()[:200]}", flush=True)
    if applied.returncode == 0:
        # A reload can be proven without the master: by the processes, and by the new worker's own answer.
        if key == "stats_socket" or frontend_limit() != value or configuration() == before:
            fail(f"{key}, {name}: apply claims what nobody can have told it")
        configure(None)
        must(run(hamedic, "rollback"), 0)
        configure(key)
    if configuration() != before:
        fail(f"{key}, {name}: the configuration changed")
    if isinstance(fake, Fake) and not fake.fillers and fake.asked == 0:
        fail(f"{key}, {name}: nobody asked the socket")
    return applied.returncode


def try_answers(hamedic):
    value = 1001
    for key in REAL:
        configure(key)
        for answer in ANSWERS:
            fake = Fake(answer)
            try_answer(hamedic, key, answer.__name__, fake, value)
            fake.close()
            value += 1
        fake = Fake(silent, accepting=False)
        try_answer(hamedic, key, "never accepts", fake, value)
        fake.close()
        value += 1
        os.unlink(FAKE)
        try_answer(hamedic, key, "absent", None, value)
        with open(FAKE, "w", encoding="ascii") as file:
            file.write("a file\n")
        try_answer(hamedic, key, "a regular file", None, value + 1)
        os.unlink(FAKE)
        value += 2
    configure(None)


# ---- a full disk ----

def fill(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass


def try_full_disk(hamedic):
    os.makedirs("/mnt/full")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt/full"], check=True)
    wish = ("--set", "haproxy.maxconn:global=1500")
    fill("/mnt/full/filling")
    left = os.listdir("/mnt/full")
    done = must(run(hamedic, "plan", "-q", "-o", "/mnt/full/fix.plan", *wish), 1)
    if b"fix.plan" not in done.stderr or b"No space left on device" not in done.stderr:
        fail(f"a full disk is not told: {done.stderr.decode()}")
    if os.listdir("/mnt/full") != left:
        fail(f"a plan that could not be written left {os.listdir('/mnt/full')}")
    # Room for the plan, none for its signature.
    os.truncate("/mnt/full/filling", os.path.getsize("/mnt/full/filling") - 4096)
    done = run(hamedic, "plan", "-q", "-o", "/mnt/full/fix.plan", *wish)
    names = sorted(os.listdir("/mnt/full"))
    if done.returncode == 0 or names != left:
        fail(f"a plan without its signature: {done.returncode}, {names}: {done.stderr.decode()}")
    # Output that cannot be written is an error, too.
    with open("/dev/full", "wb") as full:
        done = subprocess.run([hamedic, "history"], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
    if done.returncode != 1 or b"No space left on device" not in done.stderr:
        fail(f"lost output is not told: {done.returncode}, {done.stderr.decode()}")


def main():
    hamedic = sys.argv[1]
    haproxy = start_haproxy()
    must(run(hamedic, "keygen"), 0)
    must(run(hamedic, "keygen", "-W", "-o", "/root/ops"), 0)
    os.makedirs("/etc/hamedic/operators")
    with open("/root/ops.pub", "rb") as public, open("/etc/hamedic/operators/ops.pub", "wb") as copy:
        copy.write(public.read())
    try:
        try_full_disk(hamedic)
        try_answers(hamedic)
        for number, wish in enumerate(WISHES.values()):
            must(run(hamedic, "apply", approved_plan(hamedic, wish, 900 + number)), 0)
    finally:
        haproxy.send_signal(signal.SIGTERM)
        haproxy.wait()
    print("sockets that answer wrongly and full disks: told, in time, and nothing changed")


main()
