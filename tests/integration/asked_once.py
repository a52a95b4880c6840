"""On a throw-away host: what one run of diagnose asks, counted by its system calls.

    asked_once.py HAMEDIC
"""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "diagnosis"))
import host as throwaway  # noqa: E402

TRACE = "/run/trace"


def calls(hamedic):
    """Of hamedic and its processes, but not of the haproxy that they run."""
    done = subprocess.run(["strace", "-f", "-y", "-qq", "-e", "trace=connect,execve,openat,read,pread64", "-o", TRACE,
                           hamedic, "diagnose", "--json"], stdout=subprocess.PIPE, check=False)
    report = json.loads(done.stdout)
    whole, begun, others = [], {}, set()
    with open(TRACE, encoding="utf-8", errors="replace") as file:
        for line in file:
            pid, text = line.split(None, 1)
            # A call that another thread's stands between is in two parts.
            if "<unfinished ...>" in text:
                begun[pid] = text.split("<unfinished ...>")[0]
                continue
            text = re.sub(r"^<\.\.\. \w+ resumed>", lambda _, pid=pid: begun.pop(pid, ""), text)
            if pid not in others:
                whole.append(text)
            if re.match(r'execve\("[^"]*/haproxy"', text):
                others.add(pid)
    return report, whole


def count(lines, call, *texts):
    """Calls that worked."""
    return sum(call in line and all(text in line for text in texts) and not re.search(r"= -1 ", line) for line in lines)


def bytes_read(lines, path):
    return sum(int(line.rsplit("= ", 1)[1]) for line in lines
               if re.match(r"p?read(64)?\(\d+<" + re.escape(path) + ">", line) and not line.endswith("= -1"))


def main():
    host = throwaway.Host(os.path.dirname(sys.argv[1]))
    host.app()
    report, lines = calls(sys.argv[1])
    states = {one["name"]: one["state"] for one in report["sources"]}
    asked = {
        "connections to the stats socket": (count(lines, "connect(", f'"{throwaway.API}"'), 1),
        "connections to the master socket": (count(lines, "connect(", f'"{throwaway.MASTER}"'), 1),
        "runs of haproxy -v": (count(lines, "execve(", 'haproxy", "-v"]'), 1),
        "runs of haproxy -c": (count(lines, "execve(", '/haproxy", [', ', "-c", '), 1),
        "bytes read of the configuration": (bytes_read(lines, throwaway.CONFIG), os.path.getsize(throwaway.CONFIG)),
        # They are counted, and looked through for who holds a port.
        "looks at the worker's descriptors": (count(lines, "openat", f'"/proc/{host.worker()}/fd"'), 2),
    }
    wrong = [f"{what}: {times}, not {wanted}" for what, (times, wanted) in asked.items() if times != wanted]
    wrong += [f"source '{name}' was not read: nothing was tested" for name in ("stats", "master", "haproxy -c", "config")
              if states[name] != "ok"]
    for text in wrong:
        print(f"asked_once: {text}", file=sys.stderr)
    if not wrong:
        print("asked_once: " + "; ".join(f"{what}: {times}" for what, (times, _) in asked.items()))
    sys.stdout.flush()
    os._exit(1 if wrong else 0)


main()
