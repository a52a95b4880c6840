#include "agent/diagnose/causes.h"

static const struct cause rows[] = {
    {
        .slug = "config-not-loaded",
        .severity = SEVERITY_NOTICE,
        .look = reload_look_not_loaded,
        .explain =
            {
                .line = "the file was changed, and was not loaded",
                .means = "somebody edited the configuration and did not reload: what runs is what "
                         "the file said before",
                .proof = "the file is newer than the worker, what runs differs from it (maxconn, "
                         "binds, servers), and no reload has failed since",
                .repair = "advice: reload, or put the file back",
                .cost = "none by hamedic",
                .unlike = {{"reload-failed", "a reload was tried and failed"}},
            },
    },
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
