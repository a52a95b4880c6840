"""Moves the times in a transaction's journal by that many seconds, and gives it another boot's id, each record's checksum
made anew.

    journal_times.py FOLDER SECONDS [BOOT]
"""

import hashlib
import sys


def digest(*parts):
    return hashlib.blake2b(b"".join(parts), digest_size=32).hexdigest().encode()


def main():
    folder, seconds = sys.argv[1], int(sys.argv[2])
    other_boot = sys.argv[3].encode() if len(sys.argv) > 3 else None
    with open(f"{folder}/plan", "rb") as file:
        last = digest(file.read())
    with open(f"{folder}/journal", "rb") as file:
        lines = file.read().splitlines()
    with open(f"{folder}/journal", "wb") as file:
        for line in lines:
            checksum, rest = line.split(b" ", 1)
            assert checksum == digest(last, rest), "the checksum is not what this script thinks"
            last = checksum
        with open(f"{folder}/plan", "rb") as plan:
            last = digest(plan.read())
        for line in lines:
            number, time, boot, rest = line.split(b" ", 4)[1:]
            moved = b"%s %d %s %s" % (number, int(time) + seconds, other_boot or boot, rest)
            last = digest(last, moved)
            file.write(last + b" " + moved + b"\n")


main()
