#!/usr/bin/python3
"""What must hold of a policy that has the lab's module in it: check.py POLICY. Prints each thing that does not."""

import sys

import setools

CONNECT = {"http_port_t", "http_cache_port_t", "commplex_main_port_t", "commplex_link_port_t", "dns_port_t"}
BIND = {"http_port_t", "http_cache_port_t", "commplex_main_port_t"}
CAPABILITIES = {
    "chown", "fowner", "kill", "setuid", "setgid", "sys_chroot", "sys_resource", "net_admin", "net_raw",
    "net_bind_service", "dac_read_search",
}
# Scenarios rely on them: port, may connect, may bind.
PORTS = [
    (80, True, True), (443, True, True), (8443, True, True), (8080, True, True), (5000, True, True),
    (5001, True, False), (53, True, False),
    (8888, False, False), (8404, False, False), (5432, False, False), (9000, False, False), (33000, False, False),
]
ANY = {"haproxy_connect_any": True}


class Policy:
    def __init__(self, path):
        self.policy = setools.SELinuxPolicy(path)
        self.failures = 0
        self.checks = 0
        # setools' own queries go through all rules each time.
        self.index = {}
        for rule in self.policy.terules():
            key = str(rule.ruletype), str(rule.tclass), str(rule.source)
            self.index.setdefault(key, []).append(rule)

    def expect(self, held, what):
        self.checks += 1
        if not held:
            self.failures += 1
            print("FAILED ", what)

    def names(self, name):
        """The type, and the attributes by which rules may mean it."""
        return {name} | {str(a) for a in self.policy.lookup_type(name).attributes()}

    def rules(self, kind, source, tclass, booleans):
        """The rules of a kind that are in force with these booleans, the others as the policy has them."""
        for name in self.names(source):
            for rule in self.index.get((kind, tclass, name), []):
                try:
                    if rule.enabled(**booleans):
                        yield rule
                except setools.exception.RuleNotConditional:
                    yield rule

    def targets(self, source, tclass, perm, booleans, kind="allow"):
        return {
            str(target)
            for rule in self.rules(kind, source, tclass, booleans) if perm in rule.perms
            for target in rule.target.expand()
        }

    def perms(self, source, target, tclass, booleans):
        names = self.names(target)
        return {
            perm
            for rule in self.rules("allow", source, tclass, booleans) if str(rule.target) in names
            for perm in rule.perms
        }

    def port_type(self, number):
        # As the kernel does: the first that holds the port.
        for con in self.policy.portcons():
            if str(con.protocol) == "tcp" and con.ports.low <= number <= con.ports.high:
                return str(con.context.type_)
        return None

    def became(self, source, tclass, target):
        names = self.names(target)
        return {str(rule.default) for rule in self.rules("type_transition", source, tclass, {})
                if str(rule.target) in names}


def check_ports(policy):
    every = {str(t) for t in policy.policy.lookup_typeattr("port_type").expand()}
    connect = policy.targets("haproxy_t", "tcp_socket", "name_connect", {})
    bind = policy.targets("haproxy_t", "tcp_socket", "name_bind", {})
    policy.expect(connect == CONNECT, f"connects by default to {sorted(connect)}, should be {sorted(CONNECT)}")
    policy.expect(bind == BIND, f"binds by default {sorted(bind)}, should be {sorted(BIND)}")
    for number, may_connect, may_bind in PORTS:
        name = policy.port_type(number)
        policy.expect((name in connect) == may_connect, f"connect to {number} ({name}): should be {may_connect}")
        policy.expect((name in bind) == may_bind, f"bind of {number} ({name}): should be {may_bind}")
    for perm in "name_connect", "name_bind":
        left = every - policy.targets("haproxy_t", "tcp_socket", perm, ANY)
        policy.expect(not left, f"with haproxy_connect_any {perm} is still denied on {sorted(left)}")
    boolean = policy.policy.lookup_boolean("haproxy_connect_any")
    policy.expect(not boolean.state, "haproxy_connect_any is on by default")
    for booleans in {}, ANY:
        for tclass in "udp_socket", "dccp_socket", "sctp_socket":
            found = policy.targets("haproxy_t", tclass, "name_bind", booleans)
            policy.expect(not found, f"{tclass} name_bind is allowed on {sorted(found)} with {booleans}")


def check_confined(policy):
    found = policy.perms("haproxy_t", "haproxy_t", "capability", {})
    policy.expect(found == CAPABILITIES, f"capabilities {sorted(found)}, should be {sorted(CAPABILITIES)}")
    permissive = {str(t) for t in policy.policy.types() if t.ispermissive}
    policy.expect("haproxy_t" not in permissive, "the domain is permissive")
    attributes = {str(a) for a in policy.policy.lookup_type("haproxy_t").attributes()}
    policy.expect("unconfined_domain_type" not in attributes, "the domain is unconfined")
    for tclass, perm in [("tcp_socket", "name_connect"), ("tcp_socket", "name_bind"), ("udp_socket", "name_bind"),
                         ("capability", "dac_override")]:
        hidden = policy.targets("haproxy_t", tclass, perm, {}, kind="dontaudit")
        policy.expect(not hidden, f"denials of {perm} are not audited on {sorted(hidden)}")


def check_domain(policy):
    policy.expect(policy.became("init_t", "process", "haproxy_exec_t") == {"haproxy_t"},
                  "init_t does not become haproxy_t")
    for source, target, tclass, perm in [
            ("init_t", "haproxy_t", "process", "transition"),
            ("init_t", "haproxy_exec_t", "file", "execute"),
            ("haproxy_t", "haproxy_exec_t", "file", "entrypoint"),
            ("haproxy_t", "haproxy_exec_t", "file", "execute_no_trans"),
            ("haproxy_t", "bin_t", "dir", "search"),
            ("init_t", "haproxy_t", "process", "rlimitinh"),
            ("haproxy_t", "init_t", "unix_dgram_socket", "sendto"),
            ("haproxy_t", "init_runtime_t", "sock_file", "write"),
            ("haproxy_t", "syslogd_t", "unix_dgram_socket", "sendto"),
            ("haproxy_t", "devlog_t", "sock_file", "write"),
            ("haproxy_t", "haproxy_t", "unix_stream_socket", "connectto"),
            ("haproxy_t", "etc_t", "file", "read"),
            ("haproxy_t", "cert_t", "file", "read"),
            ("init_t", "haproxy_var_lib_t", "dir", "add_name"),
            ("init_t", "haproxy_var_lib_t", "file", "mounton"),
            ("syslogd_t", "haproxy_var_lib_t", "dir", "add_name"),
            ("systemd_tmpfiles_t", "haproxy_var_run_t", "dir", "relabelto")]:
        policy.expect(perm in policy.perms(source, target, tclass, {}), f"{source} may not {perm} {target}:{tclass}")
    policy.expect("haproxy_var_run_t" in policy.became("haproxy_t", "sock_file", "var_run_t"),
                  "sockets in /run do not become haproxy_var_run_t")


def check_administrator(policy):
    for source in "unconfined_t", "initrc_t":
        policy.expect(not policy.became(source, "process", "haproxy_exec_t"), f"{source} enters haproxy_t")
        for target, tclass, perms in [
                ("haproxy_t", "unix_stream_socket", {"connectto"}),
                ("haproxy_t", "process", {"signal", "sigkill", "getrlimit", "setrlimit", "ptrace"}),
                ("haproxy_t", "file", {"read", "open"}),
                ("haproxy_t", "dir", {"read", "search"}),
                ("haproxy_unit_file_t", "service", {"start", "stop", "status", "reload"}),
                ("haproxy_var_run_t", "sock_file", {"write"}),
                ("haproxy_var_run_t", "file", {"write", "create", "unlink"}),
                ("haproxy_var_lib_t", "file", {"write", "create", "unlink"}),
                ("haproxy_unit_file_t", "file", {"write", "create", "unlink"}),
                ("haproxy_exec_t", "file", {"execute_no_trans", "write", "relabelto"})]:
            missing = perms - policy.perms(source, target, tclass, {})
            policy.expect(not missing, f"{source} may not {sorted(missing)} {target}:{tclass}")


def main():
    policy = Policy(sys.argv[1])
    for check in check_ports, check_confined, check_domain, check_administrator:
        check(policy)
    print(f"{policy.checks} checks of the policy, {policy.failures} failed")
    return 1 if policy.failures else 0


sys.exit(main())
