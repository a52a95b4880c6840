#include "agent/logs/tally_parts.h"

#include <stdio.h>
#include <string.h>

#include "agent/logs/message.h"

void log_tally_see(struct tally_seen *seen, int64_t time)
{
    if (seen->count++ == 0)
        seen->first = seen->last = LOG_NO_TIME;
    if (time == LOG_NO_TIME)
        return;
    if (seen->first == LOG_NO_TIME || time < seen->first)
        seen->first = time;
    if (time > seen->last)
        seen->last = time;
}

void log_tally_merge_seen(struct tally_seen *into, const struct tally_seen *from)
{
    if (into->count == 0) {
        *into = *from;
        return;
    }
    into->count += from->count;
    if (from->count == 0 || from->first == LOG_NO_TIME)
        return;
    if (into->first == LOG_NO_TIME || from->first < into->first)
        into->first = from->first;
    if (from->last > into->last)
        into->last = from->last;
}

static void keep_example(struct tally_example *example, struct span line)
{
    example->len = (uint32_t)(line.len < LOG_TALLY_EXAMPLE ? line.len : LOG_TALLY_EXAMPLE);
    example->cut =
        (uint32_t)(line.len - example->len < UINT32_MAX ? line.len - example->len : UINT32_MAX);
    if (example->len > 0)
        memcpy(example->bytes, line.ptr, example->len);
}

uint32_t log_tally_fault(struct log_tally *tally, uint32_t route, uint32_t key)
{
    uint64_t mixed = ((uint64_t)route << 32 | key) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t slot = (uint32_t)(mixed >> 40) % TALLY_FAULT_SLOTS;

    for (; tally->fault_slots[slot].row != 0; slot = (slot + 1) % TALLY_FAULT_SLOTS)
        if (tally->fault_slots[slot].route == route && tally->fault_slots[slot].key == key)
            return tally->fault_slots[slot].row;
    if (tally->fault_count == LOG_TALLY_FAULTS)
        return 0;
    tally->faults[tally->fault_count].route = route;
    tally->faults[tally->fault_count].key = key;
    tally->fault_slots[slot] =
        (struct tally_fault_slot){.route = route, .key = key, .row = tally->fault_count};
    log_sources_init(&tally->fault_sources[tally->fault_count], LOG_TALLY_AT_FAULT, tally->arena);
    return tally->fault_count++;
}

uint32_t log_tally_kind(struct log_tally *tally, uint32_t pair, uint32_t status,
                        enum log_server_kind server)
{
    for (uint32_t i = 1; i < tally->error_kind_count; i++) {
        const struct tally_kind *kind = &tally->error_kinds[i];

        if (kind->pair == pair && kind->status == status && kind->server == server)
            return i;
    }
    if (tally->error_kind_count == LOG_TALLY_KINDS)
        return 0;
    tally->error_kinds[tally->error_kind_count] =
        (struct tally_kind){.pair = pair, .status = status, .server = server};
    log_sources_init(&tally->error_kinds[tally->error_kind_count].sources, LOG_TALLY_SOURCES,
                     tally->arena);
    return tally->error_kind_count++;
}

static void count_fault(struct tally_fault *fault, const struct log_sample *sample)
{
    int32_t total = sample->lanes[LANE_TA] < 0 ? 0 : sample->lanes[LANE_TA];
    int32_t retries = sample->lanes[LANE_RETRIES] < 0 ? 0 : sample->lanes[LANE_RETRIES];

    if (fault->seen.count == 0) {
        fault->least_retries = retries;
        fault->least_total = total;
    }
    log_tally_see(&fault->seen, sample->time);
    fault->redispatched += sample->is_redispatched;
    fault->connected += sample->lanes[LANE_TC] >= 0;
    fault->queued += sample->lanes[LANE_SERVER_QUEUE] > 0 || sample->lanes[LANE_BACKEND_QUEUE] > 0;
    fault->sum_total += (uint64_t)total;
    if (retries < fault->least_retries)
        fault->least_retries = retries;
    if (retries > fault->most_retries)
        fault->most_retries = retries;
    if (total < fault->least_total)
        fault->least_total = total;
    if (total > fault->most_total)
        fault->most_total = total;
    keep_example(&fault->example, sample->line);
}

static struct span address_of(const struct log_sample *sample)
{
    struct span address = sample->client;

    if (!sample->has_port)
        return address;
    while (address.len > 0 && address.ptr[address.len - 1] != ':')
        address.len--;
    if (address.len > 0)
        address.len--;
    return address;
}

void log_tally_error(struct log_tally *tally, uint32_t route, const struct log_sample *sample)
{
    uint32_t pair = sample->state >> 8;
    uint32_t row = log_tally_fault(tally, route, sample->status << 16 | pair);
    struct tally_fault *fault = &tally->faults[row];
    struct span address = address_of(sample);
    uint32_t kind = fault->kind;

    if (kind == 0) {
        kind = log_tally_kind(tally, pair, sample->status, tally->route_rows[route].server_kind);
        if (row != 0) /* the shared row is of all kinds */
            fault->kind = kind;
    }
    count_fault(fault, sample);
    tally->error_kinds[kind].count++;
    log_sources_add(&tally->fault_sources[row], address);
    log_sources_add(&tally->error_kinds[kind].sources, address);
}

/* Known or new; the others' where there is no room. */
struct tally_early *log_tally_early_row(struct log_tally *tally, struct span name)
{
    uint32_t known = tally->early.count;
    uint32_t index = log_names_add(&tally->early, name, log_names_hash(name));

    if (index == LOG_NAMES_NONE)
        index = 0;
    if (index >= known)
        log_sources_init(&tally->early_rows[index].sources, LOG_TALLY_SOURCES, tally->arena);
    return &tally->early_rows[index];
}

/* "fe/bind: why" as it stands in the line: names, separators and text are in one piece. */
void log_tally_early(struct log_tally *tally, const struct log_line *line)
{
    struct span name = {line->frontend.ptr,
                        (size_t)(line->message.ptr + line->message.len - line->frontend.ptr)};
    struct tally_early *row = log_tally_early_row(tally, name);

    log_tally_see(&row->seen, line->time);
    log_sources_add(&row->sources, line->client);
}

/* "kind proxy/server"; names are HAProxy's: without blanks and slashes. */
static struct span message_name(const struct log_message *message, char *room, size_t size)
{
    int len = snprintf(room, size, "%s %.*s/%.*s", log_message_word(message->kind),
                       (int)message->proxy.len, message->proxy.ptr, (int)message->server.len,
                       message->server.ptr);

    return (struct span){room, len < 0 ? 0 : (size_t)len < size ? (size_t)len : size};
}

void log_tally_unknown(struct log_tally *tally, const struct log_line *line)
{
    if (line->payload.len > 0)
        keep_example(&tally->unknown, line->payload);
}

/* A name that does not fit is too long for the table, too. */
void log_tally_message(struct log_tally *tally, const struct log_line *line)
{
    char room[LOG_TALLY_NAME_MAX + 2];
    struct log_message message = {.kind = LOG_MESSAGE_OTHER};
    struct span name;
    struct tally_message *row;
    uint32_t index;

    if (!log_message_classify(line->message, &message))
        message = (struct log_message){.kind = LOG_MESSAGE_OTHER};
    name = message_name(&message, room, sizeof room);
    index = log_names_add(&tally->messages, name, log_names_hash(name));
    row = &tally->message_rows[index == LOG_NAMES_NONE ? 0 : index];
    log_tally_see(&row->seen, line->time);
    keep_example(&row->example, line->message);
}
