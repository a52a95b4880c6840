/* host/links: interfaces and addresses of one network namespace, and how it reaches others.
 * Use:     links_read(pid, &targets, arena, &links, err)
 * Shapes:  addresses as text ("10.0.0.1", "2001:db8::1"). `targets`: what is to be reached; texts
 *          that are no addresses have no path. Each target has one path, in the same order.
 * Owns:    everything lives in the arena.
 * Errors:  ERR_SYS.
 * Source:  rtnetlink(7): RTM_GETLINK, RTM_GETADDR, RTM_GETNEIGH, and RTM_GETROUTE for each target,
 *          which the kernel answers as it would route a packet. IPv4's answer to a route of type
 *          unreachable, prohibit or blackhole is an error: EHOSTUNREACH, EACCES, EINVAL; where
 *          there is no route it is ENETUNREACH (net/ipv4/fib_semantics.c fib_props).
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_LINKS_H
#define HAMEDIC_REMEDIATIONS_HOST_LINKS_H

#include <sys/types.h>

#include "remediations/host/host.h"

struct link {
    const char *name; /* "eth0" */
    uint32_t index;
    bool loopback;
    bool up;      /* somebody set it up */
    bool carrier; /* and the other end is there */
    bool direct;  /* it needs no neighbours: loopback, tunnels */
};
struct link_address {
    const char *address;
    const struct link *link; /* NULL: it went away meanwhile */
};
enum path_state {
    PATH_UNKNOWN,   /* no address, or not to be told */
    PATH_LOCAL,     /* this host itself */
    PATH_ROUTED,    /* by `link`, to `hop` */
    PATH_NONE,      /* no route */
    PATH_FORBIDDEN, /* a route that refuses: unreachable, prohibit, blackhole */
};
enum neighbour_state {
    NEIGHBOUR_UNKNOWN, /* nobody asked for it lately */
    NEIGHBOUR_NEEDLESS,
    NEIGHBOUR_SEEN,
    NEIGHBOUR_SILENT, /* it was asked for, and does not answer */
};
struct path {
    const char *target;
    enum path_state state;
    const struct link *link;        /* PATH_ROUTED; NULL: not known */
    const char *hop;                /* PATH_ROUTED: the gateway, or the target itself */
    bool gateway;                   /* the hop is one */
    enum neighbour_state neighbour; /* of the hop */
    const char *hardware;           /* "02:00:5e:10:00:01" of the hop; NULL: not known */
};
struct links {
    struct link *links;
    size_t link_count;
    struct link_address *addresses;
    size_t address_count;
    struct path *paths;
    size_t path_count;
};
MUST_CHECK int links_read(pid_t pid, const struct strings *targets, struct arena *arena,
                          struct links *out_links, struct err *err);
/* Does an interface have this address? */
bool links_have(const struct links *links, const char *address);
/* NULL: not asked for. */
const struct path *links_path(const struct links *links, const char *target);

#endif
