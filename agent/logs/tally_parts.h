/* logs/tally_parts: what a tally is made of; for logs/tally and its own files only.
 * Shapes:  struct log_sample is what of a request is counted, from whichever parser. A state is packed into 16 bits:
 *          four letters of four bits, the first letter highest, 0: no letter.
 */
#ifndef HAMEDIC_AGENT_LOGS_TALLY_PARTS_H
#define HAMEDIC_AGENT_LOGS_TALLY_PARTS_H

#include "agent/logs/names.h"
#include "agent/logs/sources.h"
#include "agent/logs/tally.h"
#include "agent/logs/timers.h"

#define TALLY_NO_STATUS 1023 /* TCP; else status + 1 */

/* The numbers of a request, side by side so that they are taken many at once. A number that there is not is -1. */
enum tally_lane {
    LANE_TR, /* timers as in enum log_timer */
    LANE_TW,
    LANE_TC,
    LANE_RESPONSE,
    LANE_TA,
    LANE_STATUS,
    LANE_BYTES,
    LANE_ACTCONN,
    LANE_FECONN,
    LANE_BECONN,
    LANE_SRVCONN,
    LANE_RETRIES,
    LANE_SERVER_QUEUE,
    LANE_BACKEND_QUEUE,
    LANE_USED,
    LANE_COUNT = 16
};

struct log_sample {
    int32_t lanes[LANE_COUNT];
    struct span line; /* all of it, for examples */
    struct span client;
    bool has_port; /* "address:port": only an error's is taken apart */
    int64_t time;
    uint32_t status; /* + 1, or TALLY_NO_STATUS */
    uint32_t state;
    uint64_t bytes; /* also those that the lane has no room for */
    bool is_redispatched;
};

/* Rows begin on cache lines: `most` is one, and what is looked at for each request is the next. */
#define TALLY_ALIGNMENT 64
struct tally_route {
    _Alignas(TALLY_ALIGNMENT) int32_t most[LANE_COUNT]; /* largest of each lane */
    uint64_t requests, bytes;
    uint64_t *outcomes;       /* of route_outcomes */
    struct log_timers *timed; /* its server's timers, as a place */
    struct log_timers *front; /* its frontend's */
    const char *name;         /* LOG_NAMES_MARGIN bytes may be read behind it */
    uint32_t name_len;
    bool is_tls;
    bool is_client; /* "-/-": HAProxy's own requests */
    enum log_server_kind server_kind;
    uint32_t timers; /* of its server */
    uint64_t retries, retried, redispatched, queued;
    uint32_t frontend, backend, server; /* in their tables; 0 is "(others)" */
};

/* Open addressing, free where count is 0. */
struct tally_outcome {
    uint32_t route;
    uint32_t key; /* status << 16 | state */
    uint64_t count;
};

/* Pairs of status and state, the first that came. A slot that is free has a key that there is not. */
#define TALLY_USUAL       64
#define TALLY_USUAL_SLOTS 4096U
#define TALLY_NO_KEY      UINT32_MAX
struct tally_usual {
    uint32_t key, index;
};

struct tally_seen {
    uint64_t count;
    int64_t first, last;
};

struct tally_example {
    uint32_t len, cut; /* bytes kept, bytes more that there were */
    char bytes[LOG_TALLY_EXAMPLE];
};

struct tally_fault {
    uint32_t route;
    uint32_t key;
    uint32_t kind; /* its row in error_kinds; 0: not known yet, or there was no room */
    struct tally_seen seen;
    uint64_t redispatched, connected, queued, sum_total;
    int32_t least_retries, most_retries, least_total, most_total;
    struct tally_example example;
};

/* Whose a row is, so that no others' rows are looked at for that: they are large. */
struct tally_fault_slot {
    uint32_t route, key;
    uint32_t row; /* 0: free */
};

struct tally_kind {
    uint32_t pair, status; /* of the state its first two letters */
    enum log_server_kind server;
    uint64_t count;
    struct log_sources sources;
};

struct tally_early {
    struct tally_seen seen;
    struct log_sources sources;
};

struct tally_message {
    struct tally_seen seen;
    struct tally_example example;
};

#define TALLY_OUTCOME_SLOTS (2U * LOG_TALLY_OUTCOMES)
#define TALLY_FAULT_SLOTS   (2 * LOG_TALLY_FAULTS)

struct log_scan;

struct log_tally {
    struct arena *arena;
    char *buffer;
    struct log_options options;
    struct log_clock clock;

    uint64_t bytes, lines, skipped, timeless, cut, others, unsorted;
    uint64_t kinds[LOG_KIND_COUNT];
    int64_t first, last; /* of what was counted */
    int64_t begin;       /* time of the first line that has one, also one that was skipped */
    int64_t previous;    /* time of the line before */
    int64_t counted;     /* the same, where it was not skipped; else LOG_NO_TIME */

    /* Each has "(others)" at 0: the name is its own, and cannot be a frontend's. */
    struct log_names routes, frontends, backends, servers;
    struct tally_route *route_rows;
    uint32_t *server_timers; /* by server */
    struct log_timers *timers;
    uint32_t timer_count; /* 0 is shared by servers that came later */

    struct tally_usual *usual;
    uint32_t usual_keys[TALLY_USUAL], usual_count;
    uint64_t (*route_outcomes)[TALLY_USUAL]; /* by route, by index in usual_keys */
    struct tally_outcome *outcomes;          /* the others */
    uint32_t outcome_count;
    uint64_t lost;                         /* outcomes without room */
    uint64_t *lost_statuses, *lost_states; /* by status and by state, of those */

    struct log_timers *frontend_timers; /* by frontend */

    struct tally_fault *faults; /* 0: others */
    struct log_sources *fault_sources;
    struct tally_fault_slot *fault_slots;
    uint32_t fault_count;
    struct tally_kind *error_kinds; /* 0: others */
    uint32_t error_kind_count;

    struct log_names early, messages; /* "fe/bind: why"; "kind proxy/server" */
    struct tally_early *early_rows;
    struct tally_message *message_rows;
    struct tally_example unknown; /* the newest */

    struct log_scan *scan;
};

/* tally_names.c */
uint32_t log_tally_route(struct log_tally *tally, struct span route);
/* tally.c: the plain way. False: it was outside the times asked for. */
void log_tally_line(struct log_tally *tally, struct span bytes, struct log_line *out_line);
bool log_tally_see_time(struct log_tally *tally, int64_t *time);
/* tally_outcomes.c */
void log_tally_add_outcome(struct log_tally *tally, uint32_t route, uint32_t key, uint64_t count);
/* The next one, in no order, from *place = 0 on; false at the end. */
bool log_tally_next_outcome(const struct log_tally *tally, uint32_t *place,
                            struct tally_outcome *out_outcome);
/* tally_errors.c */
void log_tally_error(struct log_tally *tally, uint32_t route, const struct log_sample *sample);
uint32_t log_tally_fault(struct log_tally *tally, uint32_t route, uint32_t key);
uint32_t log_tally_kind(struct log_tally *tally, uint32_t pair, uint32_t status,
                        enum log_server_kind server);
void log_tally_early(struct log_tally *tally, const struct log_line *line);
struct tally_early *log_tally_early_row(struct log_tally *tally, struct span name);
void log_tally_message(struct log_tally *tally, const struct log_line *line);
void log_tally_unknown(struct log_tally *tally, const struct log_line *line);
void log_tally_see(struct tally_seen *seen, int64_t time);
void log_tally_merge_seen(struct tally_seen *into, const struct tally_seen *from);
/* tally_states.c */
uint32_t log_tally_pack_state(const char *state, size_t letters);
void log_tally_unpack_state(uint32_t packed, size_t letters, char *out_state);

/* '-' is 1, 'L' is 2 */
static inline bool log_tally_is_error_packed(uint32_t state, uint32_t status)
{
    return state >> 12 > 2 || (status != TALLY_NO_STATUS && status > 500);
}

#endif
