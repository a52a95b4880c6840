/* diagnose/held: whether HAProxy came to a limit of connections because one of its backends keeps them.
 * Use:     front.c asks held_is_behind() before it makes a limit the cause; what is found of the backend itself tells
 *          it with held_tell().
 * Shapes:  a limit: the global maxconn (frontend NULL), or that of a frontend.
 * Owns:    results live in the work's arena.
 */
#ifndef HAMEDIC_AGENT_DIAGNOSE_HELD_H
#define HAMEDIC_AGENT_DIAGNOSE_HELD_H

#include "agent/diagnose/look.h"

/* Most of these connections wait for servers that answer slowly, or in the queue before servers at their own limit: a
 * higher limit here would only let more of them wait. */
bool held_is_behind(struct diagnosis_work *work, const struct haproxy_stat *frontend);
/* The backend of servers[start] has its part in such a limit. */
bool held_by(struct diagnosis_work *work, size_t start, size_t end);
/* Why that server keeps its connections longer than it should; NULL: it does not. */
const char *held_why(struct diagnosis_work *work, const struct server_view *view, size_t start,
                     size_t end);
/* Adds the limits that the backend of servers[start] brings HAProxy to; then the finding is a critical one. */
void held_tell(struct diagnosis_work *work, struct finding *finding, size_t start, size_t end);

#endif
