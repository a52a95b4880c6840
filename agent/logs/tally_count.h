/* logs/tally_count: one request is counted; the hot end of every way to read lines, hence inline, so that each file
 * compiles it with what its processors have. For logs/tally only. */
#ifndef HAMEDIC_AGENT_LOGS_TALLY_COUNT_H
#define HAMEDIC_AGENT_LOGS_TALLY_COUNT_H

#include <string.h>

#include "agent/logs/tally_parts.h"

#define TALLY_CLASS_OF_1 2

typedef int32_t tally_ints __attribute__((vector_size(32)));
typedef float tally_floats __attribute__((vector_size(32)));

/* A float's exponent and the first three bits of its fraction are the class: octave and eighth. */
static inline void tally_classes(const int32_t *values, int32_t *out_classes)
{
    tally_ints ints, bits, classes;
    tally_floats floats;

    memcpy(&ints, values, sizeof ints);
    floats = __builtin_convertvector(ints, tally_floats);
    memcpy(&bits, &floats, sizeof bits);
    classes = (bits >> 20) - ((127 << 3) - TALLY_CLASS_OF_1);
    classes = (ints > 0) & classes;
    classes |= (ints == 0) & 1;
    memcpy(out_classes, &classes, sizeof classes);
}

static inline void tally_raise(int32_t *most, const int32_t *values)
{
    for (size_t i = 0; i < LANE_COUNT; i += 8) {
        tally_ints old, seen, larger;

        memcpy(&old, most + i, sizeof old);
        memcpy(&seen, values + i, sizeof seen);
        larger = seen > old;
        old = (seen & larger) | (old & ~larger);
        memcpy(most + i, &old, sizeof old);
    }
}

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

static inline void tally_count(struct log_tally *tally, uint32_t route,
                               const struct log_sample *sample)
{
    struct tally_route *row = &tally->route_rows[route];
    struct log_timers *timers = &tally->timers[row->timers];
    const int32_t *lanes = sample->lanes;
    int32_t classes[8];

    tally->others += route == 0;
    row->requests++;
    row->bytes += sample->bytes;
    tally_count_outcome(tally, route, sample->status << 16 | sample->state);
    tally_raise(row->most, lanes);
    tally_classes(lanes, classes);
    for (size_t timer = 0; timer < LOG_TIMER_COUNT; timer++)
        timers->classes[timer][classes[timer]]++;
    if (lanes[LANE_RETRIES] > 0) {
        row->retries += (uint32_t)lanes[LANE_RETRIES];
        row->retried++;
        row->redispatched += sample->is_redispatched;
    }
    row->queued += lanes[LANE_SERVER_QUEUE] > 0 || lanes[LANE_BACKEND_QUEUE] > 0;
    if (log_tally_is_error_packed(sample->state, sample->status))
        log_tally_error(tally, route, sample);
}

#endif
