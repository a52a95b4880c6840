"""hamedic diagnose where there is much of everything: 2,000 servers, 20,000 connections. Called by tests/bench/run.

    many.py BUILD-TREE      in a throw-away host

Prints the time of each source, of the whole, and of the slowest source's own tool alone; asserts what happened, never
how fast.
"""
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "diagnosis"))
import host as throwaway  # noqa: E402

ROUNDS = 7
SERVERS, BACKENDS = 2000, 100
# HAProxy has two for each client, and needs a descriptor for each and one more for each check; no more than 20,000 are
# to be had everywhere. The rest goes straight to the servers.
CONNECTIONS, CLIENTS, CLIENTS_EACH = 20000, 8900, 4450
AIM = 1.5


def require(holds, what):
    if not holds:
        sys.exit(f"bench: {what}")


def make(host):
    lines = ["frontend web", "    bind 127.0.0.1:8080", "    maxconn 8950", "    default_backend b0",
             "    use_backend b%[rand(100)]"]
    for backend in range(BACKENDS):
        lines.append(f"backend b{backend}")
        for server in range(SERVERS // BACKENDS):
            number = backend * (SERVERS // BACKENDS) + server
            lines.append(f"    server s{server} 127.2.{number // 250}.{number % 250 + 1}:9001 check inter 60s")
    # One program listens for all of them; its answers begin at once, and do not end for as long as this lasts.
    host.backend("0.0.0.0:9001", delay=-3600 * 1000)
    host.config("\n".join(lines) + "\n", maxconn=8950, log=False,
                defaults="    timeout client 1h\n    timeout server 1h")
    host.start()
    host.wait_checked(90)
    for _ in range(CLIENTS // CLIENTS_EACH):
        host.load("127.0.0.1:8080", clients=CLIENTS_EACH, pause=2000, patience=3600 * 1000)
    host.load("127.2.0.1:9001", clients=CONNECTIONS - 2 * CLIENTS, pause=2000, patience=3600 * 1000)
    host.wait(lambda: sum(int(row["scur"]) for row in host.stats() if row["svname"] == "BACKEND") == CLIENTS,
              f"{CLIENTS} clients to be with a server", 120)
    host.wait(lambda: established(host) >= 2 * CONNECTIONS, f"{CONNECTIONS} connections", 120)


def established(host):
    return len(host.run(["ss", "-Htan", "state", "established"]).stdout.splitlines())


def measure(command, statuses):
    begin = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    took = time.perf_counter() - begin
    require(done.returncode in statuses, f"{command[0]} ended with {done.returncode}")
    return took, done.stdout


def main():
    host = throwaway.Host(sys.argv[1])
    make(host)
    sockets = established(host)
    totals, alone, sources, shares = [], [], {}, []
    for turn in range(ROUNDS + 1):
        took, output = measure([host.hamedic, "diagnose", "--json"], (0, 2))
        check, _ = measure(["haproxy", "-c", "-q", "-f", throwaway.CONFIG], (0,))
        if turn == 0:
            continue  # the caches are warm now
        report = json.loads(output)
        states = {one["name"]: one["state"] for one in report["sources"]}
        for name in ("process", "config", "haproxy -c", "stats", "sockets", "probe"):
            require(states[name] == "ok", f"source '{name}' is {states[name]}")
        totals.append(took)
        alone.append(check)
        for one in report["sources"]:
            sources.setdefault(one["name"], []).append(one["milliseconds"])
        shares.append(took * 1000 / max(one["milliseconds"] for one in report["sources"]))
    print(f"diagnose with {SERVERS} servers and {CONNECTIONS} connections ({sockets} sockets), milliseconds of each source:")
    for name, times in sorted(sources.items(), key=lambda one: -statistics.median(one[1])):
        print(f"    {name:12} {statistics.median(times):6.0f}")
    total, ratio = statistics.median(totals), statistics.median(shares)
    print(f"    whole        {total * 1000:6.0f}; against its slowest source: ratio {ratio:.2f}, aim: at most {AIM:.2f}: "
          f"{'reached' if ratio <= AIM else 'MISSED'}; against haproxy -c alone ({statistics.median(alone) * 1000:.0f} ms): "
          f"{total / statistics.median(alone):.2f}", flush=True)
    os._exit(0)


main()
