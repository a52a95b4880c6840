#include <assert.h>
#include <string.h>
#include <time.h>

#include "agent/observe/wave.h"

/* What takes longer hangs. The usual ones take some 50 ms, and half a second where they sample;
 * on a slow virtual machine several times that. Bounds of their own come first, as they tell more:
 * 10 s of an answer of the kernel's (netlink.c), 10 s of `haproxy -c` (collect_check.c), 5 s of the
 * policy store's lock (semanage_condition.c), which is some of what is read of SELinux. */
enum { USUAL_MS = 15000, CHECK_MS = 20000, SELINUX_MS = 30000 };

static const struct collector collectors[] = {
    {SOURCE_PROCESS, 0, "process", USUAL_MS, true, true, collect_process, NULL},
    {SOURCE_CONFIG, 1, "config", USUAL_MS, true, false, collect_config, collect_config_without},
    {SOURCE_UNIT, 2, "unit", USUAL_MS, true, false, collect_unit, NULL},
    {SOURCE_CHECK, 2, "haproxy -c", CHECK_MS, false, false, collect_check, NULL},
    {SOURCE_SELINUX, 2, "selinux", SELINUX_MS, true, false, collect_selinux, NULL},
    {SOURCE_STATS, 2, "stats", USUAL_MS, false, false, collect_stats, NULL},
    {SOURCE_MASTER, 2, "master", USUAL_MS, false, false, collect_master, NULL},
    {SOURCE_SYSCTL, 2, "sysctl", USUAL_MS, true, false, collect_sysctls, NULL},
    {SOURCE_SOCKETS, 1, "sockets", USUAL_MS, false, false, collect_sockets, NULL},
    {SOURCE_AUDIT, 1, "audit", USUAL_MS, false, false, collect_audit, NULL},
    {SOURCE_LOGS, 1, "logs", USUAL_MS, false, false, collect_logs, NULL},
    {SOURCE_JOURNAL, 1, "journal", USUAL_MS, false, false, collect_journal, NULL},
    {SOURCE_PORTS, 2, "ports", USUAL_MS, false, false, collect_ports, NULL},
    /* After the sockets were counted: it makes some. */
    {SOURCE_PROBE, 2, "probe", USUAL_MS, false, false, collect_probes, NULL},
    {SOURCE_NETSTAT, 2, "netstat", USUAL_MS, false, false, collect_netstat, NULL},
    {SOURCE_CONNTRACK, 2, "conntrack", USUAL_MS, false, false, collect_conntrack, NULL},
    /* After HAProxy's own word: who is well is not asked. */
    {SOURCE_ANSWER, 3, "answer", USUAL_MS, false, false, collect_answers, NULL},
    {SOURCE_ERRORS, 3, "errors", USUAL_MS, false, false, collect_errors, NULL},
    {SOURCE_FIREWALL, 2, "firewall", USUAL_MS, false, false, collect_firewall, NULL},
    /* After the probes: who was not asked for is not known. */
    {SOURCE_LINKS, 3, "links", USUAL_MS, false, false, collect_links, NULL},
    /* Last: its sample lasts as long as all the others, and is prolonged only where stats say so. */
    {SOURCE_LOAD, 3, "load", USUAL_MS, false, false, collect_load, NULL},
};
enum { COLLECTORS = sizeof collectors / sizeof *collectors };
static_assert((int)COLLECTORS == (int)SOURCE_COUNT, "each source has its collector");

int facts_observe(const struct host *host, const struct facts_wanted *wanted, struct arena *arena,
                  struct facts *out_facts, struct err *err)
{
    struct facts facts = {.time = (int64_t)time(NULL), .tree = !host->live};

    if (wanted != NULL)
        facts.wanted = *wanted;

    facts.host_name = host_name(host, arena);
    facts.net.target = host->settings.target;
    facts.net.target_port = host->settings.target_port;
    for (size_t i = 0; i < COLLECTORS; i++)
        facts.sources[collectors[i].id].name = collectors[i].name;
    if (wave_run_all(host, collectors, COLLECTORS, arena, &facts, err) < 0)
        return err_wrap(err, "cannot observe this host");
    if (facts.sources[SOURCE_STATS].state == SOURCE_FAILED)
        facts.stats_error = facts.sources[SOURCE_STATS].reason;
    *out_facts = facts;
    return 0;
}

const struct sysctl_fact *facts_sysctl(const struct facts *facts, const char *key)
{
    for (size_t i = 0; i < facts->sysctl_count; i++)
        if (strcmp(facts->sysctls[i].key, key) == 0)
            return &facts->sysctls[i];
    return NULL;
}

int facts_check_late(const struct facts *facts, struct err *err)
{
    static const enum source_id of_logs[] = {SOURCE_LOGS, SOURCE_JOURNAL, SOURCE_AUDIT};

    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        bool is_of_logs = false;
        for (size_t k = 0; k < sizeof of_logs / sizeof *of_logs; k++)
            is_of_logs = is_of_logs || of_logs[k] == i;
        if (facts->sources[i].is_late && !is_of_logs)
            return err_set(err, ERR_SYS, "%s: %s", facts->sources[i].name,
                           facts->sources[i].reason);
    }
    return 0;
}

bool facts_have(const struct facts *facts, enum source_id id)
{
    return facts->sources[id].state == SOURCE_OK;
}
