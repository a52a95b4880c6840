/* host/conntrack: how many connections the firewall of one network namespace tracks, of how many.
 * Errors:  ERR_SYS, ERR_INPUT; ERR_UNSUPPORTED: no connection is tracked there.
 * Source:  /proc/sys/net/netfilter/nf_conntrack_count and _max, /proc/PID/net/stat/nf_conntrack
 *          (hexadecimal, a line for each processor); Linux
 *          Documentation/networking/nf_conntrack-sysctl.rst.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_CONNTRACK_H
#define HAMEDIC_REMEDIATIONS_HOST_CONNTRACK_H

#include <sys/types.h>

#include "remediations/host/host.h"

struct conntrack {
    int64_t count, max; /* max 0: no limit */
    int64_t dropped;    /* since the namespace was made: connections that found no room */
    int64_t evicted;    /* others that were thrown out to make room */
};
/* `pid`: whose namespace; 0: the agent's. */
MUST_CHECK int conntrack_read(const struct host *host, pid_t pid, struct arena *arena,
                              struct conntrack *out_conntrack, struct err *err);
/* Pure: sums up all processors. False: no such text. */
bool conntrack_parse(struct span text, int64_t *out_dropped, int64_t *out_evicted);

#endif
