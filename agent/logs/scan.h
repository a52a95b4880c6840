/* logs/scan: the fast way through a log: lines that look as the ones before them are taken apart many bytes at once,
 * all others by log_line_parse. For logs/tally only.
 * Use:     scan = log_scan_new(arena, way); log_scan_feed(tally, whole_lines);
 * Shapes:  what is counted is what log_tally_line would count, line for line: the fast way only takes lines of which
 *          it is sure, and hands all others over.
 * Owns:    the arena owns what was learned.
 */
#ifndef HAMEDIC_AGENT_LOGS_SCAN_H
#define HAMEDIC_AGENT_LOGS_SCAN_H

#include "agent/logs/tally_parts.h"

/* So many bytes behind a line may be read (never used): feeding copies the last lines to where that is so. */
#define SCAN_MARGIN 512
/* Longer lines are not for the fast way to count, but it finds their ends. */
#define SCAN_TAIL 4096

#define SCAN_PREFIX      64 /* bytes of framing that are compared at once */
#define SCAN_PREFIXES    4
#define SCAN_CACHE_SHIFT 20 /* of 32 bits: 4096 routes */
#define SCAN_CACHE       (1U << (32 - SCAN_CACHE_SHIFT))

/* A framing as it was seen: from `low` to `high` each byte may be, which fixes all but seconds and process id. */
struct scan_prefix {
    unsigned char low[SCAN_PREFIX], high[SCAN_PREFIX];
    uint32_t len; /* 0: nothing learned yet, or raw */
    bool is_known;
    bool has_time, has_fraction;
    uint32_t second; /* where its seconds stand; behind them, for ISO, ".123" */
    int64_t minute;  /* the time without them */
};

/* HAProxy's own date: "[22/Nov/2026:08" is fixed, minutes and below are digits. */
#define SCAN_DATE     32
#define SCAN_DATE_LEN 27
struct scan_date {
    unsigned char low[SCAN_DATE], high[SCAN_DATE];
    int64_t hour;
    bool is_known;
};

struct scan_cached {
    uint32_t hash, route;
};

struct log_scan {
    enum log_scan_way way;
    struct scan_prefix prefixes[SCAN_PREFIXES];
    uint32_t current, next; /* last that fitted; next to be forgotten */
    struct scan_date date;
    struct scan_cached cache[SCAN_CACHE];
    uint32_t letters[4][256]; /* a letter of the state in its place, packed; else SCAN_NO_LETTER */
    uint32_t ends[8192 + 64]; /* of lines in the block at hand */
};
#define SCAN_NO_LETTER 0x10000U

struct log_scan *log_scan_new(struct arena *arena, enum log_scan_way way);
void log_scan_feed(struct log_tally *tally, struct span whole_lines);

/* All lines of a span behind which SCAN_MARGIN bytes may be read; one for each way. */
void log_scan_lines_plain(struct log_tally *tally, struct span lines);
void log_scan_lines_wide(struct log_tally *tally, struct span lines);
void log_scan_lines_avx2(struct log_tally *tally, struct span lines);
void log_scan_lines_avx512(struct log_tally *tally, struct span lines);
/* The plain way for one line, and what can be learned from it. */
void log_scan_line(struct log_tally *tally, struct span line);

#endif
