"""Nothing is wrong, and who asks is not root: no descriptors, no sockets of others, no stats socket."""
CAUSE = None
NOT_CHECKED = ["^process: how many file descriptors", "^stats: .*Permission denied"]
POSSIBLE = ["stats-socket-off"]


def make(host):
    host.app()
    host.hamedic_prefix = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def happened(host):
    assert host.get("127.0.0.1:8080") == 200
    done = host.run([*host.hamedic_prefix, "cat", "/proc/1/environ"], check=False)
    assert done.returncode != 0
