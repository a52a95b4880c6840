/* tests/unit/logs_dump: a summary as text, all of it, so that two can be compared. */
#ifndef HAMEDIC_TESTS_LOGS_DUMP_H
#define HAMEDIC_TESTS_LOGS_DUMP_H

#include <inttypes.h>

#include "agent/logs/tally.h"
#include "plans/base/text.h"

static inline void dump_group(struct text *text, const char *what, const struct log_group *group)
{
    text_addf(text,
              "%s %s/%s: %ju tls %ju failed %ju nosrv %ju retries %ju retried %ju moved %ju queued "
              "%ju bytes %ju conns %u queues %u %u",
              what, group->backend == NULL ? "" : group->backend, group->name,
              (uintmax_t)group->requests, (uintmax_t)group->tls, (uintmax_t)group->failed,
              (uintmax_t)group->no_server, (uintmax_t)group->retries, (uintmax_t)group->retried,
              (uintmax_t)group->redispatched, (uintmax_t)group->queued, (uintmax_t)group->bytes,
              group->conns, group->server_queue, group->backend_queue);
    for (size_t i = 0; i < 6; i++)
        text_addf(text, " %zuxx %ju", i, (uintmax_t)group->classes[i]);
    for (size_t i = 0; i < group->status_count; i++)
        text_addf(text, " %d=%ju", (int)group->statuses[i].status,
                  (uintmax_t)group->statuses[i].count);
    for (size_t i = 0; i < group->state_count; i++)
        text_addf(text, " %s=%ju", group->states[i].state, (uintmax_t)group->states[i].count);
    for (size_t i = 0; i < LOG_TIMER_COUNT; i++)
        text_addf(text, " %ju:%jd/%jd/%jd/%jd", (uintmax_t)group->timers[i].count,
                  (intmax_t)group->timers[i].p50, (intmax_t)group->timers[i].p95,
                  (intmax_t)group->timers[i].p99, (intmax_t)group->timers[i].max);
    text_add(text, "\n");
}

static inline void dump_sources(struct text *text, const struct log_source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_addf(text, " %s=%ju-%ju", sources[i].address, (uintmax_t)sources[i].count,
                  (uintmax_t)sources[i].over);
    text_add(text, "\n");
}

static inline void dump_errors(struct text *text, const struct log_summary *summary,
                               bool with_sources)
{
    for (size_t i = 0; i < summary->error_kind_count; i++) {
        const struct log_error_kind *kind = &summary->error_kinds[i];

        text_addf(text, "kind %s %d %d %ju", kind->state, (int)kind->status, (int)kind->server,
                  (uintmax_t)kind->count);
        dump_sources(text, kind->sources, with_sources ? kind->source_count : 0);
    }
    for (size_t i = 0; i < summary->fault_count; i++) {
        const struct log_fault *fault = &summary->faults[i];

        text_addf(text,
                  "fault %s %s/%s %s %d %d: %ju moved %ju connected %ju queued %ju retries %d-%d "
                  "total %jd-%jd sum %ju %jd..%jd %s\n",
                  fault->frontend, fault->backend, fault->server, fault->state, (int)fault->status,
                  (int)fault->server_kind, (uintmax_t)fault->count, (uintmax_t)fault->redispatched,
                  (uintmax_t)fault->connected, (uintmax_t)fault->queued, (int)fault->least_retries,
                  (int)fault->most_retries, (intmax_t)fault->least_total,
                  (intmax_t)fault->most_total, (uintmax_t)fault->sum_total, (intmax_t)fault->first,
                  (intmax_t)fault->last, fault->example);
    }
}

static inline const char *dump_summary(const struct log_tally *tally, struct arena *arena,
                                       bool with_sources)
{
    struct text text = text_new(arena);
    struct log_summary summary;

    log_tally_summary(tally, arena, &summary);
    text_addf(&text, "bytes %ju lines %ju skipped %ju cut %ju others %ju %jd..%jd unsorted %ju\n",
              (uintmax_t)summary.bytes, (uintmax_t)summary.lines, (uintmax_t)summary.skipped,
              (uintmax_t)summary.cut, (uintmax_t)summary.others, (intmax_t)summary.first,
              (intmax_t)summary.last, (uintmax_t)summary.unsorted);
    for (size_t i = 0; i < LOG_KIND_COUNT; i++)
        text_addf(&text, " %ju", (uintmax_t)summary.kinds[i]);
    text_add(&text, "\n");
    dump_group(&text, "all", &summary.all);
    for (size_t i = 0; i < summary.frontend_count; i++)
        dump_group(&text, "frontend", &summary.frontends[i]);
    for (size_t i = 0; i < summary.backend_count; i++)
        dump_group(&text, "backend", &summary.backends[i]);
    for (size_t i = 0; i < summary.server_count; i++)
        dump_group(&text, "server", &summary.servers[i]);
    dump_errors(&text, &summary, with_sources);
    for (size_t i = 0; i < summary.early_count; i++) {
        text_addf(&text, "early %s/%s: %s %ju %jd..%jd", summary.early[i].frontend,
                  summary.early[i].bind, summary.early[i].reason, (uintmax_t)summary.early[i].count,
                  (intmax_t)summary.early[i].first, (intmax_t)summary.early[i].last);
        dump_sources(&text, summary.early[i].sources,
                     with_sources ? summary.early[i].source_count : 0);
    }
    for (size_t i = 0; i < summary.message_count; i++)
        text_addf(&text, "message %s %s/%s %ju %jd..%jd %s\n", summary.messages[i].kind,
                  summary.messages[i].proxy, summary.messages[i].server,
                  (uintmax_t)summary.messages[i].count, (intmax_t)summary.messages[i].first,
                  (intmax_t)summary.messages[i].last, summary.messages[i].example);
    text_addf(&text, "unknown %s\n", summary.unknown != NULL ? summary.unknown : "");
    return text_string(&text);
}

#endif
