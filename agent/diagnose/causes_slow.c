#include "agent/diagnose/causes.h"

static const struct cause rows[] = {
    {
        .slug = "backend-slow",
        .severity = SEVERITY_WARNING,
        .look = slow_look_back,
        .explain =
            {
                .line = "a server takes long to answer",
                .means = "the connection to the server is made at once and its answer comes late: "
                         "later than that of its neighbours, or so late that requests pile up for "
                         "it. Past timeout server clients get 504",
                .proof = "the time for the response by server in show stat, against its neighbours "
                         "of the same backend or against the queue that has formed. Where "
                         "one answer in 20 is late: Tr in the log, and an average that is worse. "
                         "Where none comes: sH in the log and eresp as high; or requests that "
                         "pile up there, several times what its rate and its average account for; "
                         "and a question of our own gets no answer either",
                .repair = "advice: which server, at which address, and how much later than which "
                          "other one",
                .cost = "nothing is changed by hamedic; a higher maxconn would move the queue into "
                        "the server and make it slower",
                .unlike =
                    {{"server-queue",
                      "there the server is quick, and may only take too few requests at a time"},
                     {"global-maxconn",
                      "reached because of a slow server it is what that leads to, not the cause"},
                     {"cpu-saturated", "there HAProxy itself is late, for all servers alike"},
                     {"backend-timeout", "there not even the connection is made"}},
            },
    },
    {
        .slug = "server-queue",
        .severity = SEVERITY_WARNING,
        .look = slow_look_server_queue,
        .explain =
            {
                .line = "requests wait for a server at its maxconn",
                .means = "the servers have as many connections as their maxconn allows; requests "
                         "queue in HAProxy and get 503 after timeout queue",
                .proof = "requests in the queue in show stat, servers at their limit, and the file "
                         "has the same limit; not where servers with half of the slots are slow. "
                         "The time Tw of a log line alone proves no queue: retries count into it",
                .repair = "haproxy.maxconn: that server's, within the policy; none where more "
                          "connections would only slow the server down: then advice",
                .cost = "one word in the configuration, set in the running process where it can "
                        "be; the server gets more connections at a time",
                .unlike =
                    {{"backend-slow",
                      "there the server is slow: more connections at a time would make it slower"},
                     {"global-maxconn", "there clients are not even accepted"},
                     {"frontend-maxconn", "the same for one frontend"}},
            },
    },
    {
        .slug = "backend-aborts",
        .severity = SEVERITY_WARNING,
        .look = aborts_look,
        .explain =
            {
                .line = "a server closes connections in mid-request",
                .means =
                    "the server takes the connection and closes or resets it before its answer is "
                    "whole: clients get 502, or an answer that breaks off. It crashes, restarts, "
                    "or closes idle connections just when HAProxy uses them again",
                .proof =
                    "SH and SD in the log above a share of one server\'s requests, with counters "
                    "of HAProxy (srv_abrt, eresp) that are as high; without a log srv_abrt alone, "
                    "counted within the last hour: counts of a longer time are only possible",
                .repair = "advice: the server, how many of its requests, and what to look for in "
                          "its own log",
                .cost = "nothing is changed by hamedic; retry-on in HAProxy hides it, and repeats "
                        "requests that may not be repeated",
                .unlike = {{"backend-bad-response", "there no request at all is answered right"},
                           {"backend-refused", "there no connection is made at all"},
                           {"backend-slow",
                            "there the answer does not come in time; it is HAProxy that gives up"}},
            },
    },
    {
        .slug = "cpu-saturated",
        .severity = SEVERITY_WARNING,
        .look = load_look_cpu,
        .explain =
            {
                .line = "HAProxy has no processor time left",
                .means = "the threads of HAProxy are at work all the time, or wait for processors "
                         "that others use: accepting, checks and answers are late, though the "
                         "servers are quick",
                .proof =
                    "Idle_pct of HAProxy near 0, and the kernel's account of its threads over a "
                    "short sample: at work, or waiting for a processor, nearly all of the time",
                .repair =
                    "advice: threads, the share of its control group, TLS, or what else runs there",
                .cost = "nothing is changed by hamedic; more threads need a restart or a reload",
                .unlike = {{"backend-slow", "there one server is late and HAProxy idle"},
                           {"global-maxconn",
                            "there connections are not accepted, with time to spare"}},
            },
    },
    {
        .slug = "memory-limit",
        .severity = SEVERITY_WARNING,
        .look = load_look_memory,
        .explain =
            {
                .line = "HAProxy may not have the memory it needs",
                .means = "a limit (-m, RLIMIT_AS, the control group) keeps HAProxy from growing: "
                         "connections are dropped or answered 500, or the kernel kills it",
                .proof = "PoolFailed above 0 with a limit in force, or a process that has all its "
                         "limit allows and does not answer; systemd\'s word that the unit was "
                         "killed for memory; or a control group that is full",
                .repair = "advice: the limit that was met, and what makes HAProxy need less",
                .cost = "nothing is changed by hamedic; more memory for HAProxy is less for the "
                        "rest of the host",
                .unlike = {{"fd-limit", "file descriptors run out there, not memory"},
                           {"global-maxconn",
                            "a limit on connections that is counted, and not met by surprise"}},
            },
    },
    {
        .slug = "old-workers",
        .severity = SEVERITY_WARNING,
        .look = stopped_look_old_workers,
        .explain =
            {
                .line = "workers from before the last reload still run",
                .means = "an old worker lives until its last connection ends: it serves by the old "
                         "configuration, and takes memory, ports and descriptors",
                .proof = "processes of the master that are not the present worker, a minute after "
                         "the reload, or of more than one reload",
                .repair = "advice: hard-stop-after, and the processes by number",
                .cost = "none by hamedic",
                .unlike = {{"reload-failed",
                            "the old worker is the only one, since no new one came"}},
            },
    },
    {
        .slug = "network-slow",
        .severity = SEVERITY_WARNING,
        .look = path_look_network_slow,
        .explain =
            {
                .line = "the network to a server loses packets",
                .means = "connections to a server wait for packets that must be sent again. "
                         "Connecting and answers are slow by steps of 0.2 to 1 second and more, "
                         "while the server is idle",
                .proof = "one segment in fifty or more sent again on the connections to it "
                         "(tcp_info), and connects or round trips that are slow, or more of it "
                         "while hamedic looks, or Tc of whole seconds in the log. A long way "
                         "alone is no loss",
                .repair = "advice: the link, policer or firewall on the way",
                .cost = "nothing is changed here",
                .unlike = {{"server-queue", "requests wait in HAProxy, the network is well"},
                           {"backend-timeout", "nothing arrives at all"}},
            },
    },
};

const struct causes_of causes_slow = {rows, sizeof rows / sizeof rows[0]};
