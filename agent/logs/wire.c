#include "agent/logs/wire.h"

#include "agent/logs/tally.h"

#define SHAPE(name, structure)                                                                     \
    static const struct wire_shape name##_shape = WIRE_SHAPE(structure, name##_fields)

static const struct wire_field percentiles_fields[] = {
    WIRE(struct log_percentiles, count), WIRE(struct log_percentiles, p50),
    WIRE(struct log_percentiles, p95),   WIRE(struct log_percentiles, p99),
    WIRE(struct log_percentiles, max),
};
SHAPE(percentiles, struct log_percentiles);

static const struct wire_field status_fields[] = {
    WIRE(struct log_count_status, status),
    WIRE(struct log_count_status, count),
};
SHAPE(status, struct log_count_status);

static const struct wire_field state_fields[] = {
    WIRE_CHARS_OF(struct log_count_state, state),
    WIRE(struct log_count_state, count),
};
SHAPE(state, struct log_count_state);

#define GROUP(member) WIRE(struct log_group, member)
static const struct wire_field group_fields[] = {
    GROUP(name),
    GROUP(backend),
    GROUP(requests),
    GROUP(tls),
    GROUP(failed),
    GROUP(no_server),
    GROUP(retries),
    GROUP(retried),
    GROUP(redispatched),
    GROUP(queued),
    GROUP(bytes),
    GROUP(conns),
    GROUP(server_queue),
    GROUP(backend_queue),
    WIRE_MANY_OF(struct log_group, classes, &wire_u64_shape),
    WIRE_ARRAY_OF(struct log_group, statuses, status_count, &status_shape),
    WIRE_ARRAY_OF(struct log_group, states, state_count, &state_shape),
    WIRE_MANY_OF(struct log_group, timers, &percentiles_shape),
};
SHAPE(group, struct log_group);

static const struct wire_field source_fields[] = {
    WIRE(struct log_source, address),
    WIRE(struct log_source, count),
    WIRE(struct log_source, over),
};
SHAPE(source, struct log_source);

static const struct wire_field error_fields[] = {
    WIRE_CHARS_OF(struct log_error_kind, state),
    WIRE(struct log_error_kind, status),
    WIRE_ENUM_OF(struct log_error_kind, server, LOG_SERVER_COUNT),
    WIRE(struct log_error_kind, count),
    WIRE_ARRAY_OF(struct log_error_kind, sources, source_count, &source_shape),
};
SHAPE(error, struct log_error_kind);

#define FAULT(member) WIRE(struct log_fault, member)
static const struct wire_field fault_fields[] = {
    FAULT(frontend),
    FAULT(backend),
    FAULT(server),
    WIRE_CHARS_OF(struct log_fault, state),
    FAULT(status),
    WIRE_ENUM_OF(struct log_fault, server_kind, LOG_SERVER_COUNT),
    FAULT(count),
    FAULT(redispatched),
    FAULT(connected),
    FAULT(queued),
    FAULT(least_retries),
    FAULT(most_retries),
    FAULT(least_total),
    FAULT(most_total),
    FAULT(sum_total),
    FAULT(first),
    FAULT(last),
    FAULT(example),
    WIRE_ARRAY_OF(struct log_fault, sources, source_count, &source_shape),
};
SHAPE(fault, struct log_fault);

#define MESSAGE(member) WIRE(struct log_message_count, member)
static const struct wire_field message_fields[] = {
    MESSAGE(kind),  MESSAGE(proxy), MESSAGE(server),  MESSAGE(count),
    MESSAGE(first), MESSAGE(last),  MESSAGE(example),
};
SHAPE(message, struct log_message_count);

#define EARLY(member) WIRE(struct log_early, member)
static const struct wire_field early_fields[] = {
    EARLY(frontend),
    EARLY(bind),
    EARLY(reason),
    EARLY(count),
    EARLY(first),
    EARLY(last),
    WIRE_ARRAY_OF(struct log_early, sources, source_count, &source_shape),
};
SHAPE(early, struct log_early);

#define SUMMARY(member) WIRE(struct log_summary, member)
static const struct wire_field summary_fields[] = {
    SUMMARY(bytes),
    SUMMARY(lines),
    SUMMARY(skipped),
    SUMMARY(timeless),
    WIRE_MANY_OF(struct log_summary, kinds, &wire_u64_shape),
    SUMMARY(cut),
    SUMMARY(others),
    SUMMARY(first),
    SUMMARY(last),
    SUMMARY(unsorted),
    WIRE_STRUCT_OF(struct log_summary, all, &group_shape),
    WIRE_ARRAY_OF(struct log_summary, frontends, frontend_count, &group_shape),
    WIRE_ARRAY_OF(struct log_summary, backends, backend_count, &group_shape),
    WIRE_ARRAY_OF(struct log_summary, servers, server_count, &group_shape),
    WIRE_ARRAY_OF(struct log_summary, error_kinds, error_kind_count, &error_shape),
    WIRE_ARRAY_OF(struct log_summary, faults, fault_count, &fault_shape),
    WIRE_ARRAY_OF(struct log_summary, messages, message_count, &message_shape),
    WIRE_ARRAY_OF(struct log_summary, early, early_count, &early_shape),
    SUMMARY(unknown),
};
const struct wire_shape logs_wire_summary = WIRE_SHAPE(struct log_summary, summary_fields);
