"""Flips bits of a file, one at a time, and runs a command after each: it must always end with exit status 3 and one
line on standard error. The file is as before at the end.

    flip.py FILE all|sampled FIRST-BYTE COMMAND...

all: every bit; sampled: one bit of every byte, and every bit of 40 bytes that chance picks (the seed is said).
"""

import os
import random
import subprocess
import sys


def positions(size, first, how):
    if how == "all":
        return [(at, bit) for at in range(first, size) for bit in range(8)]
    every = {(at, random.randrange(8)) for at in range(first, size)}
    some = random.sample(range(first, size), min(40, size - first))
    return sorted(every | {(at, bit) for at in some for bit in range(8)})


def judge(command, what):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 3:
        sys.exit(f"flip.py: {what}: exit status {done.returncode}: {done.stderr!r}")
    if done.stderr.count(b"\n") != 1 or not done.stderr.startswith(b"hamedic: refused: "):
        sys.exit(f"flip.py: {what}: says {done.stderr!r}")


def main():
    path, how, first, command = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
    seed = random.randrange(1 << 32)
    random.seed(seed)
    with open(path, "rb") as file:
        whole = file.read()
    flips = positions(len(whole), first, how)
    fd = os.open(path, os.O_WRONLY)
    for at, bit in flips:
        os.pwrite(fd, bytes([whole[at] ^ 1 << bit]), at)
        judge(command, f"{os.path.basename(path)}: bit {bit} of byte {at} flipped (seed {seed})")
        os.pwrite(fd, whole[at : at + 1], at)
    os.close(fd)
    print(f"{len(flips)} flips of {os.path.basename(path)}, each refused")


main()
