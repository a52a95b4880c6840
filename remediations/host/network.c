#include "remediations/host/network.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "plans/base/thread.h"
#include "remediations/host/haproxy_process.h"

bool network_is_elsewhere(pid_t pid)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    const char *theirs = pid == 0 ? NULL : process_link(pid, "ns/net", scratch);
    const char *ours = process_link(getpid(), "ns/net", scratch);

    return theirs != NULL && ours != NULL && strcmp(theirs, ours) != 0;
}

struct visit {
    int namespace;
    network_ask *ask;
    void *context;
    struct err *err;
    int result;
};

static void *go(void *argument)
{
    struct visit *visit = argument;

    if (setns(visit->namespace, CLONE_NEWNET) < 0)
        visit->result = err_sys(visit->err, errno, "cannot enter HAProxy's network namespace");
    else
        visit->result = visit->ask(visit->context, visit->err);
    return NULL;
}

int network_run(pid_t pid, network_ask *ask, void *context, struct err *err)
{
    struct visit visit = {.ask = ask, .context = context, .err = err};
    pthread_t thread;
    char path[64];

    if (!network_is_elsewhere(pid))
        return ask(context, err);
    (void)snprintf(path, sizeof path, "/proc/%jd/ns/net", (intmax_t)pid);
    int namespace CLEANUP_FD = open(path, O_RDONLY | O_CLOEXEC);
    if (namespace < 0)
        return err_sys(err, errno, "cannot enter HAProxy's network namespace");
    visit.namespace = namespace;
    int failed = thread_start(&thread, go, &visit);
    if (failed != 0)
        return err_sys(err, failed, "cannot enter HAProxy's network namespace");
    (void)pthread_join(thread, NULL);
    return visit.result;
}
