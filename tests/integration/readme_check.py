"""readme_check.py README OUTPUT: what the README shows of the quickstart is what the quickstart prints.

Compared without numbers, ids, key ids and the machine's name, and however the lines are folded. [...] in the README
stands for anything."""
import re
import sys


def host_of(text):
    return re.search(r"^(\S+) - HAProxy ", text, re.M).group(1)


def plain(text):
    host = host_of(text) if re.search(r"^\S+ - HAProxy ", text, re.M) else plain.host
    plain.host = host
    text = re.sub(r"\b[0-9a-f]{32}\b", "ID", text)
    text = re.sub(r"\b(Plan|plan|rollback) [0-9a-f]{6}\b", r"\1 ID", text)
    text = re.sub(r"\b[0-9A-F]{16}\b", "KEY", text)
    text = re.sub(r"\b%s\b" % re.escape(host), "HOST", text)
    text = re.sub(r"[0-9]+", "N", text)
    text = re.sub(r"\(N h later\)|ms|\bs\b", "", text)
    return " ".join(text.split())


readme, output = (open(name).read() for name in sys.argv[1:3])
block = re.search(r"shortened where it says `\[\.\.\.\]`:\n\n((?:    .*\n|\n)+)", readme).group(1)
block = re.sub(r"^    ", "", block, flags=re.M)
plain.host = host_of(block)
shown = plain(block).split("[...]")
plain.host = host_of(output)
printed = plain(output)
at = 0
for chunk in (chunk.strip() for chunk in shown):
    found = printed.find(chunk, at)
    if found < 0:
        common = 0
        while common < len(chunk) and printed.find(chunk[: common + 1], at) >= 0:
            common += 1
        print("the README shows what the quickstart does not print:")
        print("  " + chunk[max(0, common - 100) : common] + " >>> " + chunk[common : common + 100])
        sys.exit(1)
    at = found + len(chunk)
print("%d parts of the README are as the quickstart prints them" % len(shown))
sys.exit(0 if len(shown) > 3 else 1)
