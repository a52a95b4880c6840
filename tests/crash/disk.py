"""File systems in files, on loop devices: made, cut off, mounted again, and never left behind."""
import ctypes
import errno
import os
import subprocess

# name -> (size in MiB, mkfs). The files are sparse.
KINDS = {
    "ext4": (96, ["mkfs.ext4", "-q", "-F"]),
    "xfs": (320, ["mkfs.xfs", "-q", "-f"]),
}
LOST = 2     # what is not on disk is lost (NOLOGFLUSH)
METADATA = 1  # the file system's own log still reaches the disk, data does not (LOGFLUSH)

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000

libc = ctypes.CDLL(None, use_errno=True)


def own_mounts():
    """Nobody else sees what is mounted from here on. Who copies all mounts for himself would keep a file system in use
    that was cut off, and it could not be started again."""
    if libc.unshare(CLONE_NEWNS) == 0:
        # In a chroot "/" is no mount, and cannot be made private.
        if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0 or ctypes.get_errno() == errno.EINVAL:
            return
    raise RuntimeError(f"cannot have mounts of its own: {os.strerror(ctypes.get_errno())}")


def must(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


class Disk:
    def __init__(self, folder, kind):
        size, mkfs = KINDS[kind]
        image = os.path.join(folder, kind + ".img")
        self.top = os.path.join(folder, kind)
        os.makedirs(self.top, exist_ok=True)
        with open(image, "wb") as file:
            file.truncate(size * 1024 * 1024)
        must([*mkfs, image])
        self.device = must(["losetup", "--find", "--show", image])
        self.kind = kind.encode()
        self.mount()

    def mount(self):
        if libc.mount(self.device.encode(), self.top.encode(), self.kind, 0, None) != 0:
            raise RuntimeError(f"cannot mount '{self.device}': {os.strerror(ctypes.get_errno())}")

    def unmount(self):
        must(["umount", self.top])

    def sync(self):
        fd = os.open(self.top, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if libc.syncfs(fd) != 0:
                raise RuntimeError(f"cannot sync '{self.top}': {os.strerror(ctypes.get_errno())}")
        finally:
            os.close(fd)

    def switch_on_again(self):
        """After a cut: what the disk holds is all there is."""
        self.unmount()
        self.mount()

    def close(self):
        subprocess.run(["umount", "-l", self.top], check=False)
        subprocess.run(["losetup", "-d", self.device], check=False)


def detach_below(folder):
    """Unmounts and detaches everything that this run made and somebody left."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        points = [line.split()[1] for line in file]
    for point in reversed(points):
        if point.startswith(folder + "/"):
            subprocess.run(["umount", "-l", point], check=False)
    shown = subprocess.run(["losetup", "-l", "-n", "-O", "NAME,BACK-FILE"], capture_output=True, text=True, check=False)
    for line in shown.stdout.splitlines():
        name, _, file = line.partition(" ")
        if file.strip().startswith(folder + "/"):
            subprocess.run(["losetup", "-d", name], check=False)
