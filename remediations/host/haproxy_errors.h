/* host/haproxy_errors: `show errors` of HAProxy's Runtime API: the last message of each proxy that
 * it could not take, as it came.
 * Use:     haproxy_api_ask(socket, "show errors 2 request;show errors 3 response", ...);
 *          haproxy_errors_parse(answer, 2, ...)
 * Shapes:  HAProxy keeps one request for each frontend and one response for each backend, since its
 *          start; checks' answers are among them. The bytes are whatever a client or a server sent:
 *          what they begin with is told by one of a few words, and they themselves are never given.
 * Owns:    results live in the arena.
 * Errors:  ERR_INPUT: not what was asked for, cut off, or of another form than what is known: every
 *          byte of a message is counted, and none may be missing.
 * Source:  HAProxy management.txt 9.3 "show errors"; its form is the same from 2.2 to 3.5.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_HAPROXY_ERRORS_H
#define HAMEDIC_REMEDIATIONS_HOST_HAPROXY_ERRORS_H

#include "plans/plan.h"

enum capture_begins {
    CAPTURE_OTHER,
    CAPTURE_NOTHING,
    CAPTURE_PROXY, /* a header of the PROXY protocol, version 1 or 2 */
    CAPTURE_TLS,   /* a record of TLS: a handshake, or an alert */
    CAPTURE_HTTP,  /* "HTTP/": the first line, or a header behind it, is what was wrong */
    CAPTURE_BEGINS_COUNT
};

struct haproxy_capture {
    bool is_response;
    enum capture_begins begins;
    const char *proxy;        /* the frontend of a request, the backend of a response; escaped */
    const char *other;        /* at the other side; NULL: none was chosen, or it was a check */
    const char *server;       /* NULL: none */
    const char *client;       /* "10.0.0.1:4000"; NULL: not told */
    const char *time;         /* "29/Nov/2026:23:22:33", of HAProxy's clock and zone */
    int64_t age;              /* seconds before the answer; -1: its clock was set back */
    int64_t length, position; /* bytes of the message; where it could not be read on */
};

/* `asked` answers, one behind the other; what several of them hold is given once. */
MUST_CHECK int haproxy_errors_parse(struct span answer, size_t asked, struct arena *arena,
                                    struct haproxy_capture **out_rows, size_t *out_count,
                                    struct err *err);

#endif
