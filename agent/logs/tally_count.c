#include "agent/logs/tally_parts.h"

static uint32_t mix(uint32_t route, uint32_t key)
{
    uint64_t mixed = ((uint64_t)route << 32 | key) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(mixed >> 40);
}

/* The row of a route's requests with this status and state; 0 where there is no more room. */
uint32_t log_tally_outcome(struct log_tally *tally, uint32_t route, uint32_t key)
{
    uint32_t slot = mix(route, key) % TALLY_OUTCOME_SLOTS;

    for (; tally->outcome_slots[slot] != 0; slot = (slot + 1) % TALLY_OUTCOME_SLOTS) {
        uint32_t row = tally->outcome_slots[slot];

        if (tally->outcomes[row].route == route && tally->outcomes[row].key == key)
            return row;
    }
    if (tally->outcome_count == LOG_TALLY_OUTCOMES)
        return 0;
    tally->outcomes[tally->outcome_count] = (struct tally_outcome){.route = route, .key = key};
    tally->outcome_slots[slot] = tally->outcome_count;
    return tally->outcome_count++;
}

/* Statuses and states of everything stay exact also when the rows are used up. */
void log_tally_lose(struct log_tally *tally, uint32_t key, uint64_t count)
{
    tally->lost_statuses[key >> 16] += count;
    tally->lost_states[key & 0xffff] += count;
}

static void count_outcome(struct log_tally *tally, uint32_t route, uint32_t key)
{
    struct tally_route *row = &tally->route_rows[route];

    /* Most requests of a route come to the same as the one before. */
    if (row->outcome == 0 || row->outcome_key != key) {
        row->outcome = log_tally_outcome(tally, route, key);
        row->outcome_key = key;
    }
    if (row->outcome == 0)
        log_tally_lose(tally, key, 1);
    else
        tally->outcomes[row->outcome].count++;
}

static void raise_to(uint32_t *most, uint32_t value)
{
    if (value > *most)
        *most = value;
}

static void count_load(struct log_tally *tally, struct tally_route *row,
                       const struct log_sample *sample)
{
    raise_to(&tally->actconn, sample->actconn);
    raise_to(&row->feconn, sample->feconn);
    raise_to(&row->beconn, sample->beconn);
    raise_to(&row->srvconn, sample->srvconn);
    row->redispatched += sample->is_redispatched;
    row->retries += sample->retries;
    row->retried += sample->retries > 0;
    if ((sample->server_queue | sample->backend_queue) != 0) {
        row->queued++;
        raise_to(&row->server_queue, sample->server_queue);
        raise_to(&row->backend_queue, sample->backend_queue);
    }
}

void log_tally_request(struct log_tally *tally, const struct log_sample *sample)
{
    uint32_t route = log_tally_route(tally, sample->route);
    struct tally_route *row = &tally->route_rows[route];
    struct log_timers *timers = &tally->timers[row->timers];

    tally->others += route == 0;
    row->requests++;
    row->bytes += sample->bytes;
    count_outcome(tally, route, sample->status << 16 | sample->state);
    count_load(tally, row, sample);
    for (enum log_timer timer = LOG_TIMER_TR; timer < LOG_TIMER_COUNT; timer++)
        log_timers_add(timers, timer, sample->timers[timer]);
    if (log_tally_is_error_packed(sample->state, sample->status))
        log_tally_error(tally, route, sample);
}
