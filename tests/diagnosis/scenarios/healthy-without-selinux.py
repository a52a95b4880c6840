"""Nothing is wrong, and there is no SELinux: nothing is said of denials, and nothing is missed."""
CAUSE = None


def make(host):
    host.app()


def happened(host):
    import os
    assert not os.path.exists("/sys/fs/selinux/enforce")


def check(_host, report):
    assert not any(line.startswith("audit: ") for line in report["not_checked"]), report["not_checked"]
