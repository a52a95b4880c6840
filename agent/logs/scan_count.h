/* logs/scan_count: the lines that were taken apart are counted. For logs/scan_wide only.
 *
 * That is done for many lines at once: where one number is counted follows from all of its line, and a processor that
 * has to wait for that, since the next line may count at the same place, would take one line at a time. */
#ifndef HAMEDIC_AGENT_LOGS_SCAN_COUNT_H
#define HAMEDIC_AGENT_LOGS_SCAN_COUNT_H

#include "agent/logs/line_parts.h"
#include "agent/logs/scan.h"
#include "agent/logs/scan_bytes.h"
#include "agent/logs/tally_count.h"

static inline bool scan_is_route(const struct tally_route *row, const struct scan_request *request)
{
    return row->name_len == request->names_len &&
           scan_same64(row->name, request->names, request->names_len);
}

/* "fe be/srv", as one that is new to the cache must be to be taken; see logs/request. */
static inline bool scan_has_names(const struct scan_request *request)
{
    struct span server = {request->names, request->names_len};
    struct span frontend = span_cut(&server, ' ');
    struct span backend = span_cut(&server, '/');

    return frontend.len >= 2 && memchr(frontend.ptr, '/', frontend.len) == NULL &&
           backend.len > 0 && server.len > 0;
}

/* Where the first place is another's, the second is looked at, and changes with it. */
static __attribute__((noinline)) struct tally_route *
scan_find_route(struct log_tally *tally, const struct scan_request *request)
{
    struct tally_route **cache = tally->scan->cache;
    uint32_t slot = request->hash >> SCAN_CACHE_SHIFT;
    struct tally_route *row = cache[slot ^ 1];

    if (!scan_is_route(row, request))
        row = &tally->route_rows[log_tally_route(
            tally, (struct span){request->names, request->names_len})];
    cache[slot ^ 1] = cache[slot];
    cache[slot] = row;
    return row;
}

static inline void scan_count_error(struct log_tally *tally, const struct tally_route *row,
                                    const struct scan_request *request)
{
    struct log_sample sample = {
        .line = {request->line, (size_t)(request->end - request->line)},
        .client = {request->client, request->client_len},
        .has_port = true,
        .time = request->time,
        .status = request->ending->outcome >> 16,
        .state = request->ending->outcome & 0xffff,
        .bytes = (uint32_t)request->lanes[LANE_BYTES],
        .is_redispatched = request->is_redispatched,
    };

    memcpy(sample.lanes, request->lanes, sizeof sample.lanes);
    log_tally_error(tally, (uint32_t)(row - tally->route_rows), &sample);
}

static inline void scan_count_kind(struct log_tally *tally, const struct tally_route *row,
                                   const struct scan_request *request)
{
    struct span tail = {request->tail, (size_t)(request->end - request->tail)};
    struct log_line line = {.kind = LOG_KIND_HTTP};

    if (!log_request_is_whole_tail(tail))
        log_request_read_tail(tail, &line);
    if (row->is_client && line.kind == LOG_KIND_HTTP)
        line.kind = LOG_KIND_HTTPCLIENT;
    tally->kinds[line.kind]++;
    tally->cut += line.cut;
}

static __attribute__((noinline)) void
scan_count_odd(struct log_tally *tally, struct tally_route *row, const struct scan_request *request)
{
    scan_count_kind(tally, row, request);
    tally_count_retries(row, request->lanes, request->is_redispatched);
    if (request->ending->is_error)
        scan_count_error(tally, row, request);
}

/* An ending that is not one of the usual ones, or not yet. */
static __attribute__((noinline)) void scan_count_unusual(struct log_tally *tally,
                                                         const struct tally_route *row,
                                                         struct scan_ending *ending)
{
    const struct tally_usual *usual;

    log_tally_add_outcome(tally, (uint32_t)(row - tally->route_rows), ending->outcome, 1);
    usual = &tally->usual[tally_mix(ending->outcome) % TALLY_USUAL_SLOTS];
    if (usual->key == ending->outcome)
        ending->usual = (uint16_t)usual->index;
}

/* Seldom is anything larger than before: what is not written to need not be written back from the cache. */
static inline void scan_raise(struct tally_route *row, const struct scan_request *request)
{
#if defined(__AVX512F__)
    if (_mm512_cmpgt_epi32_mask(_mm512_load_si512(request->lanes), _mm512_load_si512(row->most)) ==
        0)
        return;
#endif
    tally_raise(row->most, request->lanes);
}

static inline void scan_count_request(struct log_tally *tally, struct tally_route *row,
                                      const struct scan_request *request)
{
    struct scan_ending *ending = request->ending;

    row->requests++;
    row->bytes += (uint32_t)request->lanes[LANE_BYTES];
    if (ending->usual != TALLY_USUAL)
        row->outcomes[ending->usual]++;
    else
        scan_count_unusual(tally, row, ending);
    scan_raise(row, request);
    tally_count_timers(row, request->lanes);
}

static void scan_count_requests(struct log_tally *tally)
{
    struct log_scan *scan = tally->scan;
    const struct scan_request *end = scan->request;
    struct tally_route *others = tally->route_rows;
    uint64_t whole = 0;

    scan->request = scan->requests;
    for (struct scan_request *request = scan->requests; request < end; request++) {
        /* its high bits are the mixed ones */
        struct tally_route *row = scan->cache[request->hash >> SCAN_CACHE_SHIFT];
        bool is_known = scan_is_route(row, request);

        if (!is_known && !scan_has_names(request)) {
            log_scan_line(tally,
                          (struct span){request->line, (size_t)(request->end - request->line)});
            continue;
        }
        /* Where it is the last one's, that one was counted: skipped lines leave it alone. */
        if (request->time != tally->counted && !log_tally_see_time(tally, &request->time))
            continue;
        if (!is_known) {
            row = scan_find_route(tally, request);
            tally->others += row == others;
        }
        scan_count_request(tally, row, request);
        if (request->is_odd | row->is_client)
            scan_count_odd(tally, row, request);
        else
            whole++;
    }
    tally->kinds[LOG_KIND_HTTP] += whole;
}

#endif
