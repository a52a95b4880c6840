/* diagnose/slow: queues before the servers of a backend, and whether those servers are slow.
 * Use:     slow_find_queues(work, start, end, &queues): servers start to end are one backend's.
 * Owns:    results live in the work's arena.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_SLOW_H
#define HAMEDIC_AGENT_DIAGNOSE_SLOW_H

#include "agent/diagnose/look.h"

struct queue_view {
    const struct server_view *server;
    uint64_t limit;
    uint64_t waits; /* at the server, and its share of the backend's queue */
    uint64_t share;
    bool agrees;      /* the file has the same limit */
    const char *slow; /* why more connections would hurt; NULL */
};

struct queues {
    struct queue_view *at;
    size_t count;
    uint64_t backend_queue;
    size_t down; /* servers of the backend that are DOWN: their load is on the others */
    size_t all;
};

/* Servers at their limit that requests wait for. */
void slow_find_queues(struct diagnosis_work *work, size_t start, size_t end,
                      struct queues *out_queues);
/* What speaks for a server that has no strength left; NULL: nothing does. */
const char *slow_why(struct diagnosis_work *work, const struct server_view *view, size_t start,
                     size_t end);
/* Requests that got no answer within `timeout server`, or that have none yet. HAProxy's averages know nothing of these: a
 * server that answers nobody has those of its better times. */
struct no_answers {
    uint64_t count, requests;
    const char *
        example; /* a line of the log; NULL: HAProxy counts bad answers, and we got none from it either */
    bool over;  /* the last one is a while ago */
    bool stuck; /* they are at work now, and we get no answer either */
};
bool slow_gives_none(const struct diagnosis_work *work, const struct server_view *view,
                     struct no_answers *out_none);
/* Have slow ones half of the slots, so that the queue is their doing and no cause of its own? */
bool slow_is_behind(const struct queues *queues);

#endif
