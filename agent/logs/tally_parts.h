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

struct log_sample {
    struct span line;  /* all of it, for examples */
    struct span route; /* "fe[~] be/srv" */
    struct span client;
    int64_t time;
    int32_t timers[LOG_TIMER_COUNT];
    uint32_t status; /* + 1, or TALLY_NO_STATUS */
    uint32_t state;
    uint64_t bytes;
    uint32_t actconn, feconn, beconn, srvconn, retries, server_queue, backend_queue;
    bool is_redispatched;
};

struct tally_route {
    uint32_t frontend, backend, server; /* in their tables; 0 is "(others)" */
    uint32_t outcome_key, outcome;      /* what the last request came to, and its row */
    uint32_t timers;                    /* of its server */
    uint32_t feconn, beconn, srvconn, server_queue, backend_queue;
    bool is_tls;
    enum log_server_kind server_kind;
    uint64_t requests, retries, retried, redispatched, queued, bytes;
};

struct tally_outcome {
    uint32_t route;
    uint32_t key; /* status << 16 | state */
    uint64_t count;
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
    struct tally_seen seen;
    uint64_t redispatched, connected, queued, sum_total;
    int32_t least_retries, most_retries, least_total, most_total;
    struct tally_example example;
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

#define TALLY_OUTCOME_SLOTS (2 * LOG_TALLY_OUTCOMES)
#define TALLY_FAULT_SLOTS   (2 * LOG_TALLY_FAULTS)

struct log_tally {
    struct arena *arena;
    struct log_options options;
    struct log_clock clock;

    uint64_t bytes, lines, skipped, cut, others, unsorted;
    uint64_t kinds[LOG_KIND_COUNT];
    int64_t first, last; /* of what was counted */
    int64_t previous;    /* time of the line before */
    uint32_t actconn;

    /* Each has "(others)" at 0: the name is its own, and cannot be a frontend's. */
    struct log_names routes, frontends, backends, servers;
    struct tally_route *route_rows;
    uint32_t *server_timers; /* by server */
    struct log_timers *timers;
    uint32_t timer_count; /* 0 is shared by servers that came later */

    struct tally_outcome *outcomes; /* 0 is not used */
    uint32_t *outcome_slots;
    uint32_t outcome_count;
    uint64_t *lost_statuses, *lost_states; /* by status and by state, of outcomes without room */

    struct tally_fault *faults; /* 0: others */
    uint32_t *fault_slots;
    uint32_t fault_count;
    struct tally_kind *error_kinds; /* 0: others */
    uint32_t error_kind_count;

    struct log_names early, messages; /* "fe/bind: why"; "kind proxy/server" */
    struct tally_early *early_rows;
    struct tally_message *message_rows;
};

/* tally_names.c */
uint32_t log_tally_route(struct log_tally *tally, struct span route);
/* tally_count.c */
void log_tally_request(struct log_tally *tally, const struct log_sample *sample);
uint32_t log_tally_outcome(struct log_tally *tally, uint32_t route, uint32_t key);
void log_tally_lose(struct log_tally *tally, uint32_t key, uint64_t count);
/* tally_errors.c */
void log_tally_error(struct log_tally *tally, uint32_t route, const struct log_sample *sample);
uint32_t log_tally_fault(struct log_tally *tally, uint32_t route, uint32_t key);
uint32_t log_tally_kind(struct log_tally *tally, uint32_t pair, uint32_t status,
                        enum log_server_kind server);
void log_tally_early(struct log_tally *tally, const struct log_line *line);
void log_tally_message(struct log_tally *tally, const struct log_line *line);
void log_tally_see(struct tally_seen *seen, int64_t time);
void log_tally_merge_seen(struct tally_seen *into, const struct tally_seen *from);
/* tally_states.c */
uint32_t log_tally_pack_state(const char *state, size_t letters);
void log_tally_unpack_state(uint32_t packed, size_t letters, char *out_state);
bool log_tally_is_error_packed(uint32_t state, uint32_t status);

#endif
