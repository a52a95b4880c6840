/* logs/line_parts: what log_line_parse is made of; for logs/line only.
 * Shapes:  each gets the payload, or the rest of the line, and fills in its part of *line.
 * Errors:  false: it is no such line, and *line may be filled in part; `cut` is set where the bytes ended
 *          before anything contradicted.
 */
#ifndef HAMEDIC_AGENT_LOGS_LINE_PARTS_H
#define HAMEDIC_AGENT_LOGS_LINE_PARTS_H

#include "agent/logs/line.h"

/* framing.c: priority, time, host and tag; *rest is the payload afterwards. */
void log_framing_strip(struct log_clock *clock, struct span *rest, struct log_line *line);
/* A traditional time has no year: it is read again once the payload's own date is known. */
void log_framing_settle_year(struct log_clock *clock, struct span bytes, struct log_line *line);

/* request.c: httplog, tcplog, httpslog, httpclient, and the error line, which begins alike. */
bool log_request_read(struct log_clock *clock, struct span rest, struct log_line *line);
/* clf.c: both CLF formats. */
bool log_clf_read(struct span rest, struct log_line *line);

/* Behind the queues of httplog and httpslog: "[ {captures}][ {captures}] "request"[ tls/parts]". */
void log_request_read_tail(struct span rest, struct log_line *line);
/* httplog's ends in the request's quote, and not in the one that opens it; what httpslog adds ends otherwise. */
static inline bool log_request_is_whole_tail(struct span tail)
{
    /* `|`: which of both it is alternates, and a branch on that would be guessed wrongly half the time */
    return tail.len >= 3 && tail.ptr[tail.len - 1] == '"' && tail.ptr[tail.len - 2] != ' ' &&
           ((tail.ptr[1] == '"') | (tail.ptr[1] == '{'));
}

/* "10.0.0.1:4711", "::1:4711", "unix:1", "-:-": split at the last ':'. */
bool log_request_read_client(struct span token, struct log_line *line);
/* "1/1/0/0/+3 0/0" */
bool log_request_read_conns(struct span *rest, char separator, struct log_line *line);
bool log_request_is_state(struct span token, size_t letters);

#endif
