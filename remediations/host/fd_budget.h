/* host/fd_budget: how many file descriptors HAProxy needs for a maxconn, and how many it can get.
 * `haproxy -c` does not look at this: a configuration can be valid and unable to start.
 * Source:  HAProxy 1.8 to 3.5-dev5 compute_ideal_maxsock, compute_ideal_maxconn (read for facts, and
 *          compared with the Maxsock of running ones, or with what they say when it is too much:
 *          2.2.9, 2.6.12, 3.0.11, 3.2.26):
 *            maxsock = base + 3 * nbthread + 2 * maxpipes + 2 * maxconn
 *            base    = 10 + listeners + (10 where a stats socket or a master is) + (1 with -W)
 *                      + (with -S: 11; 22 from 2.7 on; 0 from 3.1 on) + 3 * peers + checks
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_FD_BUDGET_H
#define HAMEDIC_REMEDIATIONS_HOST_FD_BUDGET_H

#include "remediations/host/haproxy_cfg.h"

struct fd_budget {
    uint64_t maxconn;           /* what was asked about */
    uint64_t need;              /* descriptors for that maxconn */
    uint64_t limit;             /* what the next start can get; 0: not known, limit_from says why */
    uint64_t maxconn_that_fits; /* the largest maxconn within limit */
    bool is_strict;             /* a start that gets too few fails; else it goes on with them */
    const char *formula;        /* "10 + 2 listeners + ... = 200041": shown to people */
    const char *limit_from;     /* "hard limit 20000 of the running master, no CAP_SYS_RESOURCE" */
};

/* `limit` 0: worked out from the process, the unit's LimitNOFILE and fs.nr_open. */
MUST_CHECK int fd_budget_compute(const struct host *host, const struct haproxy *haproxy,
                                 const struct cfg *cfg, uint64_t maxconn, uint64_t limit,
                                 struct arena *arena, struct fd_budget *out_budget,
                                 struct err *err);

#endif
