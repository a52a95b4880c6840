#include "agent/diagnose/causes.h"

static const struct cause rows[] = {
    {
        .slug = "reload-failed",
        .severity = SEVERITY_CRITICAL,
        .look = reload_look_failed,
        .explain =
            {
                .line = "the last reload failed, the old worker serves",
                .means = "systemd calls such a reload a success: the old worker keeps serving with "
                         "the old configuration, and a restart or a reboot meets the fault and "
                         "stops the service",
                .proof = "the master counts failed reloads, and what runs (Maxconn, pid, uptime) "
                         "is not what the file says",
                .repair = "the cause behind it, where one is found; else advice: where HAProxy's "
                          "messages of it are",
                .cost = "a reload brings everything that was edited since, not only the repair: "
                        "the plan lists it",
                .unlike = {{"config-invalid", "one reason for it: haproxy -c sees that one"},
                           {"maxconn-over-budget",
                            "another reason: haproxy -c does not see that one"}},
            },
    },
};

const struct causes_of causes_reload = {rows, sizeof rows / sizeof rows[0]};
