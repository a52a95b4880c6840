"""What a file for HAProxy sets is taken back by a later one."""
CAUSE = "sysctl-overridden"


def make(host):
    host.write("/etc/sysctl.d/50-haproxy.conf", "net.core.somaxconn = 16384\n")
    host.write("/etc/sysctl.d/90-local.conf", "# as on all hosts\nnet.core.somaxconn = 1024\n")
    for file in ("50-haproxy", "90-local"):  # as the boot does
        value = host.read(f"/etc/sysctl.d/{file}.conf").split("= ")[1].strip()
        host.sysctl("net.core.somaxconn", value)
    host.app()


def happened(host):
    assert host.read("/proc/sys/net/core/somaxconn") == "1024\n"
