/* logs/tally: what a log says, counted in one pass.
 * Use:     struct log_tally *tally = log_tally_new(&options);
 *          log_tally_feed(tally, whole_lines); ...; log_tally_merge(tally, other);
 *          log_tally_summary(tally, arena, &summary); log_tally_free(tally);
 * Shapes:  bytes fed are whole lines, of any length, the last with or without LF. Feeding two halves into one
 *          tally, or each into its own and merging them in order, gives the same summary, but for sources (below), and
 *          for lines without a time at the begin of the second half, which are as old as nothing then.
 *          Memory is bounded by the LOG_TALLY_* below whatever is fed (log_tally_new reserves it, untouched
 *          pages cost nothing). What finds no room is counted under "(others)".
 * Owns:    the caller owns the tally; the summary is plain data in the arena, strings escaped for showing.
 * Errors:  none: no memory ends the process as in plans/base/arena.
 */
#ifndef HAMEDIC_AGENT_LOGS_TALLY_H
#define HAMEDIC_AGENT_LOGS_TALLY_H

#include "agent/logs/line.h"
#include "plans/base/arena.h"

/* How lines are taken apart: each way gives the same. */
enum log_scan_way {
    LOG_SCAN_BEST,
    LOG_SCAN_PLAIN, /* log_line_parse for each line */
    LOG_SCAN_WIDE,  /* many bytes at once, with what every processor of this kind has */
    LOG_SCAN_AVX2,
    LOG_SCAN_AVX512,
    LOG_SCAN_WAYS
};

struct log_options {
    int64_t now;   /* for times without a year; milliseconds since the epoch */
    int64_t since; /* lines before it are skipped; LOG_NO_TIME: none */
    int64_t until; /* lines at it or after are skipped; LOG_NO_TIME: none */
    /* A line without a time counts as written when the one before it was. */
    enum log_scan_way way; /* for tests; zero: the fastest this processor has */
};

#define LOG_TALLY_BUFFER    ((size_t)512 * 1024)
#define LOG_TALLY_ROUTES    8192 /* frontend, backend and server as they stand together */
#define LOG_TALLY_SERVERS   8192
#define LOG_TALLY_TIMED     2048 /* servers with timers of their own, first come */
#define LOG_TALLY_FRONTENDS 512
#define LOG_TALLY_OUTCOMES  32768 /* route, termination state and status */
#define LOG_TALLY_FAULTS    1024  /* route, termination state and status of errors */
#define LOG_TALLY_KINDS     64    /* kinds of error with their sources */
#define LOG_TALLY_SOURCES   64    /* addresses followed for each kind */
#define LOG_TALLY_AT_FAULT  16    /* and for each fault */
#define LOG_TALLY_EARLY     64
#define LOG_TALLY_MESSAGES  512 /* kinds of message for each server or backend they name */
#define LOG_TALLY_TOP       10  /* sources told of each kind */
#define LOG_TALLY_NAME_MAX  255 /* bytes of frontend, backend and server together */
#define LOG_TALLY_EXAMPLE   480 /* bytes of a line that are kept as evidence */

/* Milliseconds, of the values >= 0. Exact below 16 ms, else within 6.25 % (log-linear classes of an eighth of an
 * octave, the middle is told); `max` is exact. -1 where count is 0. */
struct log_percentiles {
    uint64_t count;
    int64_t p50, p95, p99, max;
};

struct log_count_status {
    int32_t status; /* -1: ended without one */
    uint64_t count;
};
struct log_count_state {
    char state[5]; /* "SC--", for TCP "SC" */
    uint64_t count;
};

/* Of everything, or of one frontend, backend or server. */
struct log_group {
    const char *name;    /* escaped */
    const char *backend; /* of a server; else NULL */
    uint64_t requests;   /* and TCP sessions */
    uint64_t tls;        /* accepted over SSL ('~') */
    uint64_t failed;     /* log_tally_is_error */
    uint64_t no_server;  /* <NOSRV> */
    uint64_t retries;    /* tries that were repeated */
    uint64_t retried;    /* requests that had some */
    uint64_t redispatched;
    uint64_t queued; /* server or backend queue > 0 */
    uint64_t bytes;
    uint32_t conns;                       /* most at once: %ac of everything, %fc, %bc, %sc */
    uint32_t server_queue, backend_queue; /* longest seen */
    uint64_t classes[6];               /* 1xx at [1] .. 5xx at [5]; [0]: all else, also -1; HTTP */
    struct log_count_status *statuses; /* HTTP; most first */
    size_t status_count;
    struct log_count_state *states; /* most first */
    size_t state_count;
    struct log_percentiles timers[LOG_TIMER_COUNT]; /* a timeless server's: count 0 */
};

enum log_server_kind {
    LOG_SERVER_NAMED,
    LOG_SERVER_NONE,   /* <NOSRV> */
    LOG_SERVER_APPLET, /* <STATS>, and others in angle brackets */
    LOG_SERVER_COUNT
};

struct log_source {
    const char *address; /* escaped */
    uint64_t count;      /* never too low, and at most `over` too high */
    uint64_t over;
};

/* A kind of error: termination pair, status, and whether a server was chosen. Most first. */
struct log_error_kind {
    char state[3];
    int32_t status; /* LOG_LINE_NONE for TCP */
    enum log_server_kind server;
    uint64_t count;
    /* Most first. An address with more than count / LOG_TALLY_SOURCES of the errors is among those followed. */
    struct log_source *sources;
    size_t source_count;
};

/* Errors of one kind of one frontend at one server, with what tells their causes apart (Ta against retries). */
struct log_fault {
    const char *frontend, *backend, *server;
    char state[3];
    int32_t status;
    enum log_server_kind server_kind;
    uint64_t count;
    uint64_t redispatched;
    uint64_t connected; /* Tc >= 0: a connection had been made */
    uint64_t queued;    /* a queue position > 0 */
    int32_t least_retries, most_retries;
    int64_t least_total, most_total; /* Ta; Tt of TCP */
    uint64_t sum_total;
    int64_t first, last; /* times, LOG_NO_TIME */
    const char *example; /* the newest line, escaped, at most LOG_TALLY_EXAMPLE bytes of it */
    /* Most first. An address with more than count / LOG_TALLY_AT_FAULT of them is among those followed. */
    struct log_source *sources;
    size_t source_count;
};

/* What HAProxy says of itself, one server or one backend. */
struct log_message_count {
    const char *kind;           /* word of agent/logs/message */
    const char *proxy, *server; /* "" where the message names none */
    uint64_t count;
    int64_t first, last;
    const char *example; /* the newest, escaped */
};

/* Connections that ended before a request, as their error lines say. */
struct log_early {
    const char *frontend, *bind, *reason; /* "SSL handshake failure" */
    uint64_t count;
    int64_t first, last;
    struct log_source *sources; /* as for errors */
    size_t source_count;
};

struct log_summary {
    uint64_t bytes, lines; /* fed, also what was skipped */
    uint64_t skipped;      /* outside since and until */
    uint64_t timeless; /* of those: unknown, of no time, and none that is told is older than them */
    uint64_t kinds[LOG_KIND_COUNT];
    uint64_t cut;        /* lines with `cut`, also unknown ones */
    uint64_t others;     /* requests counted under "(others)" */
    int64_t first, last; /* smallest and greatest time of what was counted */
    uint64_t unsorted;   /* lines more than a second older than the one before */
    struct log_group all;
    struct log_group *frontends, *backends, *servers; /* most requests first */
    size_t frontend_count, backend_count, server_count;
    struct log_error_kind *error_kinds;
    size_t error_kind_count;
    struct log_fault *faults; /* most first */
    size_t fault_count;
    struct log_message_count *messages;
    size_t message_count;
    struct log_early *early; /* most first */
    size_t early_count;
    const char
        *unknown; /* the newest line of LOG_KIND_UNKNOWN that is not empty, escaped; NULL: none */
};

struct log_tally;

struct log_tally *log_tally_new(const struct log_options *options);
/* LOG_TALLY_BUFFER bytes of its own for what is to be fed, next to what is counted: less memory is in use. */
char *log_tally_buffer(const struct log_tally *tally);
void log_tally_free(struct log_tally *tally); /* NULL is allowed */
void log_tally_feed(struct log_tally *tally, struct span whole_lines);
/* `from` is what follows `into` in the log; it is unchanged. */
void log_tally_merge(struct log_tally *into, const struct log_tally *from);
void log_tally_summary(const struct log_tally *tally, struct arena *arena,
                       struct log_summary *out_summary);

/* False: this processor or this build does not have it, and log_tally_feed would take the plain one. */
bool log_tally_has_way(enum log_scan_way way);

/* An error: anything but a normal end, the client's or HAProxy's own answer below 500; or a status from 500. */
bool log_tally_is_error(const char *state, int32_t status);

#endif
