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
