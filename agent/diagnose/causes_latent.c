#include "agent/diagnose/causes.h"

static const struct cause rows[] = {
    {
        .slug = "limit-not-effective",
        .severity = SEVERITY_WARNING,
        .look = limits_look_not_effective,
        .explain =
            {
                .line = "a LimitNOFILE that was written is not in force",
                .means =
                    "the unit's files give HAProxy more descriptors than the running process has: "
                    "limits are given when a process is started, and a reload does not bring them",
                .proof = "the limit in the unit's files and in systemd, and the lower hard limit "
                         "of the process in /proc",
                .repair = "systemd.limit: the same value, given to the running master as well; "
                          "advice to restart where HAProxy works its maxconn out from the limit it "
                          "was started with",
                .cost = "no restart: the limit of the running process is raised, then a reload",
                .unlike = {{"fd-limit", "the descriptors have run out now"}},
            },
    },
    {
        .slug = "maxconn-over-budget",
        .severity = SEVERITY_WARNING,
        .look = latent_look_maxconn_over_budget,
        .explain =
            {
                .line = "maxconn needs more descriptors than there are",
                .means = "the configured maxconn needs more file descriptors than the next start "
                         "can get. haproxy -c calls the file valid; the start or the reload fails, "
                         "or HAProxy runs with less",
                .proof = "HAProxy's own sum of descriptors for this file, against the limit that "
                         "the unit, the kernel and the process leave it; the sum is shown",
                .repair = "systemd.limit: enough for the sum, or haproxy.maxconn: what fits",
                .cost = "a drop-in file, or one word in the configuration; a reload",
                .unlike = {{"config-invalid",
                            "haproxy -c finds those errors; this one it does not look for"},
                           {"fd-limit", "the descriptors have run out now"}},
            },
    },
    {
        .slug = "port-range-overlap",
        .severity = SEVERITY_WARNING,
        .look = latent_look_port_range_overlap,
        .explain =
            {
                .line = "outgoing connections may take a port of a bind",
                .means = "ip_local_port_range covers a port that HAProxy binds and that is not "
                         "reserved. Any outgoing connection may hold it, also in TIME-WAIT, when "
                         "HAProxy starts: Address already in use",
                .proof = "the running range and reserved ports against the bind lines of the "
                         "configuration",
                .repair = "sysctl.dropin: ip_local_reserved_ports with these ports",
                .cost = "that many ports fewer for outgoing connections; nothing is disturbed",
                .unlike = {{"backend-no-ports",
                            "the range is used up; widening it is what often causes this one"}},
            },
    },
    {
        .slug = "boolean-not-persistent",
        .severity = SEVERITY_WARNING,
        .look = selinux_look_booleans,
        .explain =
            {
                .line = "an SELinux boolean is lost at the next boot",
                .means = "the boolean of the running policy is not what the policy store says: "
                         "after a boot HAProxy may use other ports than now",
                .proof = "the loaded policy's value and the store's value differ",
                .repair = "selinux.boolean: the running value, made persistent",
                .cost = "nothing that is not open now",
                .unlike = {{"selinux-store-damaged",
                            "the store as a whole is not what is installed or loaded"}},
            },
    },
    {
        .slug = "selinux-store-damaged",
        .severity = SEVERITY_WARNING,
        .look = selinux_look_store,
        .explain =
            {
                .line = "the SELinux policy store is not sound",
                .means = "the store has no active part, or differs from the policy that is "
                         "installed or loaded: a change made now would begin from something else "
                         "than what is in force",
                .proof = "the store's folders, and its policy compared with the installed one and "
                         "with the kernel's",
                .repair = "advice: how to repair it; no SELinux change is planned before",
                .cost =
                    "nothing is changed by hamedic; repairing loads a policy for the whole host",
                .unlike = {{"boolean-not-persistent",
                            "the store is sound there, and one value differs"}},
            },
    },
    {
        .slug = "stats-socket-off",
        .severity = SEVERITY_WARNING,
        .look = latent_look_stats_socket_off,
        .explain =
            {
                .line = "the Runtime API is off, weak or silent",
                .means = "without a stats socket the state of servers and queues cannot be seen, "
                         "and every change needs a reload",
                .proof = "no stats socket line in the configuration, its level, or a socket that "
                         "does not answer",
                .repair = "haproxy.stats_socket: one line in global, mode 600",
                .cost = "a reload; root can then change HAProxy at run time",
                .unlike = {{"haproxy-not-running", "nothing runs that could answer"}},
            },
    },
    {
        .slug = "sysctl-overridden",
        .severity = SEVERITY_WARNING,
        .look = boot_look_sysctl_overridden,
        .explain =
            {
                .line = "a kernel setting loses to a later file",
                .means = "a file in sysctl.d sets a value that HAProxy needs, and a file that is "
                         "read later sets another: the later one wins at boot",
                .proof =
                    "all sysctl directories read in the order of the boot; both files are named",
                .repair = "sysctl.dropin: the value, in the file that wins",
                .cost = "the running value is set too; nothing is disturbed",
                .unlike = {{"sysctl-not-persistent",
                            "no two files disagree: the running value is in none"}},
            },
    },
    {
        .slug = "sysctl-not-persistent",
        .severity = SEVERITY_WARNING,
        .look = boot_look_sysctl_not_persistent,
        .explain =
            {
                .line = "a kernel setting is lost at the next boot",
                .means = "the running value is not what the next boot sets: what works now may not "
                         "work then",
                .proof = "the running value against the value that the files, or the kernel's "
                         "default, give at boot",
                .repair = "sysctl.dropin: the running value, where it wins at boot",
                .cost = "nothing changes now",
                .unlike = {{"sysctl-overridden",
                            "two files disagree there, and the later one wins"}},
            },
    },
};

const struct causes_of causes_latent = {rows, sizeof rows / sizeof rows[0]};
