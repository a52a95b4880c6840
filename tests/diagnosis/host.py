"""A throw-away host for one scenario: HAProxy, servers, clients, a system logger, and other hosts beyond a wire.

A scenario gets one `Host`; all of it ends with the host (tests/host/enter.sh), so nothing is to be cleaned up.

    host.app()                  frontend web on 127.0.0.1:8080, backend app with the servers one (127.0.0.11:9001) and two
                                (127.0.0.12:9001), which both answer: all of it started, checked and serving
    host.config(text)           haproxy.cfg; without a `global` section HEAD stands before it (globals, defaults: more
                                lines for it; maxconn; log=False: none)
    host.start(*arguments)      master and worker with both sockets; waits until they answer. config=: text for config();
                                limit=: file descriptors; prefix=: what it is run by; master=False: one process alone;
                                works=False: it is to end by itself
    host.reload()               as systemctl does; waits for the new worker (works=False: for the failure)
    host.ask(command)           one answer of the stats socket; host.info(), host.stats(), host.stat(proxy, name)
    host.backend(*addresses, delay=0)    HTTP servers that answer 200 after so many milliseconds
    host.server(address, answer)         a server of our own: answer(connection), bytes, or None: it says nothing
    host.load(address, clients=, pause=) clients that ask again and again; .line() is what they got lately
    host.connect(address, count=1)       connections that are held open (also of "/run/a.sock"); host.get(address): the status of one request
    host.peer()                 another host: .address, .host_address (ours on that wire), and what Place offers
    host.run([...])             a program; host.sysctl(key, value); host.write(path, text)
    host.wait(condition, what)  until it is true, at most 20 s
    host.said(text)             HAProxy itself has said so (host.messages() is all that it said)
    host.log                    what rsyslog would have written, as Debian's rule for HAProxy has it; host.log_text();
                                host.logged(*words): its first line with these; host.age_log(seconds): its lines are so
                                much older

Addresses are "127.0.0.11:9001". What is not so when it should be raises; a scenario's own `assert` does, too.
Called by the runner, inside the host: host.py SCENARIO-FILE BUILD-TREE; one line of JSON on standard output.
"""
import csv
import ctypes
import datetime
import http.client
import importlib.util
import io
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback

HEAD = """global
    log /dev/log local0
    maxconn {maxconn}
    nbthread 1
    stats socket /run/haproxy/admin.sock mode 600 level admin
{globals}
defaults
    log global
    mode http
    option httplog
    timeout connect 1s
    timeout client 10s
    timeout server 10s
{defaults}
"""
APP = """
frontend web
    bind 127.0.0.1:8080
    default_backend app
backend app
    server one 127.0.0.11:9001 check inter 200 fall 1 rise 1
    server two 127.0.0.12:9001 check inter 200 fall 1 rise 1
"""
# A peer answers while connect() is still at work: Linux heeds an ICMP answer to the next SYN only, a second later.
PEER_APP = APP.replace("inter 200", "inter 3s")
CONFIG = "/etc/haproxy/haproxy.cfg"
LOG = "/var/log/haproxy.log"
API = "/run/haproxy/admin.sock"
MASTER = "/run/haproxy-master.sock"
PIDFILE = "/run/haproxy.pid"
SECONDS = 20
SETTLE_SECONDS = 5
CLONE_NEWNET = 0x40000000
NETLINK_NETFILTER = 12


def pair(address):
    ip, _, port = address.rpartition(":")
    return ip, int(port)


class Place:
    """A network: that of the host, or a peer's. The files are the same ones."""

    def __init__(self, programs, pid=None):
        self.programs, self.pid = programs, pid
        self.kept = []

    def command(self, arguments):
        enter = [] if self.pid is None else ["nsenter", f"--net=/proc/{self.pid}/ns/net"]
        return enter + [str(one) for one in arguments]

    def run(self, arguments, check=True, stdin=""):
        done = subprocess.run(self.command(arguments), input=stdin, capture_output=True, text=True,
                              check=False, timeout=SECONDS, errors="replace")
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr or done.stdout}")
        return done

    def begin(self, arguments, **more):
        """A program in the background."""
        return subprocess.Popen(self.command(arguments), stdin=subprocess.DEVNULL, **more)

    def socket(self, *kind):
        """One that belongs to this network, whoever uses it afterwards."""
        if self.pid is None:
            return socket.socket(*kind)
        made = []

        def enter():
            libc = ctypes.CDLL(None, use_errno=True)
            with open(f"/proc/{self.pid}/ns/net", "rb") as namespace:
                assert libc.setns(namespace.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            made.append(socket.socket(*kind))

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        assert made, "no socket could be made there"
        return made[0]

    def sysctl(self, key, value):
        # nsenter keeps our mounts, and /proc/sys/net is that of the process that looks.
        self.run(["sh", "-c", 'printf %s "$1" >"/proc/sys/$2"', "sh", value, key.replace(".", "/")])

    def listen(self, address, backlog=1024):
        """A listening socket that nobody accepts from."""
        one = self.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(pair(address))
        one.listen(backlog)
        self.kept.append(one)
        return one

    def backend(self, *addresses, delay=0):
        process = self.begin([os.path.join(self.programs, "backend"), *(f"{one}={delay}" for one in addresses)],
                             stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n", f"nothing listens on {addresses}"
        return process

    def server(self, address, answer=None, backlog=1024):
        """answer: bytes, sent once a request has come; a function, called in a thread with the connection, which it
        must not close; None: accepts, and says nothing."""
        listener = self.listen(address, backlog)

        def serve(connection):
            try:
                with connection:
                    if callable(answer):
                        answer(connection)
                    elif answer is not None and connection.recv(65536):
                        connection.sendall(answer)
            except OSError:
                pass

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                if answer is None:
                    self.kept.append(connection)
                else:
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return listener

    def connect(self, address, count=1, source=None, timeout=2):
        """Connections that stay; the kernel makes them, whether or not they are ever accepted."""
        made = []
        unix = address.startswith("/")
        for _ in range(count):
            one = self.socket(socket.AF_UNIX if unix else socket.AF_INET)
            one.settimeout(timeout)
            if source:
                one.bind((source, 0))
            one.connect(address if unix else pair(address))
            made.append(one)
        self.kept += made
        return made

    def fails(self, address, timeout=0.7):
        """How one connection from here fails: "refused", "timeout"; None: it does not."""
        one = self.socket()
        one.settimeout(timeout)
        try:
            one.connect(pair(address))
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "timeout"
        finally:
            one.close()
        return None

    def flood(self, address):
        """SYNs from addresses that nobody has, whose answers this place drops: handshakes that stay half-open."""
        ip, port = pair(address)
        self.host.run(["ip", "route", "add", "10.77.200.0/24", "via", self.address])
        raw = self.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        to = socket.inet_aton(ip)

        def syn(number):
            source = socket.inet_aton(f"10.77.200.{number % 250 + 1}")
            tcp = struct.pack("!HHIIBBHHH", 1024 + number % 60000, port, number, 0, 0x50, 2, 8192, 0, 0)
            pseudo = source + to + struct.pack("!BBH", 0, 6, len(tcp)) + tcp
            total = sum(struct.unpack(f"!{len(pseudo) // 2}H", pseudo))
            total = (total >> 16) + (total & 0xffff)
            tcp = tcp[:16] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + tcp[18:]
            return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), number & 0xffff, 0, 64, 6, 0, source, to) + tcp

        def send():
            number = 0
            while True:
                number += 1
                raw.sendto(syn(number), (ip, 0))
                time.sleep(0.01)

        threading.Thread(target=send, daemon=True).start()

    def load(self, address, clients=20, pause=100, patience=5000, sources=16):
        return Load(self, ["-a", address, "-n", clients, "-p", pause, "-m", patience, "-s", sources, "-w", 1])


class Load:
    """Clients at work, and the last line they said: requests, rate, ok, 503, other, refused, hung, p50, p95, max."""

    def __init__(self, place, arguments):
        self.lines = []
        self.process = place.begin([os.path.join(place.programs, "traffic"), *arguments], stdout=subprocess.PIPE,
                                   text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append({key: int(value) for key, value in (word.split("=") for word in line.split())})

    def line(self):
        assert self.process.poll() is None, "the clients ended"
        return self.lines[-1] if self.lines else {}

    def end(self):
        self.process.kill()
        self.process.wait()


class Peer(Place):
    """Another host, beyond a wire of its own: 10.77.N.2/24; this host is 10.77.N.1 there."""

    def __init__(self, host, number):
        self.process = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        super().__init__(host.programs, self.process.pid)
        self.host = host
        self.name = f"wire{number}"
        self.address, self.host_address = f"10.77.{number}.2", f"10.77.{number}.1"
        ours = os.readlink("/proc/self/ns/net")
        host.wait(lambda: os.readlink(f"/proc/{self.pid}/ns/net") != ours, "the peer's network")
        host.run(["ip", "link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns", self.pid])
        host.run(["ip", "address", "add", f"{self.host_address}/24", "dev", self.name])
        host.run(["ip", "link", "set", self.name, "up"])
        self.run(["ip", "address", "add", f"{self.address}/24", "dev", "eth0"])
        for link in ("lo", "eth0"):
            self.run(["ip", "link", "set", link, "up"])

    def drops_all(self):
        """It is there and answers nothing, as behind a firewall that drops."""
        hardware = re.search(r"link/ether (\S+)", self.run(["ip", "-o", "link", "show", "eth0"]).stdout).group(1)
        self.host.run(["ip", "neigh", "replace", self.address, "lladdr", hardware, "dev", self.name, "nud", "permanent"])
        self.run(["ip", "route", "add", "blackhole", f"{self.host_address}/32"])


class Host(Place):
    APP = APP
    PEER_APP = PEER_APP

    def __init__(self, build):
        super().__init__(os.path.join(build, "tests", "host"))
        self.build = build
        self.hamedic = os.path.join(build, "hamedic")
        self.log = LOG
        self.logs = False
        self.master = None  # Popen
        self.peers = []
        self.arguments = []  # more for `hamedic diagnose`
        self.hamedic_prefix = []  # what it is run by
        self.run(["sh", "-c", "rm -rf /etc/haproxy /etc/hamedic /etc/sysctl.d/* /etc/sysctl.conf"])
        for folder in ("/etc/haproxy", "/etc/sysctl.d", "/run/haproxy"):
            os.makedirs(folder, exist_ok=True)

    # ---- files and settings ----

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)

    def read(self, path):
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def config(self, text, globals="", defaults="", maxconn=400, log=True):  # pylint: disable=redefined-builtin
        if re.search(r"^global\b", text, re.M) is None:
            head = HEAD.format(globals=globals, defaults=defaults, maxconn=maxconn)
            if not log:
                head = re.sub(r"^    log .*\n", "", head, flags=re.M)
            text = head + text
        self.write(CONFIG, text)
        if re.search(r"^\s+log /dev/log\b", text, re.M):
            self.start_logger()

    def change(self, old, new):
        """In haproxy.cfg; it must be there exactly once."""
        text = self.read(CONFIG)
        assert text.count(old) == 1, f"'{old}' is {text.count(old)} times in the configuration"
        self.write(CONFIG, text.replace(old, new))

    # ---- HAProxy ----

    def start(self, *arguments, config=None, limit=None, prefix=(), master=True, works=True, api=(MASTER,)):
        """api: the sockets of the master; MASTER must be among them."""
        if config is not None:
            self.config(config)
        mode = ["-W", *(word for one in api for word in ("-S", one))] if master else ["-db"]
        command = [*prefix, "haproxy", *mode, "-f", CONFIG, "-p", PIDFILE]
        if limit is not None:
            command = ["prlimit", f"--nofile={limit}:{limit}", *command]
        self.has_master = master
        self.master = self.begin([*command, *arguments], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
                                 errors="replace")
        threading.Thread(target=self.take_messages, args=(self.master,), daemon=True).start()
        if works:
            self.wait(self.serves, "HAProxy to start")
        else:
            self.wait(lambda: self.master.poll() is not None, "the start to fail")

    def app(self, text=APP, delay=0, **more):
        self.backend("127.0.0.11:9001", "127.0.0.12:9001", delay=delay)
        options = {key: more.pop(key) for key in ("globals", "defaults", "maxconn", "log") if key in more}
        self.config(text, **options)
        self.start(**more)
        self.wait_checked()

    def serves(self):
        if self.master.poll() is not None:
            raise AssertionError(f"HAProxy ended with {self.master.returncode}")
        # Once its worker runs, the master executes itself anew to wait for it: only then it takes signals.
        if self.has_master and self.ask("show proc", path=MASTER, may_fail=True) is None:
            return False
        return API not in self.read(CONFIG) or self.ask("show info", may_fail=True) is not None

    def worker(self):
        """The process id of the newest worker."""
        pids = self.read(f"/proc/{self.master.pid}/task/{self.master.pid}/children").split()
        return int(pids[-1]) if pids else None

    def stop(self):
        self.master.terminate()
        self.master.wait(SECONDS)

    def failed_reloads(self):
        found = re.search(r"failed: (\d+)", self.ask("show proc", path=MASTER, may_fail=True) or "")
        return int(found.group(1)) if found else self.messages().count("Master process in waitpid mode")  # up to 2.4

    def reload(self, works=True):
        before, failed = self.worker(), self.failed_reloads()
        self.master.send_signal(signal.SIGUSR2)
        if works:
            self.wait(lambda: self.worker() not in (None, before) and self.serves() and
                      (API not in self.read(CONFIG) or int(self.info()["Pid"]) != before), "the new worker")
        else:
            self.wait(lambda: self.failed_reloads() > failed, "the reload to fail")

    def ask(self, command, path=API, may_fail=False):
        try:
            with socket.socket(socket.AF_UNIX) as one:
                one.settimeout(5)
                one.connect(path)
                one.sendall(command.encode() + b"\n")
                one.shutdown(socket.SHUT_WR)
                answer = b""
                while part := one.recv(65536):
                    answer += part
        except OSError:
            if may_fail:
                return None
            raise
        return answer.decode(errors="replace")

    def info(self):
        return dict(line.split(": ", 1) for line in self.ask("show info").splitlines() if ": " in line)

    def stats(self):
        return list(csv.DictReader(io.StringIO(self.ask("show stat")[2:])))

    def stat(self, proxy, name):
        """Of one server, or of FRONTEND or BACKEND."""
        return next(row for row in self.stats() if row["pxname"] == proxy and row["svname"] == name)

    def has_status(self, proxy, name, *words):
        return self.stat(proxy, name)["status"] in words

    def wait_checked(self, seconds=SECONDS):
        """Until each server that is checked has been, and none is on its way up or down."""
        self.wait(lambda: not any(row["check_status"] == "INI" or re.fullmatch(r"(UP|DOWN) \d+/\d+", row["status"])
                                  for row in self.stats()), "the checks", seconds)

    # ---- clients ----

    def waiting(self, address):
        """How many connections wait to be accepted there (Recv-Q of the listener)."""
        return sum(int(line.split()[1]) for line in self.run(["ss", "-Hltn"]).stdout.splitlines()
                   if line.split()[3] == address)

    def get(self, address, path="/", timeout=3, headers=None):
        """The status of one answer; 0: none came; -1: refused."""
        ip, port = pair(address)
        try:
            connection = http.client.HTTPConnection(ip, port, timeout=timeout)
            connection.request("GET", path, headers=headers or {})
            return connection.getresponse().status
        except ConnectionRefusedError:
            return -1
        except (OSError, http.client.HTTPException):
            return 0

    def answered(self, address, count=20):
        for _ in range(count):
            assert self.get(address) == 200

    def stop_answering(self, process, clients):
        """A backend takes connections still, and nothing more; as many clients come, and stay."""
        process.send_signal(signal.SIGSTOP)
        self.load("127.0.0.1:8080", clients=clients, pause=20, patience=60000)

    # ---- the system's logger ----

    def start_logger(self):
        if self.logs:
            return
        self.logs = True
        # HAProxy drops what finds the queue full; the kernel's ten are soon full where all is on one machine.
        with open("/proc/sys/net/unix/max_dgram_qlen", "w", encoding="ascii") as file:
            file.write("4096")
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.bind("/dev/log")
        os.chmod("/dev/log", 0o666)

        def receive():
            while True:
                text = receiver.recv(65536).decode("latin-1")
                found = re.match(r"<\d+>\w{3} [ \d]\d \d\d:\d\d:\d\d (\S+: ?)(.*)", text, re.S)
                if found:
                    self.log_line(*found.groups())

        threading.Thread(target=receive, daemon=True).start()

    def log_line(self, tag, text):
        """As rsyslog's FileFormat has it."""
        now = datetime.datetime.now().astimezone().isoformat(timespec="microseconds")
        text = re.sub(r"[\x00-\x1f\x7f]", lambda found: f"#{ord(found.group()):03o}", text.rstrip("\n"))
        line = f"{now} {socket.gethostname()} {tag.rstrip()} {text}\n"
        with open(LOG, "ab") as file:
            file.write(line.encode("latin-1", errors="replace"))

    def age_log(self, seconds):
        """What stands in the log was written so long before."""
        def earlier(found):
            then = datetime.datetime.fromisoformat(found.group()) - datetime.timedelta(seconds=seconds)
            return then.isoformat(timespec="microseconds")

        self.write(LOG, re.sub(r"^\S+", earlier, self.log_text(), flags=re.M))

    def take_messages(self, process):
        """What HAProxy says itself goes through the journal to rsyslog, as a line of that process."""
        for line in process.stderr:
            if self.logs:
                self.log_line(f"haproxy[{process.pid}]:", line)
            with open("/var/log/haproxy.messages", "a", encoding="utf-8") as file:
                file.write(line)

    def log_text(self):
        return self.read(LOG) if os.path.exists(LOG) else ""

    def logged(self, *words):
        """The first line of the log that has them all."""
        def found():
            return [line for line in self.log_text().splitlines() if all(word in line for word in words)]
        self.wait(found, f"a line with {words} in the log")
        return found()[0]

    def messages(self):
        """What HAProxy itself said."""
        path = "/var/log/haproxy.messages"
        return self.read(path) if os.path.exists(path) else ""

    def said(self, text):
        """Waits for it: `last_chk` is empty while the next check runs, and what was said stays."""
        self.wait(lambda: text in self.messages(), f"HAProxy to say '{text}'")

    def said_cannot_bind(self, address, why):
        """HAProxy could not. Up to 2.2 it does not say why."""
        said = [line for line in self.messages().splitlines() if "cannot bind socket" in line and f"[{address}]" in line]
        assert said and all(f"({why})" in line or "socket [" in line for line in said), self.messages()

    # ---- the network ----

    def count(self, name):
        """A counter of TcpExt."""
        names, values = (line.split() for line in self.read("/proc/net/netstat").splitlines()[:2])
        return int(values[names.index(name)])

    def rises(self, name):
        before = self.count(name)
        self.wait(lambda: self.count(name) > before, f"{name} to rise")

    def listening_queue(self, address):
        """How many connections may wait there (Send-Q of the listener)."""
        return next(int(line.split()[2]) for line in self.run(["ss", "-Hltn"]).stdout.splitlines()
                    if line.split()[3] == address)

    def half_open(self):
        return len(self.run(["ss", "-Htn", "state", "syn-recv"]).stdout.splitlines())

    def sent_again(self, address):
        """Segments that connections to it had to send again."""
        text = self.run(["ss", "-Htni", "dst", address]).stdout
        return sum(int(one) for one in re.findall(r"retrans:\d+/(\d+)", text))

    def overflow(self, address):
        """More connections than may wait there, all the time: each is given up at once."""
        def burst():
            while True:
                batch = []
                for _ in range(200):
                    one = socket.socket()
                    one.setblocking(False)
                    one.connect_ex(pair(address))
                    batch.append(one)
                time.sleep(0.02)
                for one in batch:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.close()

        threading.Thread(target=burst, daemon=True).start()

    def nft(self, *rules, policy="accept"):
        """The packet filter for what comes in: chain input of table inet site."""
        lines = "\n".join((f"type filter hook input priority 0; policy {policy};", *rules))
        self.run(["nft", "-f", "-"], stdin=f"table inet site {{\nchain input {{\n{lines}\n}}\n}}\n")

    def tracked(self):
        return tuple(int(self.read(f"/proc/sys/net/netfilter/nf_conntrack_{one}")) for one in ("count", "max"))

    def fill_conntrack(self, count=None):
        """Tracked connections on 127.0.0.99, as many as there may be."""
        self.nft("ct state new accept")
        self.sysctl("net.netfilter.nf_conntrack_udp_timeout", "300")
        _, most = self.tracked()
        left = count or most
        assert left < 1000000, f"{most} are more than this test wants to make"
        # Through netlink, as assured ones: others would be thrown out again to make room.
        one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)

        def attribute(kind, value):
            return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)

        def flow(kind, source, to, ports):
            addresses = attribute(1, source) + attribute(2, to)
            ends = attribute(1, b"\x11") + attribute(2, ports[0]) + attribute(3, ports[1])
            return attribute(0x8000 | kind, attribute(0x8001, addresses) + attribute(0x8002, ends))

        rest = attribute(3, struct.pack("!I", 2 | 4 | 8)) + attribute(7, struct.pack("!I", 600))
        us, dns = socket.inet_aton("127.9.0.1"), struct.pack("!H", 53)
        batch = []
        for number in range(left):
            to, port = struct.pack("!I", 0x7f0a0000 + number // 60000), struct.pack("!H", 1024 + number % 60000)
            body = struct.pack("=BBH", socket.AF_INET, 0, 0) + flow(1, us, to, (port, dns)) + \
                flow(2, to, us, (dns, port)) + rest
            batch.append(struct.pack("=IHHII", 16 + len(body), 0x0100, 0x0401, number, 0) + body)
            if len(batch) == 100 or number == left - 1:
                one.send(b"".join(batch))
                batch = []

    # ---- others ----

    def peer(self):
        self.peers.append(Peer(self, len(self.peers) + 1))
        return self.peers[-1]

    def wait(self, condition, what="a condition", seconds=SECONDS):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"waited {seconds} s in vain for {what}")
            time.sleep(0.03)

    def diagnose(self, *arguments):
        """(exit status, report): what hamedic says; the report is None where it wrote none."""
        done = self.run([*self.hamedic_prefix, self.hamedic, "diagnose", "--json", *self.arguments, *arguments],
                        check=False)
        try:
            return done.returncode, json.loads(done.stdout), done.stderr
        except ValueError:
            return done.returncode, None, done.stderr


def load(path):
    """A scenario's file as a module."""
    spec = importlib.util.spec_from_file_location("scenario", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def see_it_happened(scenario, host):
    """What is asserted may show a moment after it was done: HAProxy's own words come through a pipe and a logger."""
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            return scenario.happened(host)
        except AssertionError:
            if time.monotonic() > end:
                raise
        time.sleep(0.05)


def main():
    path, build = sys.argv[1:]
    answer = os.dup(1)
    os.dup2(2, 1)  # what else is printed is for the log
    scenario = load(path)
    host = Host(build)
    seen = {"error": None, "exit": None, "report": None, "stderr": ""}
    try:
        seen["step"] = "make"
        scenario.make(host)
        seen["step"] = "happened"
        if hasattr(scenario, "happened"):
            see_it_happened(scenario, host)
        seen["step"] = "diagnose"
        begin = time.monotonic()
        seen["exit"], seen["report"], seen["stderr"] = host.diagnose()
        seen["seconds"] = time.monotonic() - begin
        if hasattr(scenario, "check") and seen["report"] is not None:
            seen["step"] = "check"
            scenario.check(host, seen["report"])
    except Exception:  # pylint: disable=broad-except # whatever it was, the scenario did not go as written
        seen["error"] = traceback.format_exc(limit=-3)
    seen["messages"], seen["log"] = host.messages(), host.log_text()[-20000:]
    with open(answer, "w", encoding="ascii") as file:
        json.dump(seen, file)
    os._exit(0)  # threads that serve do not keep us; what was started ends with the host


if __name__ == "__main__":
    main()
