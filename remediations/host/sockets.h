/* host/sockets: TCP sockets of HAProxy's network namespace, through sock_diag. Where that is
 * another than the agent's and may not be entered: from /proc/PID/net/tcp and tcp6 of its process,
 * which tell less.
 * Source:  sock_diag(7), linux/inet_diag.h. For a listener idiag_rqueue is the accept queue now,
 *          idiag_wqueue its limit. Sockets in TIME-WAIT are told only if their state bit is asked
 *          for. SK_MEMINFO_DROPS of a listener counts the connections that the kernel did not take
 *          (tcp_listendrop), whatever queue was full. Segments and round trips: tcp_info.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SOCKETS_H
#define HAMEDIC_REMEDIATIONS_HOST_SOCKETS_H

#include "remediations/host/host.h"

struct listener {
    const char *address; /* "0.0.0.0", "::", "10.0.0.1" */
    uint32_t port;
    uint32_t queue, queue_limit; /* accept queue: now, and where it ends */
    uint64_t inode;
    uint32_t half_open; /* a SYN came, and the handshake is not complete: SYN-RECV */
    bool drops_known;
    uint32_t drops; /* connections that were not taken since it listens */
};
/* Outgoing connections by (source, destination, port): local ports are exhausted per such triple.
 */
struct destination {
    const char *source;
    const char *address;
    uint32_t port;
    uint32_t total, established, time_wait, syn_sent;
    uint32_t measured; /* connections that told what follows; 0: none did */
    uint32_t retrying; /* of them: wait for an acknowledgement that is overdue */
    uint32_t round_trip_us, least_round_trip_us; /* mean of all; the least ever seen by one */
    uint64_t segments, retransmitted;            /* sent by all of them, since they began */
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
/* The listeners alone, of the namespace that the calling thread is in. */
MUST_CHECK int sockets_listeners(struct arena *arena, struct listener **out_listeners,
                                 size_t *out_count, struct err *err);

#endif
