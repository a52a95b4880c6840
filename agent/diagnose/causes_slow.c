#include "agent/diagnose/causes.h"

static const struct cause rows[] = {
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
                         "has the same limit. The time Tw of a log line alone proves no queue: "
                         "retries count into it",
                .repair = "haproxy.maxconn: that server's, within the policy; none where more "
                          "connections would only slow the server down: then advice",
                .cost = "one word in the configuration, set in the running process where it can "
                        "be; the server gets more connections at a time",
                .unlike = {{"global-maxconn", "there clients are not even accepted"},
                           {"frontend-maxconn", "the same for one frontend"}},
            },
    },
};

const struct causes_of causes_slow = {rows, sizeof rows / sizeof rows[0]};
