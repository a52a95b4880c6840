/* The report as JSON: hamedic/logs/1, described by plans/logs.schema.json. */
#include "agent/logs/report.h"

#include <string.h>
#include <time.h>

#include "agent/logs/words.h"
#include "plans/base/escape.h"
#include "plans/base/json.h"

/* Counts are 64 bits without sign, JSON's integers 63. */
static void set_count(struct json *object, const char *key, uint64_t count)
{
    json_set_int(object, key, count > INT64_MAX ? INT64_MAX : (int64_t)count);
}

/* "2026-11-28T09:14:02.120Z"; null where there is none. */
static void set_time(struct json *object, const char *key, int64_t time, struct arena *arena)
{
    time_t seconds = (time_t)(time / 1000);
    struct tm tm;
    char day[32];

    if (time == LOG_NO_TIME || time < 0 || gmtime_r(&seconds, &tm) == NULL ||
        strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
        json_set_string(object, key, NULL);
        return;
    }
    json_set_string(object, key, arena_printf(arena, "%s.%03dZ", day, (int)(time % 1000)));
}

static void append_strings(struct json *list, const struct strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        json_append(list, json_string(strings->at[i]));
}

static struct json *sources_json(const struct log_source *sources, size_t count)
{
    struct json *list = json_array();

    for (size_t i = 0; i < count; i++) {
        struct json *source = json_object();
        json_set_string(source, "address", sources[i].address);
        set_count(source, "count", sources[i].count);
        set_count(source, "at_most_too_high", sources[i].over);
        json_append(list, source);
    }
    return list;
}

/* A status below 0: ended without one; none at all in TCP. */
static void set_status(struct json *object, int32_t status)
{
    if (status == LOG_LINE_NONE)
        json_set_string(object, "status", NULL);
    else
        json_set_int(object, "status", status);
}

static struct json *timers_json(const struct log_group *group)
{
    struct json *timers = json_object();

    for (int i = 0; i < LOG_TIMER_COUNT; i++) {
        const struct log_percentiles *times = &group->timers[i];
        struct json *timer = json_object();
        if (times->count == 0) {
            json_free(timer);
            continue;
        }
        set_count(timer, "count", times->count);
        json_set_int(timer, "p50", times->p50);
        json_set_int(timer, "p95", times->p95);
        json_set_int(timer, "p99", times->p99);
        json_set_int(timer, "max", times->max);
        json_set(timers, log_words_timer_name(i), timer);
    }
    return timers;
}

static struct json *group_json(const struct log_group *group)
{
    struct json *object = json_object();
    struct json *statuses = json_array();
    struct json *states = json_array();

    for (size_t i = 0; i < group->status_count; i++) {
        struct json *status = json_object();
        set_status(status, group->statuses[i].status);
        set_count(status, "count", group->statuses[i].count);
        json_append(statuses, status);
    }
    for (size_t i = 0; i < group->state_count; i++) {
        struct json *state = json_object();
        json_set_string(state, "state", group->states[i].state);
        set_count(state, "count", group->states[i].count);
        json_append(states, state);
    }
    if (group->backend != NULL)
        json_set_string(object, "backend", group->backend);
    if (group->name != NULL)
        json_set_string(object, "name", group->name);
    set_count(object, "requests", group->requests);
    set_count(object, "tls", group->tls);
    set_count(object, "failed", group->failed);
    set_count(object, "no_server", group->no_server);
    set_count(object, "retries", group->retries);
    set_count(object, "retried", group->retried);
    set_count(object, "redispatched", group->redispatched);
    set_count(object, "queued", group->queued);
    set_count(object, "bytes", group->bytes);
    json_set_int(object, "connections_most", group->conns);
    json_set_int(object, "server_queue_most", group->server_queue);
    json_set_int(object, "backend_queue_most", group->backend_queue);
    json_set(object, "statuses", statuses);
    json_set(object, "states", states);
    json_set(object, "timers", timers_json(group));
    return object;
}

static struct json *groups_json(const struct log_group *groups, size_t count)
{
    struct json *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_append(list, group_json(&groups[i]));
    return list;
}

static const char *const server_words[LOG_SERVER_COUNT] = {
    [LOG_SERVER_NAMED] = "chosen", [LOG_SERVER_NONE] = "none", [LOG_SERVER_APPLET] = "applet"};

static struct json *error_kinds_json(const struct log_summary *summary)
{
    struct json *list = json_array();

    for (size_t i = 0; i < summary->error_kind_count; i++) {
        const struct log_error_kind *kind = &summary->error_kinds[i];
        struct json *object = json_object();
        json_set_string(object, "state", kind->state);
        set_status(object, kind->status);
        json_set_string(object, "server", server_words[kind->server]);
        json_set_string(
            object, "meaning",
            log_words_state(kind->state, kind->status, kind->server != LOG_SERVER_NONE));
        set_count(object, "count", kind->count);
        json_set(object, "clients", sources_json(kind->sources, kind->source_count));
        json_append(list, object);
    }
    return list;
}

static struct json *faults_json(const struct log_summary *summary, struct arena *arena)
{
    struct json *list = json_array();

    for (size_t i = 0; i < summary->fault_count; i++) {
        const struct log_fault *fault = &summary->faults[i];
        struct json *object = json_object();
        json_set_string(object, "frontend", fault->frontend);
        json_set_string(object, "backend", fault->backend);
        json_set_string(object, "server", fault->server);
        json_set_string(object, "state", fault->state);
        set_status(object, fault->status);
        set_count(object, "count", fault->count);
        set_count(object, "redispatched", fault->redispatched);
        set_count(object, "connected", fault->connected);
        set_count(object, "queued", fault->queued);
        json_set_int(object, "retries_least", fault->least_retries);
        json_set_int(object, "retries_most", fault->most_retries);
        json_set_int(object, "milliseconds_least", fault->least_total);
        json_set_int(object, "milliseconds_most", fault->most_total);
        set_time(object, "first", fault->first, arena);
        set_time(object, "last", fault->last, arena);
        json_set_string(object, "example", fault->example);
        json_set(object, "clients", sources_json(fault->sources, fault->source_count));
        json_append(list, object);
    }
    return list;
}

static struct json *early_json(const struct log_summary *summary, struct arena *arena)
{
    struct json *list = json_array();

    for (size_t i = 0; i < summary->early_count; i++) {
        const struct log_early *early = &summary->early[i];
        struct json *object = json_object();
        json_set_string(object, "frontend", early->frontend);
        json_set_string(object, "bind", early->bind);
        json_set_string(object, "reason", early->reason);
        set_count(object, "count", early->count);
        set_time(object, "first", early->first, arena);
        set_time(object, "last", early->last, arena);
        json_set(object, "clients", sources_json(early->sources, early->source_count));
        json_append(list, object);
    }
    return list;
}

static struct json *messages_json(const struct log_summary *summary, struct arena *arena)
{
    struct json *list = json_array();

    for (size_t i = 0; i < summary->message_count; i++) {
        const struct log_message_count *message = &summary->messages[i];
        struct json *object = json_object();
        json_set_string(object, "kind", message->kind);
        json_set_string(object, "proxy", message->proxy);
        json_set_string(object, "server", message->server);
        set_count(object, "count", message->count);
        set_time(object, "first", message->first, arena);
        set_time(object, "last", message->last, arena);
        json_set_string(object, "example", message->example);
        json_append(list, object);
    }
    return list;
}

static struct json *lines_json(const struct log_report *report)
{
    static const char *const names[LOG_KIND_COUNT] = {
        [LOG_KIND_HTTP] = "http",        [LOG_KIND_TCP] = "tcp",
        [LOG_KIND_CLF] = "http_clf",     [LOG_KIND_TCP_CLF] = "tcp_clf",
        [LOG_KIND_HTTPS] = "https",      [LOG_KIND_HTTPCLIENT] = "httpclient",
        [LOG_KIND_ERROR_LINE] = "early", [LOG_KIND_CONNECT_FROM] = "connect_from",
        [LOG_KIND_MESSAGE] = "message",  [LOG_KIND_OTHER] = "other_program",
        [LOG_KIND_UNKNOWN] = "unknown",
    };
    const struct log_summary *summary = report->summary;
    struct json *lines = json_object();

    set_count(lines, "all", summary->lines);
    set_count(lines, "outside", summary->skipped);
    set_count(lines, "cut", summary->cut);
    set_count(lines, "too_long", report->reading->long_lines);
    set_count(lines, "unsorted", summary->unsorted);
    set_count(lines, "without_time", summary->timeless);
    for (size_t i = 0; i < LOG_KIND_COUNT; i++)
        set_count(lines, names[i], summary->kinds[i]);
    return lines;
}

const char *log_report_json(const struct log_report *report, struct arena *arena)
{
    const struct log_summary *summary = report->summary;
    const struct log_reading *reading = report->reading;
    struct json *root CLEANUP_JSON = json_object();
    struct json *notes = json_array(), *names = json_array();

    append_strings(notes, &reading->notes);
    append_strings(notes, &report->notes);
    for (size_t i = 0; i < report->sources.count; i++)
        json_append(names, json_string(escape_string(arena, report->sources.at[i])));
    json_set_string(root, "schema", LOG_REPORT_SCHEMA);
    json_set(root, "read", names);
    set_count(root, "rotated_not_needed", report->unread);
    set_time(root, "since", reading->options.since, arena);
    set_time(root, "until", reading->options.until, arena);
    set_time(root, "first", summary->first, arena);
    set_time(root, "last", summary->last, arena);
    set_count(root, "bytes", reading->bytes);
    json_set_bool(root, "complete", !reading->is_late && reading->failures == 0);
    json_set(root, "notes", notes);
    json_set(root, "lines", lines_json(report));
    json_set_string(root, "unknown_example", summary->unknown);
    json_set(root, "all", group_json(&summary->all));
    json_set(root, "failures", error_kinds_json(summary));
    json_set(root, "faults", faults_json(summary, arena));
    json_set(root, "early", early_json(summary, arena));
    json_set(root, "messages", messages_json(summary, arena));
    json_set(root, "servers", groups_json(summary->servers, summary->server_count));
    json_set(root, "backends", groups_json(summary->backends, summary->backend_count));
    json_set(root, "frontends", groups_json(summary->frontends, summary->frontend_count));
    return json_write(root, true, arena);
}
