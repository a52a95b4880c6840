/* host/sockets: TCP sockets of the agent's network namespace, through sock_diag. The only user of
 * libmnl. Where HAProxy lives in another network namespace: from /proc/PID/net/tcp and tcp6 of its
 * process.
 * Source:  sock_diag(7), linux/inet_diag.h. For a listener idiag_rqueue is the accept queue now,
 *          idiag_wqueue its limit. Sockets in TIME-WAIT are told only if their state bit is asked
 *          for.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SOCKETS_H
#define HAMEDIC_REMEDIATIONS_HOST_SOCKETS_H

#include "remediations/host/host.h"

struct listener {
    const char *address; /* "0.0.0.0", "::", "10.0.0.1" */
    uint32_t port;
    uint32_t queue, queue_limit; /* accept queue: now, and where it ends */
    uint64_t inode;
};
/* Outgoing connections by (source, destination, port): local ports are exhausted per such triple.
 */
struct destination {
    const char *source;
    const char *address;
    uint32_t port;
    uint32_t total, established, time_wait, syn_sent;
};
struct sockets {
    struct listener *listeners;
    size_t listener_count;
    struct destination *destinations;
    size_t destination_count;
};
/* `pid`: whose network namespace; 0: the agent's. */
MUST_CHECK int sockets_read(const struct host *host, pid_t pid, struct arena *arena,
                            struct sockets *out_sockets, struct err *err);

#endif
