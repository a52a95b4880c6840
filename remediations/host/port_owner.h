/* host/port_owner: who holds TCP ports: the processes behind listeners, and outgoing connections that have
 * such a port as their own.
 * Use:     port_owner_find(own, own_count, inodes, count, arena, &owners, err) for listeners of
 *          sockets_read; port_owner_connections(pid, ports, count, arena, &holds, err)
 * Shapes:  an inode is a socket's, of whatever namespace; ports in host order. Names of processes
 *          are escaped.
 * Owns:    everything lives in the arena.
 * Errors:  ERR_SYS. A process that ends meanwhile, or may not be looked at, is passed over, and
 *          `complete` is false then.
 * Source:  proc(5): /proc/PID/fd links to "socket:[INODE]"; sock_diag(7).
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_PORT_OWNER_H
#define HAMEDIC_REMEDIATIONS_HOST_PORT_OWNER_H

#include <sys/types.h>

#include "remediations/host/host.h"

struct port_owner {
    uint64_t inode;
    int64_t pid;         /* 0: not found */
    const char *name;    /* comm; NULL */
    const char *program; /* NULL: not readable */
    bool is_own;         /* one of the processes that were given */
};
struct port_owners {
    struct port_owner *at; /* one for each inode, in their order */
    size_t count;
    bool complete; /* every process could be looked at */
};
/* The processes `own` are looked at first; the others only for what is theirs not. */
MUST_CHECK int port_owner_find(const pid_t *own, size_t own_count, const uint64_t *inodes,
                               size_t count, struct arena *arena, struct port_owners *out_owners,
                               struct err *err);

/* Connections whose own port is one of these, none of them accepted: for ports that nobody listens
 * on. */
struct port_hold {
    uint32_t port;
    uint32_t total, time_wait;
    const char *local, *remote; /* "10.0.0.5:8001", of the first one */
    uint64_t inode;             /* of one that has one; 0: all in TIME-WAIT */
};
struct port_holds {
    struct port_hold *at; /* ports that are held */
    size_t count;
};
/* `pid`: whose network namespace; 0: the agent's. */
MUST_CHECK int port_owner_connections(pid_t pid, const uint32_t *ports, size_t count,
                                      struct arena *arena, struct port_holds *out_holds,
                                      struct err *err);

#endif
