"""A virtual machine of the lab: qemu, the guest's serial port, and snapshots of the whole machine.

Use:     Machine(image, tar, overlay, log).start(); wait_ready(); do(command, seconds); bye(); stop().
Shapes:  image is a folder with disk.img, vmlinuz and initrd; nothing writes to them: what the guest writes goes to
         `overlay`, a qcow2 file over disk.img. Times are seconds.
Errors:  GuestError: the guest ended, or said nothing in time; its log tells more.
"""
import json
import os
import re
import selectors
import socket
import subprocess
import time

QEMU = "qemu-system-x86_64"
MEMORY_MIB = 768
# One processor: where qemu translates, two that wait for each other on a busy machine are taken for stuck.
TAIL = 2000


class GuestError(Exception):
    """The guest did not do what it had to, in the time it had."""


def accelerator(image, seconds=10):
    """KVM where it really runs the image's kernel, which only trying tells; else qemu's own translation."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return ["-accel", "tcg,thread=multi"]
    command = [QEMU, "-accel", "kvm", "-cpu", "max", "-m", "256", "-nodefaults", "-display", "none", "-no-reboot",
               "-kernel", os.path.join(image, "vmlinuz"), "-append", "console=ttyS0 panic=-1", "-serial", "stdio"]
    try:
        said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds).stdout
        if b"Kernel panic" in said:  # it has no root, so this is how far it can come
            return ["-accel", "kvm"]
    except (subprocess.TimeoutExpired, OSError):
        pass
    return ["-accel", "tcg,thread=multi"]


def make_overlay(image, overlay):
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b",
                    os.path.abspath(os.path.join(image, "disk.img")), overlay], check=True)


class Machine:
    def __init__(self, image, accel, tar, overlay, folder):
        self.image, self.accel, self.tar, self.overlay = image, accel, tar, overlay
        self.folder = folder
        self.process = self.serial = self.monitor = None
        self.log = open(os.path.join(folder, "serial.log"), "ab")
        self.text = b""
        self.id = 0

    def start(self, snapshot=None):
        paths = {name: os.path.join(self.folder, name) for name in ("serial.sock", "monitor.sock")}
        for path in paths.values():
            if os.path.exists(path):
                os.unlink(path)
        command = [
            QEMU, *self.accel, "-cpu", "max", "-smp", "1", "-m", str(MEMORY_MIB),
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-rtc", "base=utc",
            "-kernel", os.path.join(self.image, "vmlinuz"), "-initrd", os.path.join(self.image, "initrd"),
            "-append", "root=/dev/vda rw console=ttyS0 security=selinux selinux=1 enforcing=1 mitigations=off quiet",
            "-drive", f"file={self.overlay},if=virtio,format=qcow2,cache=unsafe",
            "-drive", f"file={self.tar},if=virtio,format=raw,readonly=on",
            "-chardev", f"file,id=console,append=on,path={os.path.join(self.folder, 'console.log')}",
            "-serial", "chardev:console",
            "-chardev", f"socket,id=lab,path={paths['serial.sock']},server=on,wait=off", "-serial", "chardev:lab",
            "-qmp", f"unix:{paths['monitor.sock']},server=on,wait=off",
        ]
        if snapshot is not None:
            command += ["-loadvm", snapshot, "-S"]
        self.errors = open(os.path.join(self.folder, "qemu.log"), "ab")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
        self.serial = self._connect(paths["serial.sock"])
        self.monitor = self._connect(paths["monitor.sock"])
        self.monitor_file = self.monitor.makefile("rwb")
        self.monitor_file.readline()  # its greeting
        self._ask_monitor({"execute": "qmp_capabilities"})
        if snapshot is not None:  # only now is somebody there to hear what it says
            self._ask_monitor({"execute": "cont"})

    def _connect(self, path):
        end = time.monotonic() + 60
        while True:
            end_point = socket.socket(socket.AF_UNIX)
            try:
                end_point.connect(path)
                return end_point
            except OSError:
                end_point.close()
                if self.process.poll() is not None:
                    with open(os.path.join(self.folder, "qemu.log"), errors="replace") as log:
                        raise GuestError("qemu ended at once: " + log.read()[-TAIL:]) from None
                if time.monotonic() > end:
                    raise GuestError("qemu did not open its sockets in 60 s") from None
                time.sleep(0.05)

    def _ask_monitor(self, question):
        self.monitor_file.write(json.dumps(question).encode() + b"\n")
        self.monitor_file.flush()
        self.monitor.settimeout(300)
        while True:
            line = self.monitor_file.readline()
            if not line:
                raise GuestError("qemu's monitor hung up")
            answer = json.loads(line)
            if "error" in answer:
                raise GuestError(f"qemu: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]

    def save(self, name):
        """The machine as it is now, into its overlay."""
        said = self._ask_monitor({"execute": "human-monitor-command", "arguments": {"command-line": f"savevm {name}"}})
        if said.strip():
            raise GuestError(f"qemu cannot save the machine: {said.strip()}")

    def _wait(self, pattern, seconds, what):
        """What the guest said before and as `pattern`."""
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.serial, selectors.EVENT_READ)
            while True:
                found = re.search(pattern, self.text)
                if found:
                    before, self.text = self.text[:found.start()], self.text[found.end():]
                    return before, found
                left = end - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise GuestError(f"{what}: no end after {seconds} s; the guest's last words:\n"
                                     + self.text[-TAIL:].decode(errors="replace"))
                got = self.serial.recv(65536)
                if not got:
                    raise GuestError(f"{what}: the machine went away; its last words:\n"
                                     + self.text[-TAIL:].decode(errors="replace"))
                self.log.write(got)
                self.log.flush()
                self.text += got.replace(b"\r", b"")

    def wait_ready(self, seconds):
        """The id of the boot that the guest is ready in."""
        _, found = self._wait(rb"=LAB= (?:ready (\S+)|end.*)\n", seconds, "boot")
        if found.group(1) is None:
            raise GuestError("the guest ended before it was ready")
        return found.group(1).decode()

    def do(self, command, seconds):
        """Runs one line of sh in the guest: (status, output)."""
        assert "\n" not in command
        self.id += 1
        self.serial.sendall(f"do {self.id} {seconds} {command}\n".encode())
        before, found = self._wait(rb"\n?=LAB= done %d (\d+)\n" % self.id, seconds + 30, command)
        return int(found.group(1)), before.decode(errors="replace")

    def reboot(self, seconds):
        """The guest shuts down for a reboot, and the machine is switched on again. Not by a reset in place: after one,
        qemu's translation is several times slower than in a new process."""
        self.id += 1
        self.serial.sendall(f"do {self.id} 60 systemctl reboot; sleep 60\n".encode())
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise GuestError(f"reboot: the guest did not shut down in {seconds} s") from None
        self._close()
        self.text = b""
        self.start()
        return self.wait_ready(seconds)

    def _close(self):
        for one in (self.serial, self.monitor):
            if one is not None:
                one.close()
        self.serial = self.monitor = None

    def stop(self):
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            self.process = None
        self._close()
        self.log.close()
