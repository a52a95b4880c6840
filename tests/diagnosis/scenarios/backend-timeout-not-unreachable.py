"""Nobody has a server's address: the kernel asks for it in vain, and the check waits long enough to hear so."""
CAUSE = "backend-unreachable"


def make(host):
    peer = host.peer()
    host.sysctl(f"net.ipv4.neigh.{peer.name}.retrans_time_ms", "50")
    nobody = peer.address.rsplit(".", 1)[0] + ".9"
    host.app(host.APP.replace("127.0.0.11:9001 check inter 200", f"{nobody}:9001 check inter 500"))
    host.wait(lambda: host.has_status("app", "one", "DOWN"), "the check to fail")


def happened(host):
    host.said("No route to host")
