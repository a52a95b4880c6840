/* diagnose/accept: the queues in which connections wait to be accepted.
 * Owns:    results live in the work's arena or in its facts.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_ACCEPT_H
#define HAMEDIC_AGENT_DIAGNOSE_ACCEPT_H

#include "agent/diagnose/look.h"

/* The queue that a listening socket asks for, and what says so. */
struct accept_backlog {
    uint64_t wanted;
    const char *by;     /* "backlog of the bind line", "maxconn of frontend web", ... */
    const char *target; /* the maxconn target that would raise it; NULL: no such word */
};
/* HAProxy configuration.txt 4.2 "backlog": that of the bind line, else of the proxy, else the bind
 * line's maxconn, else the proxy's, else the global one. */
struct accept_backlog accept_backlog_of(const struct diagnosis_work *work,
                                        const struct cfg_proxy *proxy, const struct cfg_bind *bind);
/* The firewall tracks as many connections as it may, and drops what comes: whoever times out then
 * says nothing of himself. */
bool accept_tracks_no_more(const struct diagnosis_work *work);
/* A wish for a kernel setting of HAProxy's network, or advice where it is not ours to set, or the
 * policy allows no more. `because` says why. False: advice was given. */
bool accept_wish_sysctl(struct diagnosis_work *work, const struct cause *cause,
                        struct finding *finding, const char *key, uint64_t value,
                        const char *because);

#endif
