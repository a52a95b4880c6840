"""Nothing is wrong; there is no SELinux, though its policy is installed without a store: nobody misses it, or its audit log."""
import os

CAUSE = None
NOT = ["selinux-store-damaged", "boolean-not-persistent", "bind-selinux", "backend-selinux"]


def make(host):
    host.write("/etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n")
    os.makedirs("/etc/selinux/targeted/policy", exist_ok=True)
    host.app()


def happened(host):
    assert not os.path.exists("/sys/fs/selinux/enforce")
    assert not os.path.exists("/var/lib/selinux")
    assert host.get("127.0.0.1:8080") == 200


def check(_host, report):
    assert not any(line.startswith("audit: ") for line in report["not_checked"]), report["not_checked"]
