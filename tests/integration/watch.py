"""watch.py HAMEDIC FOLDER: what diagnose says again and again, on a terminal and on a pipe; its words for a cause.

A tree of files stands for the host: what is wrong there is made and taken away by writing a file."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

SECONDS = 60
HAMEDIC, WORK = sys.argv[1:]
TREE = os.path.join(WORK, "tree")
CONFIG = os.path.join(TREE, "etc/haproxy/haproxy.cfg")
SOCKET = "    stats socket /run/haproxy/admin.sock mode 600 level admin\n"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
    os.rename(path + ".new", path)


def config(stats=True):
    write(CONFIG, f"global\n    maxconn 400\n{SOCKET if stats else ''}frontend web\n    mode http\n"
                  "    bind 127.0.0.1:8080\n    default_backend app\nbackend app\n    server one 127.0.0.11:9001\n")


def run(*arguments):
    return subprocess.run([HAMEDIC, *arguments], capture_output=True, text=True, check=False, timeout=SECONDS)


class Terminal:
    """A screen of so many lines and columns, as far as is written to it here; what it does not know fails."""

    def __init__(self, rows, columns, *arguments):
        self.rows, self.columns = rows, columns
        self.other = self.hidden = False
        self.wrap = True
        self.row = self.column = 0
        self.screen = [""] * rows
        self.first = [""] * rows  # the screen that was there before, and comes back
        self.cleared = 0
        self.pending = ""
        self.child, self.fd = pty.fork()
        if self.child == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.environ.update(TERM="xterm", NO_COLOR="1", LC_ALL="C")
            os.execv(HAMEDIC, [HAMEDIC, *arguments])
        self.modes = termios.tcgetattr(self.fd)

    def resize(self, rows):
        self.rows = rows
        self.screen, self.first = ((one + [""] * rows)[:rows] for one in (self.screen, self.first))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, self.columns, 0, 0))

    def escape(self, code):
        if code in ("?1049h", "?1049l"):
            self.other = code[-1] == "h"
            self.screen = [""] * self.rows if self.other else list(self.first)
            self.row = self.column = 0
        elif code in ("?25l", "?25h"):
            self.hidden = code[-1] == "l"
        elif code in ("?7l", "?7h"):
            self.wrap = code[-1] == "h"
        elif code == "H":
            self.row = self.column = 0
        elif code == "K":
            self.screen[self.row] = self.screen[self.row][: self.column]
        elif code == "J":
            self.screen[self.row + 1 :] = [""] * (self.rows - self.row - 1)
            self.screen[self.row] = self.screen[self.row][: self.column]
        elif code == "2J":
            self.cleared += 1
        else:
            raise AssertionError(f"an escape sequence that is not expected: {code}")

    def put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row += 1
            assert not self.other or self.row < self.rows, "the screen was scrolled"
            if self.row >= self.rows:
                self.screen, self.row = self.screen[1:] + [""], self.rows - 1
        else:
            line = self.screen[self.row].ljust(self.column)
            if self.column < self.columns:
                self.screen[self.row] = line[: self.column] + character + line[self.column + 1 :]
                self.column += 1

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            bytes_read = os.read(self.fd, 65536)
        except OSError:
            return False
        text = self.pending + bytes_read.decode("ascii")
        self.pending = ""
        while text:
            found = re.match(r"\x1b\[([?0-9;]*[A-Za-z])", text)
            if found:
                self.escape(found.group(1))
                text = text[found.end() :]
            elif text[0] == "\x1b" and len(text) < 12:
                self.pending, text = text, ""
            else:
                self.put(text[0])
                text = text[1:]
        return bool(bytes_read)

    def text(self):
        return "\n".join(self.screen)

    def wait(self, condition, what):
        end = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < end and self.read(0.2), f"no {what}; the screen:\n{self.text()}"

    def end(self, number):
        os.kill(self.child, number)
        end = time.monotonic() + SECONDS
        while self.read(0.2):
            assert time.monotonic() < end, "it does not end"
        status = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        return status


def check_terminal():
    config()
    one = Terminal(24, 80, "--root", TREE, "diagnose", "--watch", "1")
    one.wait(lambda: "Found: nothing wrong" in one.text(), "first round")
    assert one.other and one.hidden and not one.wrap
    assert "(new)" not in one.text()
    config(stats=False)
    one.wait(lambda: re.search(r"WARNING   stats-socket-off   global   \(new\)", one.text()), "new finding")
    one.wait(lambda: re.search(r"stats-socket-off   global$", one.text(), re.M), "finding that is new no more")
    assert "Found: 1 warning" in one.text() and "nothing wrong" not in one.text()
    config()
    one.wait(lambda: "gone: stats-socket-off global" in one.text(), "word on what is gone")
    assert "WARNING" not in one.text(), one.text()
    one.wait(lambda: "gone:" not in one.text(), "round without it")
    assert one.text().count("Found:") == 1 and one.cleared == 0
    assert one.end(signal.SIGINT) == 0
    assert not one.other and not one.hidden and one.wrap, "the terminal is not as it was"
    assert "Found: nothing wrong" in one.text(), "the last round does not stay"


def check_window():
    """More than a small window holds: the worst, and how many more; all of it once the window is larger."""
    config(stats=False)
    write(os.path.join(TREE, "etc/sysctl.d/50-range.conf"), "net.ipv4.ip_local_port_range = 1024 60999\n")
    one = Terminal(7, 80, "--root", TREE, "diagnose", "--watch", "1")
    one.wait(lambda: "and 1 more" in one.text(), "count of what does not fit")
    assert one.text().count("WARNING") == 1 and "Found: 2 warnings" in one.text(), one.text()
    one.resize(60)
    one.wait(lambda: one.text().count("WARNING") == 2 and "more" not in one.text(), "larger window")
    assert "Repair" in one.text()
    assert one.end(signal.SIGTERM) == 0
    assert not one.other and not one.hidden and one.wrap


def check_pipe():
    with subprocess.Popen([HAMEDIC, "--root", TREE, "diagnose", "--watch=1"], stdout=subprocess.PIPE, text=True) as one:
        rounds = 0
        for line in one.stdout:
            assert "\x1b" not in line and len(line) <= 81, line
            rounds += line.startswith("Found: 2 warnings")
            if rounds == 3:
                break
        one.send_signal(signal.SIGTERM)
        assert one.wait(SECONDS) == 0
    refused = run("diagnose", "--watch", "0")
    assert refused.returncode == 64 and "expected 1 to 3600 seconds" in refused.stderr
    assert run("diagnose", "--watch", "--json").returncode == 64


def check_explain():
    listed = run("diagnose", "--explain")
    slugs = re.findall(r"^  ([a-z-]+) ", listed.stdout, re.M)
    assert listed.returncode == 0 and len(slugs) > 20 and "backend-refused" in slugs
    for form in (["--explain", slugs[0]], ["--explain=" + slugs[0]]):
        told = run("diagnose", *form)
        assert told.returncode == 0 and told.stdout.startswith(slugs[0] + "\n"), told
        assert all(re.search(f"^  {word} ", told.stdout, re.M) for word in ("Means", "Proof", "Repair", "Cost", "Unlike"))
    unknown = run("diagnose", "--explain", "no-such-cause")
    assert unknown.returncode == 64 and unknown.stdout == listed.stdout and "no-such-cause" in unknown.stderr
    assert all(slug in run("help", "diagnose").stdout for slug in slugs)
    assert run("diagnose", slugs[0]).returncode == 64


def check_json():
    """Twice the same but for the time, and the sources that -v lists are those of --json."""
    reports = []
    for _ in range(2):
        done = run("--root", TREE, "diagnose", "--json")
        assert done.returncode == 2, done
        report = json.loads(done.stdout)
        text = re.sub(r'"milliseconds": \d+|"\d{4}-\d\d-\d\dT[\d:]+Z"', "N", done.stdout)
        reports.append(text)
    assert reports[0] == reports[1]
    assert report["tree"] and not report["running"] and (report["frontends"], report["servers"]) == (1, 1)
    verbose = run("--root", TREE, "diagnose", "-v").stdout
    for source in report["sources"]:
        assert re.search(rf"^  {source['name']} +{source['state']} +\d+ ms", verbose, re.M), source
    assert (report["sources"][0]["state"] == "ok") == (report["sources"][0]["reason"] is None)


check_terminal()
check_window()
check_pipe()
check_explain()
check_json()
