#include "agent/diagnose/causes.h"

static const struct cause rows[] = {
    {
        .slug = "global-maxconn",
        .severity = SEVERITY_CRITICAL,
        .look = front_look_global_maxconn,
        .explain =
            {
                .line = "the process is at its maxconn, clients wait",
                .means = "HAProxy has as many connections as its global maxconn allows and accepts "
                         "no more. New clients are connected by the kernel and hang; they are not "
                         "refused, and nothing is logged",
                .proof = "CurrConns at Maxconn, and clients that wait to be accepted in the "
                         "kernel's queues (or MaxconnReached, where the version counts it). Where "
                         "most of these connections wait for one backend, that one is named",
                .repair =
                    "haproxy.maxconn: the global one, within the file descriptors and the memory "
                    "there is; with systemd.limit where the descriptors do not carry it",
                .cost = "one word in the configuration and a reload; every connection takes memory "
                        "and two descriptors",
                .unlike = {{"frontend-maxconn", "one frontend is full, the process is not"},
                           {"server-queue", "clients are accepted, and wait for a server"},
                           {"backend-slow", "a slow server keeps the connections: a higher limit "
                                            "would only let more of them wait"},
                           {"fd-limit", "descriptors run out before maxconn is reached"}},
            },
    },
    {
        .slug = "frontend-maxconn",
        .severity = SEVERITY_CRITICAL,
        .look = front_look_frontend_maxconn,
        .explain =
            {
                .line = "a frontend is at its maxconn, clients wait",
                .means =
                    "one frontend has as many connections as it may and accepts no more, though "
                    "its status stays OPEN. Its clients hang, those of the others do not",
                .proof = "its sessions at its limit in show stat, and clients that wait to be "
                         "accepted on its ports",
                .repair = "haproxy.maxconn: that frontend's, within the global one",
                .cost = "one word in the configuration and a reload",
                .unlike = {{"global-maxconn", "all frontends wait"},
                           {"server-queue", "clients are accepted, and wait for a server"}},
            },
    },
    {
        .slug = "frontend-stopped",
        .severity = SEVERITY_CRITICAL,
        .look = stopped_look_frontend,
        .explain =
            {
                .line = "a frontend was disabled or shut down",
                .means = "a frontend was disabled on the stats socket, shut down there, or stands "
                         "as disabled in the file: nobody listens on its ports, and its clients "
                         "are refused",
                .proof = "PAUSED or STOP in show stat and no listener of HAProxy on its ports; or "
                         "the word disabled in the file and no such frontend running",
                .repair = "advice: the command or the line that brings it back",
                .cost = "none by hamedic",
                .unlike = {{"bind-in-use", "its port is taken by another process"},
                           {"config-not-loaded", "the file has it, and what runs does not yet"}},
            },
    },
    {
        .slug = "rate-limited",
        .severity = SEVERITY_WARNING,
        .look = stopped_look_rate,
        .explain =
            {
                .line = "a limit of new connections a second is reached",
                .means = "maxconnrate, maxsessrate, maxsslrate or rate-limit sessions holds new "
                         "clients back: they connect and wait, and nothing is logged",
                .proof = "the rate in show info or show stat at its limit, and clients that wait "
                         "to be accepted in the kernel's queues",
                .repair = "advice: the limit to raise, or the clients to slow down",
                .cost = "none by hamedic",
                .unlike = {{"frontend-maxconn", "its sessions are at the limit, not their rate"},
                           {"global-maxconn", "all connections are in use"}},
            },
    },
    {
        .slug = "fd-limit",
        .severity = SEVERITY_CRITICAL,
        .look = limits_look_fd_limit,
        .explain =
            {
                .line = "no file descriptor is left",
                .means = "each connection needs one on both sides. With none left clients wait, "
                         "servers get no connection, and checks fail though the servers are well",
                .proof = "open descriptors of the worker at its limit, and connections or an "
                         "answer of the stats socket that fail for it",
                .repair = "systemd.limit: sized from maxconn by HAProxy's own sum; sysctl.dropin: "
                          "fs.nr_open where that caps it",
                .cost = "a drop-in file and a reload, without a restart where the limit of the "
                        "running master can be raised",
                .unlike =
                    {{"global-maxconn", "connections reach maxconn first; descriptors are left"},
                     {"limit-not-effective", "the limit was written and did not come into force"}},
            },
    },
    {
        .slug = "proxy-protocol-mismatch",
        .severity = SEVERITY_WARNING,
        .look = proxy_protocol_look,
        .explain =
            {
                .line = "the PROXY protocol is spoken on one side only",
                .means = "one side sends the header of the PROXY protocol and the other does not "
                         "expect it, or the other way round: every connection of that path fails "
                         "at once, though all listen and answer",
                .proof =
                    "accept-proxy on a bind whose connections end for want of the header in the "
                    "log; or send-proxy to a server whose answers are all 400 in show stat and in "
                    "the log. A frontend that cannot read its requests, where show errors holds "
                    "one "
                    "that begins with the header; without that it is only possible",
                .repair = "advice: the bind or the server line, and what the other side must do",
                .cost = "nothing is changed by hamedic; who may send the header may claim any "
                        "client address",
                .unlike =
                    {{"backend-http-status", "the service itself is ill there; here it reads a "
                                             "line that it does not know"},
                     {"backend-aborts",
                      "what a server that waits for the header looks like when none is sent"}},
            },
    },
    {
        .slug = "system-fd-limit",
        .severity = SEVERITY_CRITICAL,
        .look = stopped_look_system_fd,
        .explain =
            {
                .line = "the whole host has no file descriptor left",
                .means = "all processes together have as many files open as fs.file-max allows: "
                         "connections fail though HAProxy's own limit is not reached",
                .proof = "HAProxy says that it reached the system's FD limit, and fs.file-nr is "
                         "near fs.file-max",
                .repair = "sysctl.dropin: fs.file-max",
                .cost = "each open file takes kernel memory",
                .unlike = {{"fd-limit", "only HAProxy's own limit is reached"}},
            },
    },
    {
        .slug = "no-backend-matched",
        .severity = SEVERITY_WARNING,
        .look = answers_look_unmatched,
        .explain =
            {
                .line = "no rule chose a backend, and there is no default",
                .means = "a frontend without default_backend has no rule for what clients ask for: "
                         "they get 503 at once, and no server was asked",
                .proof = "503 with SC in the log where the frontend stands in the backend's place, "
                         "and a frontend without default_backend in the file",
                .repair = "advice: a default_backend, or the rule that is missing",
                .cost = "none by hamedic",
                .unlike = {{"answered-by-rule", "a rule matched, and answers 503 itself"},
                           {"backend-refused", "a backend was chosen, and has no server"}},
            },
    },
    {
        .slug = "answered-by-rule",
        .severity = SEVERITY_WARNING,
        .look = answers_look_rule,
        .explain =
            {
                .line = "HAProxy was told to answer with an error itself",
                .means = "a rule (deny, return, tarpit), a page in the place of servers, or a "
                         "monitor that is told to fail answers 5xx before any server is asked: it "
                         "looks like an outage, and is configuration",
                .proof = "5xx with PR, LR or PT and no server in the log, and the rule with that "
                         "status in the file; 503 of a backend that has no servers and an "
                         "errorfile or http-error of its own; monitor fail in the file, and 5xx "
                         "to a request of our own for monitor-uri",
                .repair = "advice: the line of the rule",
                .cost = "none by hamedic",
                .unlike = {{"no-backend-matched", "no rule matched at all"},
                           {"rate-limited", "clients wait; they get no answer"}},
            },
    },
};

const struct causes_of causes_front = {rows, sizeof rows / sizeof rows[0]};
