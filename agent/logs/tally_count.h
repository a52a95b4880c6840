/* logs/tally_count: one request is counted; the hot end of every way to read lines, hence inline, so that each file
 * compiles it with what its processors have. For logs/tally only. */
#ifndef HAMEDIC_AGENT_LOGS_TALLY_COUNT_H
#define HAMEDIC_AGENT_LOGS_TALLY_COUNT_H

#include <string.h>

#include "agent/logs/tally_parts.h"

#define TALLY_CLASS_OF_16 17

typedef int32_t tally_lanes __attribute__((vector_size(64)));
typedef int32_t tally_ints __attribute__((vector_size(32)));
typedef uint32_t tally_unsigned __attribute__((vector_size(32)));
typedef float tally_floats __attribute__((vector_size(32)));

/* Below 16 each value is a class of its own. Above, a float's exponent and the first three bits of its fraction are
 * the class: octave and eighth. */
static inline void tally_classes(const int32_t *values, int32_t *out_classes)
{
    tally_ints ints, bits, small;
    tally_floats floats;

    memcpy(&ints, values, sizeof ints);
    floats = __builtin_convertvector(ints, tally_floats);
    memcpy(&bits, &floats, sizeof bits);
    bits = (bits >> 20) - (((127 + 4) << 3) - TALLY_CLASS_OF_16);
    /* What is too large for this is not taken from it. */
    small = (tally_ints)((tally_unsigned)(((ints >= 0) & ints) + (ints < 0)) + 1);
    ints = ints < 16;
    bits = (ints & small) | (~ints & bits);
    memcpy(out_classes, &bits, sizeof bits);
}

static inline void tally_raise(int32_t *most, const int32_t *values)
{
    tally_lanes old, seen, larger;

    memcpy(&old, most, sizeof old);
    memcpy(&seen, values, sizeof seen);
    larger = seen > old;
    old = (seen & larger) | (old & ~larger);
    memcpy(most, &old, sizeof old);
}
_Static_assert(LANE_COUNT * sizeof(int32_t) == sizeof(tally_lanes), "all lanes at once");

static inline uint32_t tally_mix(uint32_t key)
{
    return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 40);
}

/* Few pairs of status and state make nearly all of a log: those are counted in an array of the route's. */
static inline void tally_count_outcome(struct log_tally *tally, uint32_t route, uint32_t key)
{
    const struct tally_usual *usual = &tally->usual[tally_mix(key) % TALLY_USUAL_SLOTS];

    if (usual->key == key)
        tally->route_outcomes[route][usual->index]++;
    else
        log_tally_add_outcome(tally, route, key, 1);
}

static inline void tally_count_timers(const struct tally_route *row, const int32_t *lanes)
{
    struct log_timers *timed = row->timed, *front = row->front;
    int32_t classes[8];

    tally_classes(lanes, classes);
#pragma GCC unroll 8
    for (size_t timer = 0; timer < LOG_TIMER_COUNT; timer++) {
        timed->classes[timer][(uint32_t)classes[timer]]++;
        front->classes[timer][(uint32_t)classes[timer]]++;
    }
}

static inline void tally_count_retries(struct tally_route *row, const int32_t *lanes,
                                       bool is_redispatched)
{
    if (lanes[LANE_RETRIES] > 0) {
        row->retries += (uint32_t)lanes[LANE_RETRIES];
        row->retried++;
        row->redispatched += is_redispatched;
    }
    row->queued += lanes[LANE_SERVER_QUEUE] > 0 || lanes[LANE_BACKEND_QUEUE] > 0;
}

static inline void tally_count(struct log_tally *tally, uint32_t route,
                               const struct log_sample *sample)
{
    struct tally_route *row = &tally->route_rows[route];

    tally->others += route == 0;
    row->requests++;
    row->bytes += sample->bytes;
    tally_count_outcome(tally, route, sample->status << 16 | sample->state);
    tally_raise(row->most, sample->lanes);
    tally_count_timers(row, sample->lanes);
    tally_count_retries(row, sample->lanes, sample->is_redispatched);
    if (log_tally_is_error_packed(sample->state, sample->status))
        log_tally_error(tally, route, sample);
}

#endif
