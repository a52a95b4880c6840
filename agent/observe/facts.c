#include <assert.h>
#include <string.h>
#include <time.h>

#include "agent/observe/wave.h"

static const struct collector collectors[] = {
    {SOURCE_PROCESS, "process", 0, true, true, collect_process},
    {SOURCE_CONFIG, "config", 1, true, false, collect_config},
    {SOURCE_UNIT, "unit", 2, true, false, collect_unit},
    {SOURCE_CHECK, "haproxy -c", 2, false, false, collect_check},
    {SOURCE_SELINUX, "selinux", 2, true, false, collect_selinux},
    {SOURCE_STATS, "stats", 2, false, false, collect_stats},
    {SOURCE_MASTER, "master", 2, false, false, collect_master},
    {SOURCE_SYSCTL, "sysctl", 2, true, false, collect_sysctls},
    {SOURCE_SOCKETS, "sockets", 1, false, false, collect_sockets},
    {SOURCE_AUDIT, "audit", 1, false, false, collect_audit},
    {SOURCE_LOGS, "logs", 1, false, false, collect_logs},
    {SOURCE_JOURNAL, "journal", 1, false, false, collect_journal},
    {SOURCE_PORTS, "ports", 2, false, false, collect_ports},
    /* After the sockets were counted: it makes some. */
    {SOURCE_PROBE, "probe", 2, false, false, collect_probes},
    {SOURCE_NETSTAT, "netstat", 2, false, false, collect_netstat},
    {SOURCE_CONNTRACK, "conntrack", 2, false, false, collect_conntrack},
    /* After HAProxy's own word: who is well is not asked. */
    {SOURCE_ANSWER, "answer", 3, false, false, collect_answers},
    {SOURCE_ERRORS, "errors", 3, false, false, collect_errors},
    {SOURCE_FIREWALL, "firewall", 2, false, false, collect_firewall},
    /* After the probes: who was not asked for is not known. */
    {SOURCE_LINKS, "links", 3, false, false, collect_links},
    /* Last: its sample lasts as long as all the others, and is prolonged only where stats say so. */
    {SOURCE_LOAD, "load", 3, false, false, collect_load},
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

bool facts_have(const struct facts *facts, enum source_id id)
{
    return facts->sources[id].state == SOURCE_OK;
}
