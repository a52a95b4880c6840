#include "agent/logs/tally_count.h"

#include <string.h>

static void merge_routes(struct log_tally *into, const struct log_tally *from, uint32_t *map)
{
    for (uint32_t i = 0; i < from->routes.count; i++) {
        const struct tally_route *row = &from->route_rows[i];
        struct tally_route *sum;

        map[i] = i == 0 ? 0 : log_tally_route(into, log_names_get(&from->routes, i));
        sum = &into->route_rows[map[i]];
        into->others += map[i] == 0 && i != 0 ? row->requests : 0;
        sum->requests += row->requests;
        sum->retries += row->retries;
        sum->retried += row->retried;
        sum->redispatched += row->redispatched;
        sum->queued += row->queued;
        sum->bytes += row->bytes;
        tally_raise(sum->most, row->most);
    }
}

/* A frontend that there was no room for is among the others. */
static void merge_frontends(struct log_tally *into, const struct log_tally *from)
{
    for (uint32_t i = 0; i < from->frontends.count; i++) {
        struct span name = log_names_get(&from->frontends, i);
        uint32_t known = log_names_find(&into->frontends, name, log_names_hash(name));

        log_timers_merge(&into->frontend_timers[known == LOG_NAMES_NONE ? 0 : known],
                         &from->frontend_timers[i]);
    }
}

/* Timers belong to servers: through any route of theirs. Those of late servers are shared. */
static void merge_timers(struct log_tally *into, const struct log_tally *from)
{
    log_timers_merge(&into->timers[0], &from->timers[0]);
    for (uint32_t server = 1; server < from->servers.count; server++) {
        struct span name = log_names_get(&from->servers, server);
        uint32_t known = log_names_find(&into->servers, name, log_names_hash(name));

        if (from->server_timers[server] != 0)
            log_timers_merge(
                &into->timers[known == LOG_NAMES_NONE ? 0 : into->server_timers[known]],
                &from->timers[from->server_timers[server]]);
    }
}

static void merge_outcomes(struct log_tally *into, const struct log_tally *from,
                           const uint32_t *map)
{
    struct tally_outcome outcome;
    uint32_t place = 0;

    while (log_tally_next_outcome(from, &place, &outcome))
        log_tally_add_outcome(into, map[outcome.route], outcome.key, outcome.count);
    if (from->lost == 0)
        return;
    into->lost += from->lost;
    for (size_t i = 0; i < 1024; i++)
        into->lost_statuses[i] += from->lost_statuses[i];
    for (size_t i = 0; i < 65536; i++)
        into->lost_states[i] += from->lost_states[i];
}

static void lower_to(int32_t *least, int32_t value)
{
    if (value < *least)
        *least = value;
}

static void merge_fault(struct tally_fault *sum, const struct tally_fault *fault)
{
    if (fault->seen.count == 0)
        return;
    if (sum->seen.count == 0) {
        sum->least_retries = fault->least_retries;
        sum->least_total = fault->least_total;
    }
    log_tally_merge_seen(&sum->seen, &fault->seen);
    sum->redispatched += fault->redispatched;
    sum->connected += fault->connected;
    sum->queued += fault->queued;
    sum->sum_total += fault->sum_total;
    lower_to(&sum->least_retries, fault->least_retries);
    lower_to(&sum->least_total, fault->least_total);
    if (fault->most_retries > sum->most_retries)
        sum->most_retries = fault->most_retries;
    if (fault->most_total > sum->most_total)
        sum->most_total = fault->most_total;
    sum->example = fault->example;
}

static void merge_errors(struct log_tally *into, const struct log_tally *from, const uint32_t *map)
{
    for (uint32_t i = 0; i < from->fault_count; i++) {
        const struct tally_fault *fault = &from->faults[i];
        uint32_t row = i == 0 ? 0 : log_tally_fault(into, map[fault->route], fault->key);

        merge_fault(&into->faults[row], fault);
        log_sources_merge(&into->fault_sources[row], &from->fault_sources[i]);
    }
    for (uint32_t i = 0; i < from->error_kind_count; i++) {
        const struct tally_kind *kind = &from->error_kinds[i];
        uint32_t row = i == 0 ? 0 : log_tally_kind(into, kind->pair, kind->status, kind->server);

        into->error_kinds[row].count += kind->count;
        log_sources_merge(&into->error_kinds[row].sources, &kind->sources);
    }
}

static uint32_t add_name(struct log_names *names, const struct log_names *from, uint32_t index)
{
    struct span name = log_names_get(from, index);
    uint32_t row = log_names_add(names, name, log_names_hash(name));

    return row == LOG_NAMES_NONE ? 0 : row;
}

static void merge_words(struct log_tally *into, const struct log_tally *from)
{
    for (uint32_t i = 0; i < from->early.count; i++) {
        struct tally_early *row = log_tally_early_row(into, log_names_get(&from->early, i));

        log_tally_merge_seen(&row->seen, &from->early_rows[i].seen);
        log_sources_merge(&row->sources, &from->early_rows[i].sources);
    }
    for (uint32_t i = 0; i < from->messages.count; i++) {
        uint32_t row = add_name(&into->messages, &from->messages, i);

        log_tally_merge_seen(&into->message_rows[row].seen, &from->message_rows[i].seen);
        if (from->message_rows[i].seen.count > 0)
            into->message_rows[row].example = from->message_rows[i].example;
    }
    if (from->unknown.len > 0)
        into->unknown = from->unknown;
}

static void merge_times(struct log_tally *into, const struct log_tally *from)
{
    if (from->first != LOG_NO_TIME && (into->first == LOG_NO_TIME || from->first < into->first))
        into->first = from->first;
    if (from->last > into->last)
        into->last = from->last;
    if (from->begin == LOG_NO_TIME)
        return;
    if (into->previous == LOG_NO_TIME)
        into->begin = from->begin;
    else if (from->begin < into->previous - 1000)
        into->unsorted++;
    into->previous = from->previous;
}

void log_tally_merge(struct log_tally *into, const struct log_tally *from)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    uint32_t *map = arena_alloc(scratch, from->routes.count * sizeof *map);

    into->bytes += from->bytes;
    into->lines += from->lines;
    into->skipped += from->skipped;
    if (from->begin != LOG_NO_TIME && from->begin < into->options.since)
        into->timeless = 0;
    into->timeless += from->timeless;
    into->cut += from->cut;
    into->others += from->others;
    into->unsorted += from->unsorted;
    for (size_t i = 0; i < LOG_KIND_COUNT; i++)
        into->kinds[i] += from->kinds[i];
    merge_times(into, from);
    merge_routes(into, from, map);
    merge_timers(into, from);
    merge_frontends(into, from);
    merge_outcomes(into, from, map);
    merge_errors(into, from, map);
    merge_words(into, from);
}
