"""What makes a file that file, told and set: owner, mode, ACL, label, user.* attributes, times, inode, bytes.

    dress.py show FOLDER...     everything below, one line each; what is hamedic's own is left out
    dress.py put FILE           owner, mode, ACL, label, attributes and times that no default would give
    dress.py default FOLDER     a default ACL, which new files in it take up
    dress.py change HOW FILE    owner, group, mode, acl, label or user: as somebody else would
"""
import hashlib
import os
import stat
import struct
import sys

OWN = ("var/lib/hamedic", "run/hamedic")
ACL, DEFAULT_ACL, LABEL = "system.posix_acl_access", "system.posix_acl_default", "security.selinux"
NOBODY = 0xFFFFFFFF


def acl(user, may):
    """user::rw-, user:USER:MAY, group::r--, mask::rw-, other::--- (linux/posix_acl_xattr.h)"""
    entries = ((1, 6, NOBODY), (2, may, user), (4, 4, NOBODY), (16, 6, NOBODY), (32, 0, NOBODY))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def line(path, name):
    st = os.lstat(path)
    names = sorted(os.listxattr(path, follow_symlinks=False))
    attributes = " ".join(f"{key}={os.getxattr(path, key, follow_symlinks=False).hex()}" for key in names)
    if stat.S_ISDIR(st.st_mode):  # files come and go in it
        return f"{name} {st.st_mode:o} {st.st_uid}:{st.st_gid} {attributes}"
    if stat.S_ISREG(st.st_mode):
        with open(path, "rb") as file:
            what = hashlib.sha256(file.read()).hexdigest()
    else:
        what = os.readlink(path) if stat.S_ISLNK(st.st_mode) else "special"
    return (f"{name} {st.st_mode:o} {st.st_uid}:{st.st_gid} links={st.st_nlink} {st.st_size} "
            f"{st.st_mtime_ns} {attributes} {what}")


def show(root):
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            inside = os.path.relpath(path, root)
            if not inside.startswith(OWN):
                print(line(path, inside))


def put(path):
    os.setxattr(path, "user.team", b"web\0\xff")
    os.setxattr(path, "user.empty", b"")
    os.setxattr(path, LABEL, b"system_u:object_r:haproxy_etc_t:s0\0")
    os.setxattr(path, ACL, acl(4242, 4))
    os.chmod(path, 0o640)
    os.chown(path, 123, 456)
    os.utime(path, ns=(1612345678123456789, 1614834307891234567))


def change(how, path):
    st = os.stat(path)
    if how == "owner":
        os.chown(path, 77, st.st_gid)
    elif how == "group":
        os.chown(path, st.st_uid, 88)
    elif how == "mode":
        os.chmod(path, 0o600)
    elif how == "acl":
        os.setxattr(path, ACL, acl(5151, 6))
    elif how == "label":
        os.setxattr(path, LABEL, b"system_u:object_r:somebodys_t:s0\0")
    elif how == "user":
        os.setxattr(path, "user.team", b"somebody's")
    else:
        sys.exit(f"dress.py: '{how}'?")


def main():
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "show":
        for root in arguments:
            show(root)
    elif command == "put":
        put(*arguments)
    elif command == "default":
        os.setxattr(arguments[0], DEFAULT_ACL, acl(6161, 6))
    elif command == "change":
        change(*arguments)
    else:
        sys.exit(__doc__)


main()
