/* logs/line: one line of a log, as HAProxy and the syslog daemons write them, taken apart.
 * Use:     struct log_clock clock; log_clock_init(&clock, now);
 *          struct log_line line; log_line_parse(&clock, bytes, &line); switch (line.kind) ...
 * Shapes:  bytes: one line without its LF; any byte may occur, a CR at the end is ignored. What a format does
 *          not have: an empty span, LOG_LINE_NONE for a number, NUL for a letter of the termination state.
 *          Times are milliseconds since the epoch, timers milliseconds (-1: never got there).
 *          Every framing of LOG_FRAMING_*; names may contain ':' and '.'; what HAProxy escapes stays escaped
 *          ("#22"). A line cut by `log ... len` is a request as long as its queues were still written
 *          (`cut` says so); one that ends earlier, or goes on in a log-format of its own, is
 *          LOG_KIND_UNKNOWN with `cut`.
 *          Only `capture cookie` lets a client write bytes that HAProxy does not escape in front of the
 *          termination state: then the last place that fits is taken, which no client can write.
 * Owns:    nothing: the spans point into the bytes given.
 * Errors:  none: what is not understood is LOG_KIND_UNKNOWN.
 * Source:  HAProxy configuration.txt 8.2, 8.5, 8.6 (1.8 to 3.5: the same strings); RFC 3164, RFC 5424.
 */
#ifndef HAMEDIC_AGENT_LOGS_LINE_H
#define HAMEDIC_AGENT_LOGS_LINE_H

#include "agent/logs/clock.h"

enum log_kind {
    LOG_KIND_HTTP,         /* option httplog */
    LOG_KIND_TCP,          /* option tcplog */
    LOG_KIND_CLF,          /* option httplog clf */
    LOG_KIND_TCP_CLF,      /* option tcplog clf (3.1) */
    LOG_KIND_HTTPS,        /* option httpslog */
    LOG_KIND_HTTPCLIENT,   /* HAProxy's own requests (2.8): backend and server are "-" */
    LOG_KIND_ERROR_LINE,   /* a connection that ended before a request: "fe/bind: why" */
    LOG_KIND_CONNECT_FROM, /* no log format at all: "Connect from ..." */
    LOG_KIND_MESSAGE,      /* what HAProxy says of itself, its servers and backends */
    LOG_KIND_OTHER,        /* another program's, by its tag */
    LOG_KIND_UNKNOWN,      /* a log-format of its own, what Lua logs, noise */
    LOG_KIND_COUNT
};

enum log_framing {
    LOG_FRAMING_RAW,         /* nothing before it, or something unknown before a request's client */
    LOG_FRAMING_PRIORITY,    /* "<134>"; HAProxy's formats priority and short */
    LOG_FRAMING_TRADITIONAL, /* "Nov 22 08:39:17 [host ]haproxy[1]: ", perhaps behind "<134>" */
    LOG_FRAMING_ISO,         /* "2026-11-22T08:39:17.123456+00:00 host haproxy[1]: " */
    LOG_FRAMING_RFC5424,     /* "<134>1 2026-... host haproxy 1 - - " */
    LOG_FRAMING_TIMED,       /* "[<6>]2026-...+00:00 "; HAProxy's formats timed and iso */
    LOG_FRAMING_COUNT
};

enum log_timer {
    LOG_TIMER_TR,       /* %TR: the client's request was read */
    LOG_TIMER_TW,       /* %Tw: queues (and each try after the first, with option redispatch) */
    LOG_TIMER_TC,       /* %Tc: the connection to the server stood */
    LOG_TIMER_RESPONSE, /* %Tr: the server's headers came */
    LOG_TIMER_TA,       /* %Ta, for TCP %Tt: all of it */
    LOG_TIMER_COUNT
};

#define LOG_LINE_NONE INT32_MIN

struct log_line {
    enum log_kind kind;
    enum log_framing framing;
    bool cut;         /* the line ends before its format does */
    int32_t level;    /* syslog: 0 emergency .. 7 debug */
    int64_t time;     /* when it was written: the framing's; else accepted + Ta; else LOG_NO_TIME */
    int64_t accepted; /* HAProxy's own [date]: tcp accept, http begin of the request */
    struct span host, tag;
    struct span payload; /* without framing */

    struct span client; /* address, "unix" or "-" */
    int32_t client_port;
    struct span frontend; /* without '~' */
    bool is_tls;          /* the '~' */
    struct span bind;     /* of an error line: bind's name or number */
    struct span backend, server;
    int32_t timers[LOG_TIMER_COUNT];
    bool is_early;  /* "+N": option logasap, timers and bytes are those of the headers */
    int32_t status; /* -1: ended without one */
    uint64_t bytes;
    char state[5]; /* termination state, 4 letters for HTTP, 2 for TCP, "" */
    int32_t actconn, feconn, beconn, srvconn, retries;
    bool
        is_redispatched; /* '+' before the retries: the server named is not the one that failed first */
    int32_t server_queue, backend_queue;
    struct span
        captures[2];     /* inside the braces; one alone may be the request's or the response's */
    struct span request; /* "GET / HTTP/1.1", "<BADREQ>" */
    struct span message; /* of messages and error lines */
};

void log_line_parse(struct log_clock *clock, struct span bytes, struct log_line *out_line);

/* log_line.time alone, for finding a place in a sorted file. */
int64_t log_line_time(struct log_clock *clock, struct span bytes);

/* Requests and sessions: kinds with a termination state. */
bool log_line_is_request(const struct log_line *line);

#endif
