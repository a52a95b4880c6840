#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/observe/collect.h"
#include "remediations/host/network.h"
#include "remediations/host/sysctl.h"
#include "remediations/host/systemd.h"

/* What HAProxy's work depends on. The defaults are the kernel's own since 5.6, which hamedic needs
 * (Documentation/networking/ip-sysctl.rst, Documentation/admin-guide/sysctl/); those that it works
 * out from the memory there is, or that systemd raises at boot (fs.file-max, fs.nr_open), are not
 * known. */
static const struct {
    const char *key;
    const char *kernel_default; /* NULL: not known */
    bool is_set_later;          /* modules, services: by more than sysctl.d */
} keys[] = {
    {"net.ipv4.ip_local_port_range", "32768 60999", false},
    {"net.ipv4.ip_local_reserved_ports", "", false},
    {"net.ipv4.ip_unprivileged_port_start", "1024", false},
    {"net.ipv4.ip_nonlocal_bind", "0", false},
    {"net.ipv6.ip_nonlocal_bind", "0", false},
    {"net.ipv4.tcp_tw_reuse", "2", false},
    {"net.core.somaxconn", "4096", false},
    {"net.ipv4.tcp_max_syn_backlog", NULL, false},
    {"net.ipv4.tcp_syncookies", "1", false},
    {"net.netfilter.nf_conntrack_max", NULL, true},
    {"fs.nr_open", NULL, false},
    {"fs.file-max", NULL, false},
    {"fs.file-nr", NULL, true},
};

/* The inode of the first pid namespace, since Linux 3.8 (include/linux/proc_ns.h). */
#define FIRST_PID_NAMESPACE ((ino_t)0xEFFFFFFC)

static ino_t inode_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? status.st_ino : 0;
}

/* Whose boot sets what runs here: in a container only a service manager of its own reads sysctl.d,
 * and for its network alone. */
struct boot {
    bool of_network, of_all;
    int64_t time;
};

static struct boot look_at_boot(const struct host *host)
{
    struct timespec up = {0};
    ino_t network = inode_of("/proc/self/ns/net");
    struct boot boot = {0};

    /* tuned sets what its profile says, whenever it likes. */
    if (!systemd_runs(host) || inode_of("/run/tuned/tuned.pid") != 0 ||
        clock_gettime(CLOCK_BOOTTIME, &up) < 0)
        return boot;
    boot.time = (int64_t)time(NULL) - (int64_t)up.tv_sec;
    boot.of_network = network != 0 && network == inode_of("/proc/1/ns/net");
    boot.of_all = boot.of_network && inode_of("/proc/self/ns/pid") == FIRST_PID_NAMESPACE;
    return boot;
}

static int read_assignments(struct collection *collection, const struct boot *boot,
                            struct sysctl_fact *fact, struct err *err)
{
    struct sysctl_assignment *all;
    size_t count;

    if (sysctl_assignments(collection->host, fact->key, collection->arena, &all, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct sysctl_boot_fact seen = {
            .value = all[i].value,
            .file = all[i].file,
            .line = all[i].line,
            .for_haproxy = all[i].for_haproxy,
            .since_boot = all[i].changed == 0 || all[i].changed > boot->time,
        };
        if (all[i].wins)
            fact->boot = seen;
        /* Where systemd does not set them, who knows what reads the old file. */
        else if (all[i].is_read || systemd_runs(collection->host))
            ARENA_PUSH(collection->arena, fact->others, fact->other_count) = seen;
    }
    return 0;
}

struct reading {
    const struct host *host;
    struct arena *arena;
    struct sysctl_fact *facts;
    size_t count;
};

static bool is_of_network(const char *key)
{
    return strncmp(key, "net.", 4) == 0;
}

/* In HAProxy's network namespace, where net.* has values of its own. */
static int read_there(void *context, struct err *err)
{
    struct reading *reading = context;

    for (size_t i = 0; i < reading->count; i++)
        if (is_of_network(reading->facts[i].key) &&
            sysctl_read(reading->host, reading->facts[i].key, reading->arena,
                        &reading->facts[i].running, err) < 0)
            return -1;
    return 0;
}

/* Where it may not be entered, nothing is known of them. */
static void read_elsewhere(struct collection *collection, struct sysctl_fact *facts, size_t count)
{
    struct reading reading = {collection->host, collection->arena, facts, count};
    struct err ignored = {0};

    if (network_run(collection->known->haproxy->worker, read_there, &reading, &ignored) == 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (is_of_network(facts[i].key))
            facts[i].running = NULL;
}

int collect_sysctls(struct collection *collection, struct err *err)
{
    const struct host *host = collection->host;
    const struct boot boot = look_at_boot(host);
    struct sysctl_fact *facts = NULL;
    size_t count = 0;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct sysctl_fact fact = {.key = keys[i].key, .kernel_default = keys[i].kernel_default};
        struct sysctl_boot winner = {0};
        bool of_network = is_of_network(fact.key);
        if (sysctl_read(host, fact.key, collection->arena, &fact.running, err) < 0 ||
            sysctl_at_boot(host, fact.key, collection->arena, &winner, err) < 0)
            return -1;
        fact.boot = (struct sysctl_boot_fact){
            .value = winner.value, .file = winner.file, .line = winner.line, .since_boot = true};
        if (read_assignments(collection, &boot, &fact, err) < 0)
            return -1;
        fact.follows_boot = !keys[i].is_set_later && (of_network ? boot.of_network : boot.of_all);
        ARENA_PUSH(collection->arena, facts, count) = fact;
    }
    if (!collection->known->haproxy->same_network)
        read_elsewhere(collection, facts, count);
    collection->facts->sysctls = facts;
    collection->facts->sysctl_count = count;
    return 0;
}
