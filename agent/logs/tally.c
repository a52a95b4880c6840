#include "agent/logs/tally_count.h"

#include <string.h>

#include "agent/logs/scan.h"

#define MEMORY(tally, count, pointer)                                                              \
    ((pointer) = arena_alloc((tally)->arena, (count) * sizeof *(pointer)))

static void init_names(struct log_tally *tally, struct log_names *names, uint32_t max,
                       uint32_t mean_bytes)
{
    log_names_init(names, tally->arena, max, max * mean_bytes + LOG_TALLY_NAME_MAX);
    /* 0: no name of HAProxy's holds a blank first */
    (void)log_names_add(names, span_of(" (others)"), log_names_hash(span_of(" (others)")));
}

/* The arena aligns to less than a cache line: a piece is longer by one. */
static void *aligned(void *piece)
{
    char *memory = piece;
    size_t past = (uintptr_t)memory % TALLY_ALIGNMENT;

    return memory + (past == 0 ? 0 : TALLY_ALIGNMENT - past);
}

/* What is used all the time is one page, not hundreds, each of which costs a fault. Timers come last, as of those the
 * first rows are used most. */
static void place_hot(struct log_tally *tally, enum log_scan_way way)
{
    size_t scan = (log_scan_size() + TALLY_ALIGNMENT - 1) / TALLY_ALIGNMENT * TALLY_ALIGNMENT;
    size_t faults = LOG_TALLY_FAULTS * sizeof *tally->faults;
    size_t timers = LOG_TALLY_TIMED * sizeof *tally->timers;
    char *memory = aligned(arena_alloc_huge(tally->arena, TALLY_ALIGNMENT + LOG_TALLY_BUFFER +
                                                              scan + faults + timers));

    tally->buffer = memory;
    memory += LOG_TALLY_BUFFER;
    tally->scan = (struct log_scan *)(void *)memory;
    log_scan_init(tally->scan, tally, way);
    tally->faults = (struct tally_fault *)(void *)(memory + scan);
    tally->timers = (struct log_timers *)(void *)(memory + scan + faults);
}

struct log_tally *log_tally_new(const struct log_options *options)
{
    struct arena *arena = arena_new_huge();
    struct log_tally *tally = arena_alloc(arena, sizeof *tally);

    *tally = (struct log_tally){.arena = arena,
                                .options = *options,
                                .first = LOG_NO_TIME,
                                .last = LOG_NO_TIME,
                                .begin = LOG_NO_TIME,
                                .previous = LOG_NO_TIME,
                                .counted = LOG_NO_TIME,
                                .timer_count = 1,
                                .fault_count = 1,
                                .error_kind_count = 1};
    log_clock_init(&tally->clock, options->now);
    init_names(tally, &tally->routes, LOG_TALLY_ROUTES, 48);
    init_names(tally, &tally->frontends, LOG_TALLY_FRONTENDS, 24);
    init_names(tally, &tally->backends, LOG_TALLY_SERVERS, 24);
    init_names(tally, &tally->servers, LOG_TALLY_SERVERS, 40);
    init_names(tally, &tally->early, LOG_TALLY_EARLY, 80);
    init_names(tally, &tally->messages, LOG_TALLY_MESSAGES, 64);
    tally->route_rows = aligned(
        arena_alloc(arena, TALLY_ALIGNMENT + LOG_TALLY_ROUTES * sizeof(struct tally_route)));
    MEMORY(tally, LOG_TALLY_SERVERS, tally->server_timers);
    place_hot(tally, options->way);
    MEMORY(tally, TALLY_USUAL_SLOTS, tally->usual);
    memset(tally->usual, 0xff, TALLY_USUAL_SLOTS * sizeof *tally->usual);
    MEMORY(tally, LOG_TALLY_ROUTES, tally->route_outcomes);
    tally->route_rows[0].outcomes = tally->route_outcomes[0];
    tally->route_rows[0].timed = &tally->timers[0];
    MEMORY(tally, TALLY_OUTCOME_SLOTS, tally->outcomes);
    MEMORY(tally, 1024, tally->lost_statuses);
    MEMORY(tally, 65536, tally->lost_states);
    MEMORY(tally, TALLY_FAULT_SLOTS, tally->fault_slots);
    MEMORY(tally, LOG_TALLY_FRONTENDS, tally->frontend_timers);
    tally->route_rows[0].front = &tally->frontend_timers[0];
    MEMORY(tally, LOG_TALLY_FAULTS, tally->fault_sources);
    log_sources_init(&tally->fault_sources[0], LOG_TALLY_AT_FAULT, arena);
    MEMORY(tally, LOG_TALLY_KINDS, tally->error_kinds);
    log_sources_init(&tally->error_kinds[0].sources, LOG_TALLY_SOURCES, arena);
    MEMORY(tally, LOG_TALLY_EARLY, tally->early_rows);
    log_sources_init(&tally->early_rows[0].sources, LOG_TALLY_SOURCES, arena);
    MEMORY(tally, LOG_TALLY_MESSAGES, tally->message_rows);
    return tally;
}

void log_tally_free(struct log_tally *tally)
{
    if (tally != NULL)
        arena_free(tally->arena);
}

char *log_tally_buffer(const struct log_tally *tally)
{
    return tally->buffer;
}

/* False: the line is outside the times asked for. A line without a time is as old as the one before it. */
bool log_tally_see_time(struct log_tally *tally, int64_t *time)
{
    bool is_old = *time != LOG_NO_TIME && *time < tally->options.since;

    if (*time == LOG_NO_TIME)
        *time = tally->previous;
    if (*time != LOG_NO_TIME) {
        if (tally->previous == LOG_NO_TIME)
            tally->begin = *time;
        else if (*time < tally->previous - 1000)
            tally->unsorted++;
        tally->previous = *time;
    }
    tally->counted = LOG_NO_TIME;
    if ((tally->options.since != LOG_NO_TIME &&
         (*time == LOG_NO_TIME || *time < tally->options.since)) ||
        (tally->options.until != LOG_NO_TIME && *time != LOG_NO_TIME &&
         *time >= tally->options.until)) {
        tally->skipped++;
        if (is_old) /* and so is what stands before it */
            tally->timeless = 0;
        return false;
    }
    tally->counted = *time;
    if (*time == LOG_NO_TIME)
        return true;
    if (tally->first == LOG_NO_TIME || *time < tally->first)
        tally->first = *time;
    if (*time > tally->last)
        tally->last = *time;
    return true;
}

/* "fe[~] be/srv" as httplog writes it; CLF has the names in quotes. One too long for any table stays so. */
static struct span route_of(const struct log_line *line, char room[static LOG_TALLY_NAME_MAX + 1])
{
    const struct span parts[] = {line->frontend, span_of(line->is_tls ? "~ " : " "), line->backend,
                                 span_of("/"), line->server};
    struct span route = {room, 0};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].len > LOG_TALLY_NAME_MAX - route.len)
            return (struct span){room, LOG_TALLY_NAME_MAX + 1};
        if (parts[i].len > 0)
            memcpy(room + route.len, parts[i].ptr, parts[i].len);
        route.len += parts[i].len;
    }
    return route;
}

static void fill_lanes(const struct log_line *line, int32_t *lanes)
{
    const int32_t values[] = {
        [LANE_STATUS] = line->status,
        [LANE_BYTES] = 0,
        [LANE_ACTCONN] = line->actconn,
        [LANE_FECONN] = line->feconn,
        [LANE_BECONN] = line->beconn,
        [LANE_SRVCONN] = line->srvconn,
        [LANE_RETRIES] = line->retries,
        [LANE_SERVER_QUEUE] = line->server_queue,
        [LANE_BACKEND_QUEUE] = line->backend_queue,
    };

    memset(lanes, 0, LANE_COUNT * sizeof *lanes);
    memcpy(lanes, values, sizeof values);
    memcpy(lanes, line->timers, sizeof line->timers);
}

static void count_request(struct log_tally *tally, struct span bytes, const struct log_line *line)
{
    char room[LOG_TALLY_NAME_MAX + 1] = {0};
    struct log_sample sample = {
        .line = bytes,
        .client = line->client,
        .time = line->time,
        .status = line->status == LOG_LINE_NONE ? TALLY_NO_STATUS : (uint32_t)(line->status + 1),
        .state = log_tally_pack_state(line->state, strlen(line->state)),
        .bytes = line->bytes,
        .is_redispatched = line->is_redispatched,
    };

    fill_lanes(line, sample.lanes);
    tally_count(tally, log_tally_route(tally, route_of(line, room)), &sample);
}

/* One line, the plain way. */
void log_tally_line(struct log_tally *tally, struct span bytes, struct log_line *out_line)
{
    struct log_line *line = out_line;

    log_line_parse(&tally->clock, bytes, line);
    bool is_timeless = line->time == LOG_NO_TIME && line->kind == LOG_KIND_UNKNOWN;
    if (!log_tally_see_time(tally, &line->time)) {
        tally->timeless += is_timeless;
        return;
    }
    tally->kinds[line->kind]++;
    tally->cut += line->cut;
    if (log_line_is_request(line))
        count_request(tally, bytes, line);
    else if (line->kind == LOG_KIND_ERROR_LINE)
        log_tally_early(tally, line);
    else if (line->kind == LOG_KIND_MESSAGE)
        log_tally_message(tally, line);
    else if (line->kind == LOG_KIND_UNKNOWN)
        log_tally_unknown(tally, line);
}

void log_tally_feed(struct log_tally *tally, struct span whole_lines)
{
    tally->bytes += whole_lines.len;
    log_scan_feed(tally, whole_lines);
}
