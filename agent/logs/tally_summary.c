#include "agent/logs/tally_summary.h"

#include <stdlib.h>
#include <string.h>

#include "agent/logs/take.h"
#include "plans/base/escape.h"

static int descending(uint64_t a, uint64_t b)
{
    return a < b ? 1 : a > b ? -1 : 0;
}

static int by_kind_count(const void *a, const void *b)
{
    const struct log_error_kind *first = a, *second = b;
    int order = descending(first->count, second->count);

    if (order == 0)
        order = strcmp(first->state, second->state);
    if (order == 0)
        order = (first->status > second->status) - (first->status < second->status);
    return order != 0 ? order : (int)first->server - (int)second->server;
}

static int by_fault_count(const void *a, const void *b)
{
    const struct log_fault *first = a, *second = b;
    int order = descending(first->count, second->count);

    if (order == 0)
        order = strcmp(first->backend, second->backend);
    if (order == 0)
        order = strcmp(first->server, second->server);
    if (order == 0)
        order = strcmp(first->state, second->state);
    if (order == 0)
        order = (first->status > second->status) - (first->status < second->status);
    return order != 0 ? order : strcmp(first->frontend, second->frontend);
}

static int by_early_count(const void *a, const void *b)
{
    const struct log_early *first = a, *second = b;
    int order = descending(first->count, second->count);

    if (order == 0)
        order = strcmp(first->frontend, second->frontend);
    return order != 0 ? order : strcmp(first->reason, second->reason);
}

static int by_message_count(const void *a, const void *b)
{
    const struct log_message_count *first = a, *second = b;
    int order = descending(first->count, second->count);

    if (order == 0)
        order = strcmp(first->kind, second->kind);
    if (order == 0)
        order = strcmp(first->proxy, second->proxy);
    return order != 0 ? order : strcmp(first->server, second->server);
}

static int32_t status_of(uint32_t status)
{
    return status == TALLY_NO_STATUS ? LOG_LINE_NONE : (int32_t)status - 1;
}

static const char *show_example(struct arena *arena, const struct tally_example *example)
{
    const char *shown =
        escape_span(arena, (struct span){example->bytes, example->len}, LOG_TALLY_EXAMPLE);

    return example->cut == 0 ? shown
                             : arena_printf(arena, "%s... (%u more bytes)", shown, example->cut);
}

static void tell_error_kinds(const struct log_tally *tally, struct arena *arena,
                             struct log_summary *summary)
{
    for (uint32_t i = 0; i < tally->error_kind_count; i++) {
        const struct tally_kind *kind = &tally->error_kinds[i];
        struct log_error_kind *told;

        if (kind->count == 0)
            continue;
        told = &ARENA_PUSH(arena, summary->error_kinds, summary->error_kind_count);
        log_tally_unpack_state(kind->pair << 8, 2, told->state);
        told->status = status_of(kind->status);
        told->server = kind->server;
        told->count = kind->count;
        log_sources_top(&kind->sources, arena, &told->sources, &told->source_count);
    }
    if (summary->error_kind_count > 0)
        qsort(summary->error_kinds, summary->error_kind_count, sizeof *summary->error_kinds,
              by_kind_count);
}

static const char *name_of(struct arena *arena, const struct log_names *names, uint32_t index)
{
    return index == 0 ? "(others)"
                      : escape_span(arena, log_names_get(names, index), LOG_TALLY_NAME_MAX);
}

static void tell_fault(const struct log_tally *tally, struct arena *arena, uint32_t index,
                       struct log_fault *told)
{
    const struct tally_fault *fault = &tally->faults[index];
    const struct tally_route *route = &tally->route_rows[fault->route];
    struct span server = log_names_get(&tally->servers, route->server);

    *told = (struct log_fault){
        .frontend = name_of(arena, &tally->frontends, route->frontend),
        .backend = name_of(arena, &tally->backends, route->backend),
        .server = "(others)",
        .status = status_of(fault->key >> 16),
        .server_kind = route->server_kind,
        .count = fault->seen.count,
        .redispatched = fault->redispatched,
        .connected = fault->connected,
        .queued = fault->queued,
        .least_retries = fault->least_retries,
        .most_retries = fault->most_retries,
        .least_total = fault->least_total,
        .most_total = fault->most_total,
        .sum_total = fault->sum_total,
        .first = fault->seen.first,
        .last = fault->seen.last,
        .example = show_example(arena, &fault->example),
    };
    log_tally_unpack_state((fault->key & 0xff) << 8, 2, told->state);
    if (route->server != 0) {
        (void)span_cut(&server, '/');
        told->server = escape_span(arena, server, LOG_TALLY_NAME_MAX);
    }
    log_sources_top(&tally->fault_sources[index], arena, &told->sources, &told->source_count);
}

static void tell_faults(const struct log_tally *tally, struct arena *arena,
                        struct log_summary *summary)
{
    for (uint32_t i = 0; i < tally->fault_count; i++)
        if (tally->faults[i].seen.count > 0)
            tell_fault(tally, arena, i, &ARENA_PUSH(arena, summary->faults, summary->fault_count));
    if (summary->fault_count > 0)
        qsort(summary->faults, summary->fault_count, sizeof *summary->faults, by_fault_count);
}

static void tell_early(const struct log_tally *tally, struct arena *arena,
                       struct log_summary *summary)
{
    for (uint32_t i = 0; i < tally->early.count; i++) {
        const struct tally_early *row = &tally->early_rows[i];
        struct span reason = log_names_get(&tally->early, i);
        struct span frontend = span_cut(&reason, '/');
        struct span bind = span_cut(&reason, ':');
        struct log_early *told;

        if (row->seen.count == 0)
            continue;
        told = &ARENA_PUSH(arena, summary->early, summary->early_count);
        *told = (struct log_early){.frontend = name_of(arena, &tally->early, 0),
                                   .bind = "",
                                   .reason = "",
                                   .count = row->seen.count,
                                   .first = row->seen.first,
                                   .last = row->seen.last};
        if (i != 0) {
            told->frontend = escape_span(arena, frontend, LOG_TALLY_NAME_MAX);
            told->bind = escape_span(arena, bind, LOG_TALLY_NAME_MAX);
            told->reason = escape_span(arena, span_trim(reason), LOG_TALLY_NAME_MAX);
        }
        log_sources_top(&row->sources, arena, &told->sources, &told->source_count);
    }
    if (summary->early_count > 0)
        qsort(summary->early, summary->early_count, sizeof *summary->early, by_early_count);
}

static void tell_messages(const struct log_tally *tally, struct arena *arena,
                          struct log_summary *summary)
{
    for (uint32_t i = 0; i < tally->messages.count; i++) {
        const struct tally_message *row = &tally->message_rows[i];
        struct span server = log_names_get(&tally->messages, i);
        struct span kind = i == 0 ? span_of("others") : span_cut(&server, ' ');
        struct span proxy = {NULL, 0};
        struct log_message_count *told;

        if (row->seen.count == 0)
            continue;
        if (i == 0)
            server.len = 0;
        else
            proxy = span_cut(&server, '/');
        told = &ARENA_PUSH(arena, summary->messages, summary->message_count);
        *told = (struct log_message_count){.kind = escape_span(arena, kind, LOG_TALLY_NAME_MAX),
                                           .proxy = escape_span(arena, proxy, LOG_TALLY_NAME_MAX),
                                           .server = escape_span(arena, server, LOG_TALLY_NAME_MAX),
                                           .count = row->seen.count,
                                           .first = row->seen.first,
                                           .last = row->seen.last,
                                           .example = show_example(arena, &row->example)};
    }
    if (summary->message_count > 0)
        qsort(summary->messages, summary->message_count, sizeof *summary->messages,
              by_message_count);
}

void log_tally_summary(const struct log_tally *tally, struct arena *arena,
                       struct log_summary *out_summary)
{
    *out_summary = (struct log_summary){.bytes = tally->bytes,
                                        .lines = tally->lines,
                                        .skipped = tally->skipped,
                                        .timeless = tally->timeless,
                                        .cut = tally->cut,
                                        .others = tally->others,
                                        .first = tally->first,
                                        .last = tally->last,
                                        .unsorted = tally->unsorted};
    memcpy(out_summary->kinds, tally->kinds, sizeof out_summary->kinds);
    log_tally_summary_groups(tally, arena, out_summary);
    tell_error_kinds(tally, arena, out_summary);
    tell_faults(tally, arena, out_summary);
    tell_early(tally, arena, out_summary);
    tell_messages(tally, arena, out_summary);
    if (tally->unknown.len > 0)
        out_summary->unknown = show_example(arena, &tally->unknown);
}
