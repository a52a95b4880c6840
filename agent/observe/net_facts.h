/* observe/net_facts: what was seen of the network that HAProxy lives in.
 * Owns:    the facts' arena.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_NET_FACTS_H
#define HAMEDIC_AGENT_OBSERVE_NET_FACTS_H

#include "remediations/host/conntrack.h"
#include "remediations/host/firewall.h"
#include "remediations/host/links.h"
#include "remediations/host/netstat.h"

/* A listener while the sample lasted. */
struct listener_sample {
    const char *address;
    uint32_t port;
    uint32_t queue_most, queue_limit; /* of its accept queue */
    bool drops_known;
    uint32_t drops, drops_rise; /* connections not taken: since it listens, during the sample */
};

struct net_facts {
    /* SOURCE_NETSTAT */
    struct netstat total, rise; /* since the namespace was made; during the sample */
    int64_t sample_ms;
    struct listener_sample *listeners;
    size_t listener_count;
    const char *listeners_unknown; /* why they were not looked at; NULL: they were */

    /* SOURCE_CONNTRACK */
    struct conntrack conntrack;
    int64_t conntrack_dropped_rise, conntrack_evicted_rise; /* during a sample; -1: not known */

    struct firewall firewall; /* SOURCE_FIREWALL: for each bind, the target, and each server */

    /* What clients ask for, where somebody said so; NULL: nobody did. Port 0: any. */
    const char *target;
    uint32_t target_port;

    struct links links; /* SOURCE_LINKS; a path for each address of a bind and of a server */
};

#endif
