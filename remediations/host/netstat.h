/* host/netstat: what the kernel counts of TCP in one network namespace.
 * Use:     netstat_read(pid, arena, &netstat, err) twice, and netstat_rise(before, after)
 * Shapes:  counters since the namespace was made; -1: this kernel does not count that.
 * Errors:  ERR_SYS.
 * Source:  /proc/PID/net/netstat and snmp; Linux Documentation/networking/snmp_counter.rst.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_NETSTAT_H
#define HAMEDIC_REMEDIATIONS_HOST_NETSTAT_H

#include <sys/types.h>

#include "remediations/host/host.h"

enum netstat_counter {
    NETSTAT_LISTEN_OVERFLOWS,     /* an accept queue was full */
    NETSTAT_LISTEN_DROPS,         /* the same, and all other reasons not to take a connection */
    NETSTAT_REQUESTS_FULL_DROP,   /* the queue of half-open ones was full; bounded by the backlog */
    NETSTAT_REQUESTS_FULL_COOKIE, /* the same, and a cookie was sent instead */
    NETSTAT_BACKLOG_DROP,
    NETSTAT_PRUNED,
    NETSTAT_TIMEOUTS,
    NETSTAT_RETRANSMITTED, /* segments */
    NETSTAT_SEGMENTS,      /* sent */
    NETSTAT_COUNT
};
struct netstat {
    int64_t at[NETSTAT_COUNT];
};
/* Names as the kernel writes them: "ListenOverflows". */
const char *netstat_name(enum netstat_counter counter);
/* `pid`: whose namespace; 0: the agent's. */
MUST_CHECK int netstat_read(pid_t pid, struct arena *arena, struct netstat *out_netstat,
                            struct err *err);
/* What came between; -1 where one of them is not known, or the later is the smaller. */
struct netstat netstat_rise(const struct netstat *before, const struct netstat *after);
/* Pure: takes what the text names, and leaves the rest. */
void netstat_parse(struct span text, struct netstat *netstat);

#endif
