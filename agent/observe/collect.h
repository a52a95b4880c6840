/* observe/collect: one collector a source.
 * Use:     a row of the table in facts.c; called once, perhaps beside others in a thread of its
 *          own.
 * Shapes:  a collector takes the host and what earlier waves found, and fills in its own part of
 *          `facts` and nothing else: it could run in a process of its own and send that part.
 *          Where it hangs in a call of the system it is left behind (wave.h), and may go on at any
 *          time later: it MUST change nothing but what its collection has it fill in.
 * Owns:    allocates from its own arena alone.
 * Errors:  ERR_UNSUPPORTED: the source is not there, which is normal on such a host; any other: it
 *          could not be read. Either way its part of the facts is left empty.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_COLLECT_H
#define HAMEDIC_AGENT_OBSERVE_COLLECT_H

#include "agent/observe/facts.h"

#define COLLECT_OPENED_MAX 112
struct collection {
    const struct host *host;
    const struct facts
        *known; /* what earlier waves found; the parts of this wave MUST not be read */
    struct arena *arena;
    struct facts *facts; /* to fill in */
    /* What its collect_open_* opened, which is closed for it. */
    int opened[COLLECT_OPENED_MAX];
    size_t opened_count;
    void *context; /* what else its collect_open_* leaves for it */
};

/* What strangers can write is read by a process apart (parts.h): a collect_open_* opens, with the agent's
 * rights, what its collector reads there with none. */
MUST_CHECK int collect_open_stats(struct collection *collection, struct err *err);
MUST_CHECK int collect_open_master(struct collection *collection, struct err *err);
MUST_CHECK int collect_open_errors(struct collection *collection, struct err *err);
MUST_CHECK int collect_open_answers(struct collection *collection, struct err *err);
MUST_CHECK int collect_open_audit(struct collection *collection, struct err *err);
MUST_CHECK int collect_open_logs(struct collection *collection, struct err *err);
MUST_CHECK int collect_open_journal(struct collection *collection, struct err *err);

MUST_CHECK int collect_process(struct collection *collection, struct err *err);
MUST_CHECK int collect_config(struct collection *collection, struct err *err);
void collect_config_without(struct collection *collection);
MUST_CHECK int collect_unit(struct collection *collection, struct err *err);
MUST_CHECK int collect_check(struct collection *collection, struct err *err);
MUST_CHECK int collect_stats(struct collection *collection, struct err *err);
MUST_CHECK int collect_master(struct collection *collection, struct err *err);
MUST_CHECK int collect_sysctls(struct collection *collection, struct err *err);
MUST_CHECK int collect_sockets(struct collection *collection, struct err *err);
MUST_CHECK int collect_audit(struct collection *collection, struct err *err);
MUST_CHECK int collect_logs(struct collection *collection, struct err *err);
MUST_CHECK int collect_journal(struct collection *collection, struct err *err);
MUST_CHECK int collect_ports(struct collection *collection, struct err *err);
MUST_CHECK int collect_selinux(struct collection *collection, struct err *err);
MUST_CHECK int collect_netstat(struct collection *collection, struct err *err);
MUST_CHECK int collect_conntrack(struct collection *collection, struct err *err);
MUST_CHECK int collect_firewall(struct collection *collection, struct err *err);
MUST_CHECK int collect_links(struct collection *collection, struct err *err);
MUST_CHECK int collect_load(struct collection *collection, struct err *err);
MUST_CHECK int collect_errors(struct collection *collection, struct err *err);
MUST_CHECK int collect_answers(struct collection *collection, struct err *err);
MUST_CHECK int collect_probes(struct collection *collection, struct err *err);

#endif
