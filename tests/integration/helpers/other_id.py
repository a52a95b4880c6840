"""Gives a minisign key or signature another key id: an id is a name that anybody may choose.

    other_id.py FROM TO
"""

import base64
import sys


def main():
    with open(sys.argv[1]) as file:
        lines = file.read().splitlines()
    whole = base64.b64decode(lines[1])
    lines[1] = base64.b64encode(whole[:2] + b"otherkey" + whole[10:]).decode()
    with open(sys.argv[2], "w") as file:
        file.write("\n".join(lines) + "\n")


main()
