"""A tree of files as it was, as it is, and back: everything that makes a file that file."""
import collections
import os
import stat

# kind "f", "d", "l"; mtime None for folders, in which files come and go; data: bytes, or where a link leads
Entry = collections.namedtuple("Entry", "kind mode uid gid mtime xattrs data")


def mark_of(st):
    """Changes whenever anything about the file does."""
    return st.st_ino, st.st_ctime_ns, st.st_mtime_ns, st.st_size, st.st_mode


def read_entry(path, st):
    kind = {stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFREG: "f"}.get(stat.S_IFMT(st.st_mode), "?")
    data, xattrs, mtime = None, (), None
    if kind == "l":
        data = os.readlink(path)
    elif kind == "f":
        mtime = st.st_mtime_ns
        with open(path, "rb") as file:
            data = file.read()
    if kind in "fd":
        try:
            xattrs = tuple((name, os.getxattr(path, name)) for name in sorted(os.listxattr(path)))
        except OSError:
            pass
    return Entry(kind, stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid, mtime, xattrs, data)


class Tree:
    """A folder that is brought to one image after the other; what did not change is neither read nor written again."""

    def __init__(self, path, cached=True):
        self.path, self.cached = path, cached
        self.known = {}  # path -> (mark, entry) as of the last reset or scan

    def scan(self):
        """{path: Entry}, by paths below the tree's top; "." is the top itself."""
        found = {".": read_entry(self.path, os.lstat(self.path))}
        known = {}
        waiting = [""]
        while waiting:
            below = waiting.pop()
            with os.scandir(os.path.join(self.path, below)) as entries:
                for one in entries:
                    name = os.path.join(below, one.name)
                    st = one.stat(follow_symlinks=False)
                    mark = mark_of(st)
                    old = self.known.get(name)
                    if self.cached and old is not None and old[0] == mark:
                        entry = old[1]
                    else:
                        entry = read_entry(one.path, st)
                    found[name] = entry
                    known[name] = mark, entry
                    if entry.kind == "d":
                        waiting.append(name)
        self.known = known
        return found

    def remove(self, name, entry):
        path = os.path.join(self.path, name)
        if entry.kind == "d":
            os.rmdir(path)
        else:
            os.unlink(path)

    def write(self, name, entry):
        path = os.path.join(self.path, name)
        if entry.kind == "d":
            if not os.path.isdir(path):
                os.mkdir(path)
        elif entry.kind == "l":
            os.symlink(entry.data, path)
            os.lchown(path, entry.uid, entry.gid)
            return
        else:
            with open(path, "wb") as file:
                file.write(entry.data)
        os.chown(path, entry.uid, entry.gid)
        os.chmod(path, entry.mode)
        for xattr, value in entry.xattrs:
            os.setxattr(path, xattr, value)
        if entry.mtime is not None:
            os.utime(path, ns=(entry.mtime, entry.mtime))

    def reset(self, image):
        os.makedirs(self.path, exist_ok=True)
        now = self.scan()
        for name in sorted(now, reverse=True):
            if name != "." and now[name] != image.get(name):
                if now[name].kind != "d" or image.get(name) is None or image[name].kind != "d":
                    self.remove(name, now[name])
        for name in sorted(image):
            if now.get(name) != image[name]:
                self.write(name, image[name])
        if self.scan() != image:
            raise RuntimeError(f"'{self.path}' could not be brought to its image")


def load(path):
    return Tree(path, cached=False).scan()


def differences(old, new, limit=8):
    lines = []
    for name in sorted(old.keys() | new.keys()):
        a, b = old.get(name), new.get(name)
        if a == b:
            continue
        if a is None or b is None:
            lines.append(f"{name}: {'is there' if a is None else 'is gone'}")
        else:
            lines.append(f"{name}: " + ", ".join(
                field if field in ("data", "xattrs") else f"{field} {getattr(a, field)} -> {getattr(b, field)}"
                for field in Entry._fields if getattr(a, field) != getattr(b, field)))
    return lines[:limit] + ([f"and {len(lines) - limit} more"] if len(lines) > limit else [])
