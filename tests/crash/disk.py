"""File systems in files, on loop devices: made, cut off, mounted again, and never left behind."""
import os
import subprocess

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
