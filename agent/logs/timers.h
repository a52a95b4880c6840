/* logs/timers: how long things took, in classes; for logs/tally only.
 * Shapes:  milliseconds >= 0. Classes are exact below 16, above an eighth of an octave each; 2^27 ms (37 hours)
 *          and more share the last one.
 */
#ifndef HAMEDIC_AGENT_LOGS_TIMERS_H
#define HAMEDIC_AGENT_LOGS_TIMERS_H

#include "agent/logs/tally.h"

#define LOG_TIMERS_EIGHTHS 8
#define LOG_TIMERS_OCTAVES 24 /* 8..15 is the first, 2^26..2^27-1 the last */
#define LOG_TIMERS_CLASSES (LOG_TIMERS_EIGHTHS * (LOG_TIMERS_OCTAVES + 1) + 1)

struct log_timers {
    uint32_t classes[LOG_TIMER_COUNT][LOG_TIMERS_CLASSES];
    int32_t max[LOG_TIMER_COUNT];
};

static inline uint32_t log_timers_class(uint32_t value)
{
    unsigned octave;

    if (value < LOG_TIMERS_EIGHTHS)
        return value;
    octave = 31U - (unsigned)__builtin_clz(value) - 3U;
    if (octave >= LOG_TIMERS_OCTAVES)
        return LOG_TIMERS_CLASSES - 1;
    return LOG_TIMERS_EIGHTHS * octave + (value >> octave);
}

/* A value below 0 was never reached, and is not counted. */
static inline void log_timers_add(struct log_timers *timers, enum log_timer timer, int32_t value)
{
    if (value < 0)
        return;
    timers->classes[timer][log_timers_class((uint32_t)value)]++;
    if (value > timers->max[timer])
        timers->max[timer] = value;
}

void log_timers_merge(struct log_timers *into, const struct log_timers *from);
void log_timers_percentiles(const struct log_timers *timers, enum log_timer timer,
                            struct log_percentiles *out);

#endif
