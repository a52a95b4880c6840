/* logs/scan: the fast way through a log: lines that look as the ones before them are taken apart many bytes at once,
 * all others by log_line_parse. For logs/tally only.
 * Use:     log_scan_init(scan, tally, way); log_scan_feed(tally, whole_lines);
 * Shapes:  what is counted is what log_tally_line would count, line for line: the fast way only takes lines of which
 *          it is sure, and hands all others over.
 * Owns:    the tally's arena owns what was learned.
 */
#ifndef HAMEDIC_AGENT_LOGS_SCAN_H
#define HAMEDIC_AGENT_LOGS_SCAN_H

#include "agent/logs/tally_parts.h"

/* So many bytes behind a line may be read (never used): feeding copies the last lines to where that is so. */
#define SCAN_MARGIN 512
/* Longer lines are not for the fast way to count, but it finds their ends. */
#define SCAN_TAIL 4096

/* Lines are looked for in so many bytes at once. */
#define SCAN_BLOCK 8192

#define SCAN_PREFIX      64 /* bytes of framing that are compared at once */
#define SCAN_PREFIXES    4
#define SCAN_CACHE_SHIFT 20 /* of 32 bits: 4096 routes */
#define SCAN_CACHE       (1U << (32 - SCAN_CACHE_SHIFT))

#define SCAN_UNKNOWN UINT32_MAX /* longer than any line that is taken */

/* A framing as it was seen: from `low` to `high` each byte may be, which fixes all but seconds and process id. */
struct scan_prefix {
    unsigned char low[SCAN_PREFIX], high[SCAN_PREFIX];
    uint32_t len; /* SCAN_UNKNOWN: nothing learned yet */
    bool has_time, has_fraction;
    uint32_t second; /* where its seconds stand; behind them, for ISO, ".123" */
    int64_t minute;  /* the time without them */
};

/* HAProxy's own date: "[22/Nov/2026:08" is fixed, minutes and below are digits. */
#define SCAN_DATE     32
#define SCAN_DATE_LEN 27
struct scan_date { /* nothing fits one that is not known */
    unsigned char low[SCAN_DATE], high[SCAN_DATE];
    int64_t hour;
};

/* How a request ended: termination state and status, and what of both is known. None is ever forgotten. */
#define SCAN_ENDINGS_SHIFT 54 /* of 64 bits: 1024 */
#define SCAN_ENDINGS       (1U << (64 - SCAN_ENDINGS_SHIFT))
struct scan_ending {
    uint64_t key;     /* status + 1 << 32 | the state's four letters as they stand; 0: free */
    uint32_t outcome; /* status and state as tally_outcome.key */
    uint16_t usual;   /* its index among them, or TALLY_USUAL */
    bool is_error;
};

/* A line that was taken apart. */
#define SCAN_REQUESTS 32
struct scan_request {
    _Alignas(64) int32_t lanes[LANE_COUNT];
    const char *line, *end;
    const char *client;
    const char *names; /* "fe be/srv" */
    const char *tail;  /* captures and request */
    struct scan_ending *ending;
    int64_t time;
    uint32_t client_len, names_len, hash;
    bool is_redispatched;
    bool
        is_odd; /* there is more to it than its numbers: retries, queues, an error, a tail that is not whole */
};

struct log_scan {
    struct scan_request requests[SCAN_REQUESTS]; /* to be counted */
    struct scan_request *request;                /* the next one of them */
    enum log_scan_way way;
    struct scan_prefix *prefix; /* the last one that fitted */
    uint32_t next;              /* of prefixes: to be forgotten */
    struct scan_prefix prefixes[SCAN_PREFIXES];
    struct scan_date date;
    struct tally_route *cache[SCAN_CACHE]; /* row 0 where there is none */
    uint32_t ending_count;
    struct scan_ending endings[SCAN_ENDINGS];
    uint32_t letters[4][256]; /* a letter of the state in its place, packed; else SCAN_NO_LETTER */
    uint64_t end_bits[SCAN_BLOCK / 64]; /* which bytes of the block at hand end lines */
    uint32_t ends[SCAN_BLOCK + 64];     /* the same as offsets */
};
#define SCAN_NO_LETTER 0x10000U

size_t log_scan_size(void);
/* Of zeroes, on a cache line. */
void log_scan_init(struct log_scan *scan, const struct log_tally *tally, enum log_scan_way way);
void log_scan_feed(struct log_tally *tally, struct span whole_lines);

/* All lines of a span behind which SCAN_MARGIN bytes may be read; one for each way. */
void log_scan_lines_plain(struct log_tally *tally, struct span lines);
void log_scan_lines_wide(struct log_tally *tally, struct span lines);
void log_scan_lines_avx2(struct log_tally *tally, struct span lines);
void log_scan_lines_avx512(struct log_tally *tally, struct span lines);
/* The plain way for one line, and what can be learned from it. */
void log_scan_line(struct log_tally *tally, struct span line);

#endif
