#include <string.h>

#include "agent/observe/collect.h"
#include "remediations/host/sysctl.h"

static const char *const keys[] = {
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_tw_reuse",
    "net.core.somaxconn",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_syncookies",
    "fs.nr_open",
    "fs.file-max",
    "fs.file-nr",
};

int collect_sysctls(struct collection *collection, struct err *err)
{
    const struct host *host = collection->host;
    struct sysctl_fact *facts = NULL;
    size_t count = 0;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct sysctl_fact fact = {.key = keys[i]};
        struct sysctl_boot boot = {0};
        if (sysctl_read(host, keys[i], collection->arena, &fact.running, err) < 0 ||
            sysctl_at_boot(host, keys[i], collection->arena, &boot, err) < 0)
            return -1;
        /* In another network namespace than ours these are other values. */
        if (!collection->known->haproxy->same_network && strncmp(keys[i], "net.", 4) == 0)
            fact.running = NULL;
        fact.boot = (struct sysctl_boot_fact){boot.value, boot.file, boot.line};
        ARENA_PUSH(collection->arena, facts, count) = fact;
    }
    collection->facts->sysctls = facts;
    collection->facts->sysctl_count = count;
    return 0;
}
