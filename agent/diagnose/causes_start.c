#include "agent/diagnose/causes.h"

static const struct cause rows[] = {
    {
        .slug = "config-invalid",
        .severity = SEVERITY_WARNING,
        .look = start_look_config_invalid,
        .explain =
            {
                .line = "HAProxy refuses its configuration",
                .means = "the files have an error that HAProxy does not start with. A process that "
                         "runs keeps what it has loaded before; the next start ends at once, and a "
                         "reload changes nothing",
                .proof = "haproxy -c, run with the options, the files and the environment of its "
                         "own unit, ends with an error; its messages name file and line",
                .repair = "advice: the line to correct, in HAProxy's words",
                .cost = "nothing is changed by hamedic; after the correction a reload or a start "
                        "is needed",
                .unlike =
                    {{"reload-failed",
                      "the files are wrong now; there a reload was tried, and what runs is old"},
                     {"maxconn-over-budget",
                      "haproxy -c calls such a file valid: it does not count file descriptors"}},
            },
    },
    {
        .slug = "bind-selinux",
        .severity = SEVERITY_CRITICAL,
        .look = selinux_look_bind,
        .explain =
            {
                .line = "SELinux keeps HAProxy from binding a port",
                .means = "the port has a label that HAProxy's domain may not bind: it does not "
                         "listen there, and a start or a reload that needs the port fails",
                .proof =
                    "the loaded policy says no to name_bind for that port, and a denial in the "
                    "audit log or a port that nobody listens on agrees. A permissive domain is "
                    "denied nothing, and inside ip_local_port_range the kernel does not ask",
                .repair = "selinux.port: a label that HAProxy may bind; selinux.boolean where the "
                          "port is another service's",
                .cost =
                    "a label opens one port, to the other domains too that may use its type: the "
                    "plan counts them. A boolean opens all ports, for connecting and for binding",
                .unlike = {{"haproxy-not-running", "what is seen when the start failed for it"},
                           {"backend-selinux",
                            "the same policy, asked for connecting instead of binding"}},
            },
    },
    {
        .slug = "bind-in-use",
        .severity = SEVERITY_CRITICAL,
        .look = bind_look_in_use,
        .explain =
            {
                .line = "another process listens on a port of HAProxy",
                .means = "a bind line wants a port that somebody else listens on: one such bind "
                         "ends the start of HAProxy, and makes each reload fail without a word",
                .proof = "the kernel names the listener on that port, and /proc the process that "
                         "has it, which is none of HAProxy's; the bind error, where there is a "
                         "journal",
                .repair = "advice: the process to stop, or the line to change",
                .cost = "none by hamedic",
                .unlike = {{"bind-ephemeral-clash", "nobody listens; a connection has the port"},
                           {"bind-selinux", "the error is Permission denied"}},
            },
    },
    {
        .slug = "bind-ephemeral-clash",
        .severity = SEVERITY_CRITICAL,
        .look = bind_look_ephemeral_clash,
        .explain =
            {
                .line = "an outgoing connection has a port of HAProxy",
                .means = "the kernel gave a port of a bind line to an outgoing connection; until "
                         "that ends, also in TIME-WAIT, HAProxy cannot bind it, though nobody "
                         "listens there",
                .proof = "no listener on the port, connections that have it as their own, and a "
                         "start or reload that failed",
                .repair = "sysctl.dropin: ip_local_reserved_ports with the ports of all bind lines",
                .cost = "these ports are not given to outgoing connections any more",
                .unlike = {{"bind-in-use", "a process listens on the port"},
                           {"port-range-overlap", "it can happen, and has not"}},
            },
    },
    {
        .slug = "bind-privilege",
        .severity = SEVERITY_CRITICAL,
        .look = bind_look_privilege,
        .explain =
            {
                .line = "HAProxy may not bind a port below 1024",
                .means = "ports below ip_unprivileged_port_start need CAP_NET_BIND_SERVICE, and "
                         "HAProxy is started without it, as a user that is not root",
                .proof = "the port is below that setting, nobody listens there, and the process "
                         "lacks the capability; no denial of SELinux",
                .repair = "advice: the unit's user or capabilities, or another port",
                .cost = "none by hamedic",
                .unlike = {{"bind-selinux", "SELinux denies it, also to root"}},
            },
    },
    {
        .slug = "bind-address-missing",
        .severity = SEVERITY_WARNING,
        .look = reach_look_address_missing,
        .explain =
            {
                .line = "a bind line names an address this host lacks",
                .means = "no interface of this host has the address of a bind line, and nothing "
                         "allows to listen on it all the same. HAProxy does not start; a reload "
                         "fails, and the old process goes on without that address",
                .proof = "the address is on no interface, nothing listens there, the line is not "
                         "transparent, and ip_nonlocal_bind is 0",
                .repair = "advice: give the address to an interface, or correct the line; "
                          "sysctl.dropin: ip_nonlocal_bind, only where the policy names it",
                .cost = "with ip_nonlocal_bind any program may listen on addresses of other hosts",
                .unlike = {{"bind-selinux", "there the address is here, and SELinux says no"},
                           {"vip-elsewhere",
                            "HAProxy may listen there, and does; the address is another host's"}},
            },
    },
    {
        .slug = "haproxy-not-running",
        .severity = SEVERITY_CRITICAL,
        .look = start_look_not_running,
        .explain =
            {
                .line = "no HAProxy process runs",
                .means = "it is installed and nothing runs: clients get Connection refused",
                .proof = "no process in /proc, and systemd or the kernel's list of listeners does "
                         "not contradict",
                .repair = "the cause behind it, where one is found; else advice: where its last "
                          "words are, how to start it",
                .cost =
                    "nothing by itself; a start answers on every port that the configuration binds",
                .unlike =
                    {{"config-invalid",
                      "often the reason why it does not run: that one is to be corrected first"},
                     {"bind-selinux", "the same, where the policy stopped the start"}},
            },
    },
};

const struct causes_of causes_start = {rows, sizeof rows / sizeof rows[0]};
