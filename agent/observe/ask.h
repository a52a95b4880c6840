/* observe/ask: which servers are asked more than whether they are there, what, and what their
 * answer is. Pure.
 * Use:     ask_list(facts, arena, &count): those whose check fails behind the connection, or that
 *          nobody checks further and whose traffic has errors (of one whose address HAProxy alone
 *          knows, by a name, at least whether it takes connections), or where requests pile up; those
 *          whose check is well while connections, whose TLS has a name of its own, fail; and
 *          HAProxy's own monitors that may say that it is not well. ask_read(bytes, closed, &asked).
 * Shapes:  at most ASK_MAX. A question is what HAProxy's check would send, at most ASK_QUESTION_MAX
 *          bytes, and only where asking changes nothing on the server (GET, HEAD, OPTIONS).
 * Owns:    the arena given; names are those of the facts.
 */
#ifndef HAMEDIC_AGENT_OBSERVE_ASK_H
#define HAMEDIC_AGENT_OBSERVE_ASK_H

#include "agent/observe/facts.h"

enum { ASK_MAX = 48, ASK_QUESTION_MAX = 2048, ASK_LINE_MAX = 200 };

/* In the place of a server's name: a frontend's `monitor-uri`. */
#define ASK_MONITOR "<monitor>"

struct ask {
    struct asked asked;   /* who is asked; nothing said yet */
    struct span question; /* len 0: no HTTP, only the handshake */
    bool is_tls;          /* the file says so */
    const char *name;     /* for SNI; NULL */
    bool is_verified;     /* HAProxy looks at the certificate: asked.wanted is a name for it */
    const char *ca_file;  /* whose authorities it trusts; NULL: nobody is to be asked about trust */
    const char *source;   /* NULL: any */
    bool is_monitor;      /* of HAProxy's own: never asked another way */
    bool is_connection;   /* the connection is all there is to ask */
};

/* Requests at work on a server whose answer has not begun, at most: who gave up before is among them until as many are
 * not at work. 0 where HAProxy does not say, as in TCP mode. */
uint64_t ask_unanswered(const struct haproxy_stat *row);
/* Those are some, and several times as many as its rate and its average time would have (Little's law). */
bool ask_is_piled_up(const struct haproxy_stat *row);
struct ask *ask_list(const struct facts *facts, struct arena *arena, size_t *out_count);
/* What was received in plain text, or inside TLS. `is_closed`: nothing more comes. False: too
 * little to tell yet. */
bool ask_read(struct span bytes, bool is_closed, struct arena *arena, struct asked *asked);
/* The handshake came about, but HAProxy takes no such certificate. */
bool ask_has_bad_certificate(const struct asked *asked);

#endif
