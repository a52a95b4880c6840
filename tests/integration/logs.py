"""logs.py HAMEDIC SCHEMA: hamedic logs on real files; each check says what it is about when it fails."""

import datetime
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import jsonschema

HAMEDIC, SCHEMA = sys.argv[1:]
UTC = datetime.timezone.utc
BEGIN = datetime.datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
PEAK_KIB = 32 * 1024
# What a process had before it was another program counts into its peak: so a small one starts it, and tells.
MEASURING = ("import os, sys; pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ); _, status, usage = os.wait4(pid, 0);"
             "open(sys.argv[1], 'w').write(str(usage.ru_maxrss)); sys.exit(os.waitstatus_to_exitcode(status) % 256)")
PATIENCE = 300  # seconds: only a hang is longer

os.environ["TZ"] = "UTC"
os.environ["LC_ALL"] = "C"
with open(SCHEMA, encoding="ascii") as schema_file:
    SCHEMA_CHECK = jsonschema.Draft202012Validator(json.load(schema_file))


def require(holds, what):
    if not holds:
        sys.exit(f"logs: {what}")


class Run:
    def __init__(self, *arguments, stdin=subprocess.DEVNULL, command=(HAMEDIC,)):
        process = subprocess.Popen([*command, "logs", *arguments], stdin=stdin, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        errors = []
        reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
        reader.start()
        self.text = process.stdout.read().decode("latin-1")
        reader.join()
        self.status = process.wait()
        timer.cancel()
        self.errors = errors[0].decode("latin-1")
        require(self.status >= 0, f"{arguments}: killed by signal {-self.status}")


def measured(*arguments):
    """A run that has not needed more memory than any log may."""
    with tempfile.NamedTemporaryFile("r") as peak:
        run = Run(*arguments, command=(sys.executable, "-S", "-c", MEASURING, peak.name, HAMEDIC))
        require(run.status < 128, f"{arguments}: killed by signal {256 - run.status}")
        require(int(peak.read()) < PEAK_KIB, f"{arguments}: more than {PEAK_KIB} KiB of memory")
    return run


def ask(*arguments, status=0, **more):
    """The JSON document, held against the schema."""
    run = Run("--json", *arguments, **more)
    require(run.status == status, f"{arguments} ended with {run.status}, not {status}: {run.errors} {run.text[:2000]}")
    document = json.loads(run.text)
    SCHEMA_CHECK.validate(document)
    return document


def counts(document):
    """All that is counted, without where it was read. Whose clients do not stand out depends on the order of threads."""
    for failure in document["failures"] + document["faults"]:
        failure["clients"] = [client for client in failure["clients"] if client["at_most_too_high"] == 0]
    kept = {key: value for key, value in document.items()
            if key not in ("read", "since", "until", "bytes", "lines", "rotated_not_needed", "notes")}
    kept["lines"] = {key: value for key, value in document["lines"].items() if key not in ("all", "outside", "unsorted")}
    return kept


def line(moment, number, framing):
    state, status = (("----", 200), ("----", 304), ("SC--", 503), ("sH--", 504))[number * 7919 % 4]
    stamp = {"iso": moment.isoformat(timespec="microseconds") + " lb haproxy[9]: ",
             "traditional": moment.strftime("%b %d %H:%M:%S lb haproxy[9]: ").replace(" 0", "  ", 1),
             "raw": ""}[framing]
    accepted = moment.strftime("%d/%b/%Y:%H:%M:%S.") + f"{moment.microsecond // 1000:03}"
    return (f"{stamp}10.0.{number % 7}.{number % 250}:{30000 + number % 9999} [{accepted}] fe be{number % 3}/s{number % 5} "
            f"0/0/{number % 4}/{number % 700}/0 {status} {number % 5000} - - {state} 9/9/9/9/0 0/0 \"GET /{number} HTTP/1.1\"\n")


def moments(count, seconds):
    return [BEGIN + datetime.timedelta(seconds=seconds * number) for number in range(count)]


def put(path, text):
    with open(path, "w", encoding="latin-1") as file:
        file.write(text)


def tool(*command, output):
    with open(output, "wb") as file:
        subprocess.run(command, check=True, stdout=file)


def set_time(path, moment):
    os.utime(path, (moment.timestamp(), moment.timestamp()))


# ---- periods ----

def check_periods(folder):
    """What --since and --until count is what a file counts that holds those lines alone."""
    for framing in ("iso", "traditional", "raw"):
        times = moments(40000, 0.5)  # five and a half hours; times of 500 ms are rounded in the traditional framing
        lines = [line(moment, number, framing) for number, moment in enumerate(times)]
        path = os.path.join(folder, f"{framing}.log")
        put(path, "".join(lines))
        for first, last in ((0, 40000), (7200, 14400), (39990, 40000), (0, 2), (20000, 20000), (7200, 7202)):
            since, until = (BEGIN + datetime.timedelta(seconds=index / 2) for index in (first, last))
            cut = os.path.join(folder, "cut.log")
            put(cut, "".join(lines[first:last]))
            words = ("--since", since.strftime("%Y-%m-%d %H:%M:%S"), "--until", until.strftime("%Y-%m-%dT%H:%M:%SZ"))
            if first == last:
                require(Run(*words, path).status == 64, "a period of nothing is bad usage")
                continue
            found = ask(*words, path)
            require(counts(found) == counts(ask(cut)), f"{framing} {words}: not what the lines alone give")
            require(found["all"]["requests"] == last - first, f"{framing} {words}: {found['all']['requests']} requests")
            require(last - first > 30000 or found["bytes"] < os.path.getsize(path) // 2,
                    f"{framing} {words}: {found['bytes']} bytes were read")
    require(Run("--since", "tomorrow", path).status == 64, "no time is bad usage")


def check_unsorted(folder):
    lines = [line(moment, number, "iso") for number, moment in enumerate(moments(20000, 0.5))]
    shuffled = lines[:]
    random.Random(1).shuffle(shuffled)
    path, cut = (os.path.join(folder, name) for name in ("shuffled.log", "cut.log"))
    put(path, "".join(shuffled))
    put(cut, "".join(moment for moment in shuffled if "T09:" in moment[:16]))
    found = ask("--since", "2026-11-28 09:00", "--until", "2026-11-28 10:00", path)
    require(any("not sorted" in note for note in found["notes"]), "a shuffled file is not said to be so")
    require(found["all"] == ask(cut)["all"], "a shuffled file is not counted whole")


# ---- where lines come from ----

def check_sources(folder):
    """Standard input, two threads and each kind of compression give the same."""
    path = os.path.join(folder, "same.log")
    put(path, "".join(line(moment, number, "iso") for number, moment in enumerate(moments(60000, 0.25))))
    whole = counts(ask("--threads", "1", path))
    require(whole["all"]["requests"] == 60000, "not all requests are counted")
    for threads in ("2", "3", "8"):
        require(counts(ask("--threads", threads, path)) == whole, f"{threads} threads count something else")
    text = Run(path)
    require(text.status == 0 and all(len(row) <= 80 for row in text.text.splitlines()), "a line is wider than 80 columns")
    require("200=" in text.text and "Next: hamedic diagnose" in text.text, "the text says too little")
    for name, command in (("gz", ("gzip", "-c")), ("zst", ("zstd", "-q", "-c")), ("xz", ("xz", "-0", "-c"))):
        packed = os.path.join(folder, f"packed.{name}")
        tool(*command, path, output=packed)
        require(counts(ask(packed)) == whole, f"{name}: counts something else")
        with open(packed, "rb") as file:
            require(counts(ask("-", stdin=file)) == whole, f"{name} on standard input counts something else")
        check_damaged(folder, packed, name, whole)
    with open(path, "rb") as file:
        require(counts(ask("-", stdin=file)) == whole, "standard input counts something else")
    cat = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
    require(counts(ask("-", stdin=cat.stdout)) == whole, "a pipe counts something else")
    cat.stdout.close()
    cat.wait()


def check_damaged(folder, packed, name, whole):
    with open(packed, "rb") as file:
        data = file.read()
    for what, wrong in (("truncated", data[:len(data) * 2 // 3]),
                        ("damaged", data[:len(data) * 2 // 3] + b"\x55\xaa" * 20 + data[len(data) * 2 // 3 + 40:])):
        bad = os.path.join(folder, f"bad.{name}")
        with open(bad, "wb") as file:
            file.write(wrong)
        found = ask(bad, status=1)
        require(not found["complete"] and "what came before it is counted" in found["notes"][0],
                f"{what} {name} is not told: {found['notes']}")
        require(0 < found["all"]["requests"] < whole["all"]["requests"], f"{what} {name}: {found['all']['requests']} requests")


def check_rotated(folder):
    """Four days of logs, rotated as logrotate does; --since goes back as far as needed."""
    logs = os.path.join(folder, "rotated")
    os.mkdir(logs)
    now = datetime.datetime.now(UTC)
    names = ("haproxy.log", "haproxy.log.1", "haproxy.log-20261126.gz", "haproxy.log.3.zst", "haproxy.log.4.xz")
    for day, name in enumerate(names):
        path = os.path.join(logs, name)
        begin = now - datetime.timedelta(days=day, hours=6)
        put(path + ".plain", "".join(line(begin + datetime.timedelta(seconds=second), second, "iso")
                                     for second in range(0, 6 * 3600, 60)))
        command = {".gz": "gzip", "zst": "zstd", ".xz": "xz"}.get(name[-3:], "cat")
        tool(command, *(("-c",) if command != "cat" else ()), path + ".plain", output=path)
        set_time(path, begin + datetime.timedelta(hours=6))
        os.remove(path + ".plain")
    put(os.path.join(logs, "haproxy-2.log"), line(now, 1, "iso"))
    log = os.path.join(logs, names[0])
    for since, days in ((None, 1), ("7h", 1), ("31h", 2), ("55h", 3), ("79h", 4), ("4w", 5)):
        found = ask(*(("--since", since) if since else ()), log)
        require(found["all"]["requests"] == 360 * days, f"--since {since}: {found['all']['requests']} requests")
        require([os.path.basename(name) for name in found["read"]] == list(names[:days]), f"--since {since}: {found['read']}")
    one = counts(ask("--since", "4w", "--threads", "1", log))
    for threads in ("2", "3", "5", "8"):
        require(counts(ask("--since", "4w", "--threads", threads, log)) == one, f"{threads} threads over five files count something else")
    # Named with the log or by themselves, each is read once.
    every = [os.path.join(logs, name) for name in names]
    require(ask("--since", "4w", *every)["all"]["requests"] == 360 * 5, "a file is read twice")
    # Those of a tree are found there, and by the settings.
    tree = os.path.join(folder, "tree")
    os.makedirs(os.path.join(tree, "var/log"))
    os.makedirs(os.path.join(tree, "etc/hamedic"))
    none = Run("--root", tree)
    require(none.status == 1 and "no log was found" in none.errors, f"a tree without logs: {none.errors}")
    shutil.copytree(logs, os.path.join(tree, "srv"))
    put(os.path.join(tree, "etc/hamedic/hamedic.conf"), "logs = {\"/srv/haproxy.log\"}\n")
    require(ask("--root", tree)["all"]["requests"] == 360, "the log of the settings is not read")
    shutil.copy(log, os.path.join(tree, "var/log"))
    put(os.path.join(tree, "etc/hamedic/hamedic.conf"), "")
    require(ask("--root", tree)["read"] == ["/var/log/haproxy.log"], "the tree's own log is not found")


# ---- bad input ----

def check_noise(folder):
    noise = os.path.join(folder, "noise.log")
    generator = random.Random(7)
    with open(noise, "wb") as file:
        file.write(generator.randbytes(3 << 20))
    require(measured(noise).status == 0, "noise is an error")
    require(ask("--since", "1h", noise)["all"]["requests"] == 0, "noise has requests")
    found = ask("--since", "1h", noise)
    require(found["lines"]["without_time"] > 1000 and found["unknown_example"] is None, f"noise without a time: {found['lines']}")
    text = Run("--since", "1h", noise).text
    require("lines in no format that is known, and without a time" in " ".join(text.split()), f"noise is not told: {text}")
    good = line(BEGIN, 1, "iso")
    put(noise, good + "\x1b[31mred\x1b[0m \x9b31m\u0000\r" + good.replace("be1/s1", "be\x1b[2J/s\x07") + "\n\n" + good)
    run = Run(noise)
    require(all(" " <= letter <= "~" or letter == "\n" for letter in run.text), "control bytes are shown")
    ask(noise)


def check_own_format(folder):
    """What a log-format says may be a client's word: it is counted and shown as such, and not as HAProxy's own."""
    path = os.path.join(folder, "own.log")
    own = [line(moment, number, "iso").split(": ", 1)[0] + f": 10.0.0.1 web app s1 \x1b[2J{number} ms\n"
           for number, moment in enumerate(moments(50, 1))]
    put(path, "".join(own) + own[0].split(": ", 1)[0] + ": Proxy web started.\n")
    found = ask(path)
    require(found["lines"]["unknown"] == 50 and found["lines"]["message"] == 1, f"a log-format: {found['lines']}")
    require([one["kind"] for one in found["messages"]] == ["proxy-started"], f"a log-format: {found['messages']}")
    require(found["unknown_example"] == "10.0.0.1 web app s1 \\x1b[2J49 ms", f"its example: {found['unknown_example']}")
    text = " ".join(Run(path).text.split())
    require("50 lines in no format that is known, such as a log-format of its own: requests in them are not counted; "
            "the last: 10.0.0.1 web app s1 \\x1b[2J49 ms" in text, f"a log-format is not told: {text}")
    require("1x, 08:00:00: Proxy web started." in text.split("What HAProxy said itself ")[1], f"its own words: {text}")


def check_long_line(folder):
    """A line of 1 GB, between two that are good: of nothing, and packed."""
    path = os.path.join(folder, "long.log")
    put(path, line(BEGIN, 1, "iso"))
    with open(path, "r+b") as file:
        file.truncate(1 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + line(BEGIN, 2, "iso").encode())
    for arguments in ((path,), ("--threads", "2", path), ("--since", "2026-11-28 07:00", path)):
        found = json.loads(measured("--json", *arguments).text)
        require(found["all"]["requests"] == 2 and found["lines"]["too_long"] == 1, f"a long line: {found['lines']}")
    tool("zstd", "-q", "-c", path, output=path + ".zst")
    os.remove(path)
    # More than 250 times its size: what is packed so well is no log.
    require(json.loads(measured("--json", path + ".zst").text)["all"]["requests"] >= 1, "what came before is not counted")


def check_no_files(folder):
    pipe, link = (os.path.join(folder, name) for name in ("pipe.log", "link.log"))
    os.mkfifo(pipe)
    os.symlink("/etc/passwd", link)
    os.lchown(link, 65534, 65534)
    for path, words in ((pipe, "a named pipe"), (folder, "a directory"), (link, "not followed"),
                        ("/dev/zero", "a device"), (os.path.join(folder, "absent.log"), "No such file")):
        run = Run(path)
        require(run.status == 1 and words in run.errors, f"{path}: {run.status} {run.errors}")
    readable = os.path.join(folder, "secret.log")
    put(readable, line(BEGIN, 1, "iso"))
    os.chmod(readable, 0o600)
    program = os.path.join(folder, "hamedic")
    shutil.copy(HAMEDIC, program)
    os.chmod(folder, 0o755)
    run = Run(readable, command=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program))
    require(run.status == 1 and "Permission denied" in run.errors, f"unreadable: {run.status} {run.errors}")


def check_diagnose(folder):
    """diagnose reads the last minutes of a log, and says why where there are none."""
    def source(*arguments):
        done = subprocess.run([HAMEDIC, "diagnose", "--json", *arguments], stdout=subprocess.PIPE, timeout=PATIENCE, check=False)
        return next(source for source in json.loads(done.stdout)["sources"] if source["name"] == "logs")

    path, now = os.path.join(folder, "now.log"), datetime.datetime.now(UTC)
    put(path, "".join(line(now - datetime.timedelta(seconds=second), second, "iso") for second in range(7200, 3600, -1)))
    found = source("--log", path)
    require(found["state"] == "absent" and "no line in the last 15 min" in found["reason"], f"an old log: {found}")
    require(source("--log", path, "--since", "90m")["state"] == "ok", "--since goes not back far enough")
    found = source("--log", os.path.join(folder, "pipe.log"))
    require(found["state"] == "failed" and "a named pipe" in found["reason"], f"a pipe: {found}")
    require(source("--log", os.path.join(folder, "noise.log"), "--log", path, "--since", "90m")["state"] == "ok", "noise beside a log")
    require(source()["state"] in ("ok", "absent"), "without a log")


def check_truncated_meanwhile(folder):
    """A file that is cut while it is read: no signal, what was read counts, and it is said."""
    path = os.path.join(folder, "copytruncate.log")
    text = "".join(line(moment, number, "iso") for number, moment in enumerate(moments(100000, 0.25)))
    for _ in range(20):
        put(path, text)
        command = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pread64",
                   "-e", "inject=pread64:delay_enter=1500000:when=12", HAMEDIC)
        found = []
        thread = threading.Thread(target=lambda: found.append(Run("--json", "--threads", "1", path, command=command)))
        thread.start()
        time.sleep(1)
        os.truncate(path, 0)
        thread.join()
        require(found[0].status in (0, 1), f"cut meanwhile: ended with {found[0].status}: {found[0].errors}")
        document = json.loads(found[0].text)
        if any("became shorter" in note for note in document["notes"]):
            require(document["all"]["requests"] > 0 and not document["complete"], "what was read does not count")
            return
    sys.exit("logs: the file was never cut in time")


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    folder = tempfile.mkdtemp()
    try:
        for check in (check_periods, check_unsorted, check_sources, check_rotated, check_noise, check_own_format, check_long_line,
                      check_no_files, check_diagnose, check_truncated_meanwhile):
            begin = time.monotonic()
            check(folder)
            print(f"{check.__name__}: held ({time.monotonic() - begin:.1f} s)", flush=True)
    finally:
        shutil.rmtree(folder)


main()
