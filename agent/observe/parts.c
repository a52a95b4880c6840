#include "agent/observe/parts.h"

#include "agent/logs/wire.h"

/* A collector's own deadline comes first, and tells more. */
enum {
    SPARE_MS = 1000,
    AUDIT_MS = 10000,
    ANSWERS_MS = 3000,
    JOURNAL_MS = 10000,
    SMALL = 1024 * 1024,
    LARGE = 64 * 1024 * 1024
};

#define SHAPE(name, structure)                                                                     \
    static const struct wire_shape name##_shape = WIRE_SHAPE(structure, name##_fields)

/* ---- stats ---- */

static const struct wire_field info_field_fields[] = {
    WIRE(struct haproxy_info_field, key),
    WIRE(struct haproxy_info_field, value),
};
SHAPE(info_field, struct haproxy_info_field);
static const struct wire_field info_fields[] = {
    WIRE_ARRAY_OF(struct haproxy_info, fields, field_count, &info_field_shape),
};
SHAPE(info, struct haproxy_info);

#define STAT(member) WIRE(struct haproxy_stat, member)
static const struct wire_field stat_fields[] = {
    WIRE_ENUM_OF(struct haproxy_stat, type, STAT_LISTENER + 1),
    STAT(proxy),
    STAT(name),
    STAT(status),
    STAT(check_status),
    STAT(last_check),
    STAT(check_description),
    STAT(agent_status),
    STAT(last_agent),
    STAT(address),
    STAT(tracked),
    STAT(mode),
    STAT(queue),
    STAT(queue_max),
    STAT(sessions),
    STAT(sessions_max),
    STAT(session_limit),
    STAT(sessions_total),
    STAT(queue_limit),
    STAT(requests_denied),
    STAT(responses_denied),
    STAT(request_errors),
    STAT(response_errors),
    STAT(connect_errors),
    STAT(retries),
    STAT(redispatches),
    STAT(weight),
    STAT(active),
    STAT(backup),
    STAT(check_failures),
    STAT(check_downs),
    STAT(rate),
    STAT(rate_limit),
    STAT(rate_max),
    STAT(responses_1xx),
    STAT(responses_2xx),
    STAT(responses_3xx),
    STAT(responses_4xx),
    STAT(responses_5xx),
    STAT(responses_other),
    STAT(observed_failures),
    STAT(requests_total),
    STAT(client_aborts),
    STAT(server_aborts),
    STAT(queue_ms),
    STAT(connect_ms),
    STAT(response_ms),
    STAT(total_ms),
    STAT(check_code),
    STAT(check_ms),
    STAT(agent_ms),
    STAT(check_rise),
    STAT(check_fall),
    STAT(check_health),
    STAT(last_change),
    STAT(id),
};
SHAPE(stat, struct haproxy_stat);
static const struct wire_field resolver_fields[] = {
    WIRE(struct haproxy_resolver, section),  WIRE(struct haproxy_resolver, nameserver),
    WIRE(struct haproxy_resolver, sent),     WIRE(struct haproxy_resolver, send_errors),
    WIRE(struct haproxy_resolver, valid),    WIRE(struct haproxy_resolver, no_such_name),
    WIRE(struct haproxy_resolver, timeouts), WIRE(struct haproxy_resolver, refused),
};
SHAPE(resolver, struct haproxy_resolver);
static const struct wire_field stats_fields[] = {
    WIRE_ARRAY_OF(struct facts, resolvers, resolver_count, &resolver_shape),
    WIRE_STRUCT_OF(struct facts, info, &info_shape),
    WIRE_ARRAY_OF(struct facts, stats, stat_count, &stat_shape),
};
SHAPE(stats, struct facts);

/* ---- master ---- */

static const struct wire_field proc_fields[] = {
    WIRE(struct haproxy_proc, failed_reloads),
    WIRE(struct haproxy_proc, reloads),
    WIRE(struct haproxy_proc, worker),
};
SHAPE(proc, struct haproxy_proc);
static const struct wire_field master_fields[] = {
    WIRE_STRUCT_OF(struct facts, master, &proc_shape),
};
SHAPE(master, struct facts);

/* ---- audit ---- */

static const struct wire_field denial_fields[] = {
    WIRE(struct denial, permission),  WIRE(struct denial, object),
    WIRE(struct denial, port),        WIRE(struct denial, source_type),
    WIRE(struct denial, target_type), WIRE(struct denial, permissive),
    WIRE(struct denial, comm),        WIRE(struct denial, exe),
    WIRE(struct denial, pid),         WIRE(struct denial, count),
    WIRE(struct denial, first),       WIRE(struct denial, last),
};
SHAPE(denial, struct denial);
static const struct wire_field denials_fields[] = {
    WIRE_ARRAY_OF(struct denials, at, count, &denial_shape),
    WIRE(struct denials, left_out),
    WIRE(struct denials, damaged),
    WIRE(struct denials, since),
};
SHAPE(denials, struct denials);
static const struct wire_field audit_fields[] = {
    WIRE_STRUCT_OF(struct facts, denials, &denials_shape),
};
SHAPE(audit, struct facts);

/* ---- logs ---- */

static const struct wire_field log_facts_fields[] = {
    WIRE_STRUCT_OF(struct log_facts, summary, &logs_wire_summary),
    WIRE(struct log_facts, since),
    WIRE(struct log_facts, where),
    WIRE(struct log_facts, missing),
    WIRE(struct log_facts, unknown),
};
SHAPE(log_facts, struct log_facts);
static const struct wire_field logs_fields[] = {
    WIRE_STRUCT_OF(struct facts, logs, &log_facts_shape),
};
SHAPE(logs, struct facts);
/* ---- answers ---- */

static const struct wire_field asked_fields[] = {
    WIRE(struct asked, backend),      WIRE(struct asked, server),
    WIRE(struct asked, address),      WIRE(struct asked, port),
    WIRE(struct asked, question),     WIRE_ENUM_OF(struct asked, said, ASKED_SAID_COUNT),
    WIRE(struct asked, status),       WIRE(struct asked, text),
    WIRE(struct asked, milliseconds), WIRE_ENUM_OF(struct asked, tls, TLS_COUNT),
    WIRE(struct asked, tls_text),     WIRE(struct asked, tls_was_a_try),
    WIRE(struct asked, wanted_by),    WIRE(struct asked, wanted),
    WIRE(struct asked, error),
};
SHAPE(asked, struct asked);
static const struct wire_field answers_fields[] = {
    WIRE_ARRAY_OF(struct facts, asked, asked_count, &asked_shape),
};
SHAPE(answers, struct facts);
/* ---- errors ---- */

static const struct wire_field capture_fields[] = {
    WIRE(struct haproxy_capture, is_response),
    WIRE_ENUM_OF(struct haproxy_capture, begins, CAPTURE_BEGINS_COUNT),
    WIRE(struct haproxy_capture, proxy),
    WIRE(struct haproxy_capture, other),
    WIRE(struct haproxy_capture, server),
    WIRE(struct haproxy_capture, client),
    WIRE(struct haproxy_capture, time),
    WIRE(struct haproxy_capture, age),
    WIRE(struct haproxy_capture, length),
    WIRE(struct haproxy_capture, position),
};
SHAPE(capture, struct haproxy_capture);
static const struct wire_field errors_fields[] = {
    WIRE_ARRAY_OF(struct facts, captures, capture_count, &capture_shape),
};
SHAPE(errors, struct facts);
/* ---- journal ---- */

static const struct wire_field message_fields[] = {
    WIRE_ENUM_OF(struct haproxy_message, kind, LOG_MESSAGE_KINDS),
    WIRE_ENUM_OF(struct haproxy_message, level, LOG_LEVEL_ALERT + 1),
    WIRE(struct haproxy_message, of_systemd),
    WIRE(struct haproxy_message, time),
    WIRE(struct haproxy_message, writer),
    WIRE(struct haproxy_message, proxy),
    WIRE(struct haproxy_message, server),
    WIRE(struct haproxy_message, address),
    WIRE(struct haproxy_message, file),
    WIRE(struct haproxy_message, reason),
    WIRE(struct haproxy_message, port),
    WIRE(struct haproxy_message, line),
    WIRE(struct haproxy_message, error),
    WIRE(struct haproxy_message, code),
    WIRE(struct haproxy_message, worker),
    WIRE(struct haproxy_message, need),
    WIRE(struct haproxy_message, limit),
    WIRE(struct haproxy_message, text),
};
SHAPE(message, struct haproxy_message);
static const struct wire_field messages_fields[] = {
    WIRE_ARRAY_OF(struct haproxy_messages, at, count, &message_shape),
    WIRE(struct haproxy_messages, left_out),
    WIRE(struct haproxy_messages, from),
};
SHAPE(messages, struct haproxy_messages);
static const struct wire_field journal_fields[] = {
    WIRE_STRUCT_OF(struct facts, messages, &messages_shape),
};
SHAPE(journal, struct facts);

static const struct part parts[SOURCE_COUNT] = {
    [SOURCE_LOGS] = {&logs_shape, collect_open_logs, LOGS_READ_MS + SPARE_MS, LARGE},
    [SOURCE_STATS] = {&stats_shape, collect_open_stats, HAPROXY_API_DEADLINE_MS + SPARE_MS, LARGE},
    [SOURCE_MASTER] = {&master_shape, collect_open_master, HAPROXY_API_DEADLINE_MS + SPARE_MS,
                       SMALL},
    [SOURCE_ANSWER] = {&answers_shape, collect_open_answers, ANSWERS_MS, SMALL},
    [SOURCE_ERRORS] = {&errors_shape, collect_open_errors, HAPROXY_API_DEADLINE_MS + SPARE_MS,
                       SMALL},
    [SOURCE_AUDIT] = {&audit_shape, collect_open_audit, AUDIT_MS, SMALL},
    [SOURCE_JOURNAL] = {&journal_shape, collect_open_journal, JOURNAL_MS, SMALL},
};

const struct part *part_of(enum source_id id)
{
    return parts[id].shape != NULL ? &parts[id] : NULL;
}
