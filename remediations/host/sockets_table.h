/* host/sockets_table: many sockets become few lines: listeners, and outgoing connections counted
 * per destination.
 * Use:     table = socket_table_new(arena); socket_table_listen() for every listener FIRST, then
 *          socket_table_count() for every other socket; socket_table_finish()
 * Shapes:  addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d: so an IPv4 connection
 *          of an IPv6 socket counts with the others. Ports in host order. States as in the
 *          kernel's tcp_states.h.
 * Owns:    everything lives in the arena.
 * Errors:  none. socket_table_read_proc skips lines that are none.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SOCKETS_TABLE_H
#define HAMEDIC_REMEDIATIONS_HOST_SOCKETS_TABLE_H

#include "remediations/host/sockets.h"

enum socket_state {
    SOCKET_ESTABLISHED = 1,
    SOCKET_SYN_SENT,
    SOCKET_SYN_RECV,
    SOCKET_FIN_WAIT1,
    SOCKET_FIN_WAIT2,
    SOCKET_TIME_WAIT,
    SOCKET_CLOSE,
    SOCKET_CLOSE_WAIT,
    SOCKET_LAST_ACK,
    SOCKET_LISTEN,
    SOCKET_CLOSING,
};

struct socket_row {
    unsigned char local[16], remote[16];
    uint32_t local_port, remote_port;
    unsigned state;
    uint32_t queue, queue_limit; /* of a listener */
    uint64_t inode;
    bool drops_known; /* of a listener */
    uint32_t drops;
    bool measured; /* of a connection: what follows was told */
    bool retrying;
    uint32_t round_trip_us, least_round_trip_us;
    uint64_t segments, retransmitted;
};

struct socket_table;
struct socket_table *socket_table_new(struct arena *arena);
void socket_table_listen(struct socket_table *table, const struct socket_row *row);
/* A socket whose local port is one that its address listens on was accepted, not made: it is not
 * counted, but for one in SYN-RECV, which counts for the listener. */
void socket_table_count(struct socket_table *table, const struct socket_row *row);
/* Most connections first. */
void socket_table_finish(const struct socket_table *table, struct arena *arena,
                         struct sockets *out_sockets);

void socket_row_address(unsigned char address[16], bool v6, const void *bytes);

/* The lines of /proc/net/tcp or tcp6: `listeners` true takes those alone, false all others. A
 * listener's queue limit is not told there: 0. */
void socket_table_read_proc(struct socket_table *table, struct span text, bool v6, bool listeners);

#endif
