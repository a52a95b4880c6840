"""On a throw-away host: one source of `diagnose` is bad, and all the others tell what they tell without that.

    bad_sources.py HAMEDIC FOLDER-OF-TEST-PROGRAMS

Each time diagnose must end by itself and in time, say which source it could not read and why, read all others, and
still name the fault that there is: a server that refuses.
"""
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "diagnosis"))
import host as throwaway  # noqa: E402

TIMEOUT = 60
FAKE = "/run/fake.sock"
SETTINGS = "/etc/hamedic/hamedic.conf"
# What the file alone can say: which addresses to connect to, and which ports are wanted.
OF_CONFIG = ("config", "probe", "answer", "ports")


def fail(text):
    sys.exit(f"bad_sources: {text}")


class Look:
    """What one run of diagnose says."""

    def __init__(self, hamedic, environment=None):
        begin = time.monotonic()
        try:
            done = subprocess.run([hamedic, "diagnose", "--json"], capture_output=True, timeout=TIMEOUT, check=False,
                                  stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
        except subprocess.TimeoutExpired:
            fail("diagnose hangs")
        self.seconds = time.monotonic() - begin
        self.status = done.returncode
        if done.returncode not in (0, 2):
            fail(f"diagnose ended with {done.returncode}: {done.stderr.decode()}")
        if not done.stdout.isascii():
            fail("its report is not ASCII")
        self.report = json.loads(done.stdout)
        self.states = {one["name"]: one["state"] for one in self.report["sources"]}
        self.not_checked = "\n".join(self.report["not_checked"])
        self.proven = {one["cause"] for one in self.report["findings"] if one["state"] == "proven"}
        self.possible = {one["cause"] for one in self.report["findings"] if one["state"] == "possible"}


def compare(name, look, usual, bad, proven, told):
    """`bad`: the sources that may not be ok; `told`: what must stand among what was not checked."""
    for source, state in usual.states.items():
        if state == "ok" and look.states[source] != "ok" and source not in bad:
            fail(f"{name}: it took source '{source}' with it: {look.not_checked}")
    for source in bad:
        if look.states[source] == "ok":
            fail(f"{name}: source '{source}' is said to be well")
    for text in told:
        if text not in look.not_checked:
            fail(f"{name}: it does not tell '{text}': {look.not_checked}")
    if look.proven != proven:
        fail(f"{name}: it proves {sorted(look.proven)}, not {sorted(proven)}")
    print(f"{name}: {look.seconds:.1f} s; {look.not_checked}", flush=True)


# ---- a socket that stalls half-way through its answer ----

def relay_half(real, answered):
    """Asks the real socket, gives half of its answer, and stalls."""
    with contextlib.suppress(OSError):
        os.unlink(FAKE)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(FAKE)
    listener.listen(16)

    def serve(client):
        question = b""
        while not question.endswith(b"\n"):
            question += client.recv(4096)
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(real)
            one.sendall(question)
            one.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: one.recv(65536), b""))
        client.sendall(answer[:len(answer) // 2])
        answered.append(len(answer))
        time.sleep(TIMEOUT)

    def accept():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def try_stalling(host, usual):
    for key, real, source in (("stats_socket", throwaway.API, "stats"), ("master_socket", throwaway.MASTER, "master")):
        answered = []
        relay_half(real, answered)
        host.write(SETTINGS, f'{key} = "{FAKE}"\n')
        look = Look(host.hamedic)
        if not answered or answered[0] < 10:
            fail(f"{key}: nobody asked")
        # What only one source is left to tell is not proven any more.
        proven = usual.proven if source == "master" else set()
        compare(f"{key} stalls half-way", look, usual, [source], proven, [f"{source}: '{FAKE}' did not"])
        if not usual.proven <= look.proven | look.possible:
            fail(f"{key} stalls half-way: what is left to see is not named")
        os.unlink(SETTINGS)


# ---- a configuration in another encoding ----

def try_encodings(host, usual):
    good = host.read(throwaway.CONFIG)
    named = good.replace("server one", "server \u00e9in").replace("global\n", "global # f\u00fcr alle: \u00a7\n", 1)
    cases = (
        # HAProxy takes bytes for what they are, in comments and also in names.
        ("latin-1 in a comment", good.replace("global\n", "global # f\u00fcr\n", 1).encode("latin-1"), 0),
        ("latin-1 in a name", named.encode("latin-1"), None),
        ("utf-8 in a name", named.encode("utf-8"), None),
        ("utf-8 with its mark", good.encode("utf-8-sig"), 1),
        ("utf-16", good.encode("utf-16"), 1),
        ("utf-16, big end first, without its mark", good.encode("utf-16-be"), 1),
        ("ebcdic", good.encode("cp500"), 1),
    )
    for name, text, status in cases:
        host.write(throwaway.CONFIG, text)
        verdict = host.run(["haproxy", "-c", "-f", throwaway.CONFIG], check=False).returncode
        if status is None:
            status = verdict
        if verdict != status:
            fail(f"configuration in {name}: haproxy -c ends with {verdict}")
        proven = usual.proven if status == 0 else usual.proven | {"config-invalid"}
        # While a check runs HAProxy does not say why the last one failed; without the file nobody else does.
        for _ in range(10):
            look = Look(host.hamedic)
            if proven <= look.proven:
                break
        if look.states["haproxy -c"] != "ok":
            fail(f"configuration in {name}: haproxy -c was not asked: {look.not_checked}")
        bad = [one for one in OF_CONFIG if look.states[one] != "ok"] if status else []
        # A name that the file now has runs under its old one.
        proven |= look.proven & {"backend-refused", "config-not-loaded"}
        compare(f"configuration in {name}", look, usual, bad, proven, [f"{one}: " for one in bad if one != "answer"])
    host.write(throwaway.CONFIG, good)


# ---- DNS that does not answer ----

def try_dns(host, usual):
    hole = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    hole.bind(("127.0.0.53", 53))
    hole.setblocking(False)
    host.write("/etc/resolv.conf", "nameserver 127.0.0.53\n")
    host.write("/etc/nsswitch.conf", "hosts: files dns\n")
    good = host.read(throwaway.CONFIG)
    host.write(throwaway.CONFIG, good + "".join(f"    server n{n} host{n}.example.test:9001\n" for n in range(20)))
    look = Look(host.hamedic)
    asked = []
    with contextlib.suppress(BlockingIOError):
        while True:
            asked.append(hole.recv(512))
    if not any(b"host0" in one for one in asked):
        fail("nobody asked for a name: nothing was tested")
    proven = look.proven - {"config-not-loaded"}
    compare("DNS that does not answer", look, usual, ["haproxy -c"], look.proven, ["haproxy -c: "])
    if proven != usual.proven:
        fail(f"DNS that does not answer: it proves {sorted(proven)}")
    host.write(throwaway.CONFIG, good)
    hole.close()


# ---- a clock that jumps ----

def try_clock(host, usual, programs):
    library, mark = os.path.join(programs, "libclock_jumps.so"), "/run/clock-jumped"
    for turn in range(3):
        look = Look(host.hamedic, {"LD_PRELOAD": library, "CLOCK_JUMPS_MARK": mark})
        if not os.path.exists(mark):
            fail("the clock did not jump")
        os.unlink(mark)
        compare(f"a clock that jumps, {turn + 1}", look, usual, [], usual.proven, [])
        if look.possible - usual.possible:
            fail(f"a clock that jumps: it names {sorted(look.possible)}")


# ---- a log in a format of its own, and one that is none ----

def try_logs(host, usual):
    usual_log = host.log_text()
    now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    own = f'{now} lb haproxy[9]: {{"client":"10.0.0.1","status":200}}\n' * 50
    for name, text, bad, told in (
            ("a log-format of its own", own, [], "logs: 50 of 50 lines in /var/log/haproxy.log are in no format"),
            ("noise behind the log", usual_log + "\x01\x02noise\n" * 1000, [], "logs: 1000 of "),
            ("noise for a log", "\x01\x02noise\n" * 1000, ["logs"], "logs: 1000 of 1000 lines in"),
            ("one odd line in many", usual_log * 5 + own.splitlines(True)[0], [], "")):
        host.write(host.log, text)
        look = Look(host.hamedic)
        compare(name, look, usual, bad, look.proven, [told])
        if "backend-refused" not in look.proven:
            fail(f"{name}: it proves {sorted(look.proven)}")
        if not told and "logs: " in look.not_checked:
            fail(f"{name}: it tells {look.not_checked}")
    host.write(host.log, usual_log)


# ---- an audit log with records that were cut ----

def try_audit(host, programs):
    def record(serial, port):
        return (f'type=AVC msg=audit({int(time.time())}.000:{serial}): avc:  denied  {{ name_connect }} for  pid=1 '
                f'comm="haproxy" dest={port} scontext=system_u:system_r:haproxy_t:s0 '
                'tcontext=system_u:object_r:unreserved_port_t:s0 tclass=tcp_socket permissive=0\n')

    preload = {"LD_PRELOAD": os.path.join(programs, "libselinux_on.so")}
    log, half = "/var/log/audit/audit.log", record(2, 9001)[:120]
    for name, older, newer, damaged in (
            ("a whole audit log", record(1, 9001), record(3, 9001), 0),
            ("an audit log that is written just now", record(1, 9001), record(3, 9001) + half, 0),
            ("an audit log cut in the middle", record(1, 9001) + half + record(3, 9001), half + record(4, 9001), 2),
            ("a rotated audit log that ends unfinished", record(1, 9001) + half, record(3, 9001), 1)):
        host.write(log + ".1", older, 0o600)
        host.write(log, newer, 0o600)
        look = Look(host.hamedic, preload)
        if look.states["audit"] != "ok":
            fail(f"{name}: it was not read: {look.not_checked}")
        told = [line for line in look.report["not_checked"] if line.startswith("audit: ")]
        if told != ([f"audit: passed over, as they are cut or damaged: {damaged} of its records"] if damaged else []):
            fail(f"{name}: it tells {told}")
        print(f"{name}: {look.seconds:.1f} s; {told}", flush=True)


def main():
    hamedic, programs = sys.argv[1:]
    host = throwaway.Host(os.path.dirname(hamedic))
    host.app(host.APP.replace("127.0.0.11:9001", "127.0.0.11:9009"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")
    usual = Look(hamedic)
    if "backend-refused" not in usual.proven or usual.states["stats"] != "ok" or usual.states["master"] != "ok":
        fail(f"usually it proves {sorted(usual.proven)}: {usual.states}")
    try_stalling(host, usual)
    try_encodings(host, usual)
    try_dns(host, usual)
    try_clock(host, usual, programs)
    try_logs(host, usual)
    try_audit(host, programs)
    print("bad sources: told, in time, and the others are unharmed")
    sys.stdout.flush()
    os._exit(0)


main()
