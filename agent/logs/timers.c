#include "agent/logs/timers.h"

#include "agent/logs/tally_count.h"

void log_timers_merge(struct log_timers *into, const struct log_timers *from)
{
    for (size_t timer = 0; timer < LOG_TIMER_COUNT; timer++)
        for (size_t i = 0; i < LOG_TIMERS_CLASSES; i++)
            into->classes[timer][i] += from->classes[timer][i];
}

/* The middle of a class (tally_count.h makes them): at most half its width, a sixteenth of its begin, away from
 * what was counted there. */
static int64_t middle_of(size_t class)
{
    size_t octave = 4 + (class - TALLY_CLASS_OF_16) / 8, eighth = (class - TALLY_CLASS_OF_16) % 8;
    int64_t begin, width;

    if (class < TALLY_CLASS_OF_16)
        return (int64_t) class - 1;
    begin = (int64_t)((8 + eighth) << octave) / 8;
    width = (INT64_C(1) << octave) / 8;
    return begin + (width - 1) / 2;
}

/* The smallest value that at least `percent` of a hundred values do not exceed. */
static int64_t percentile(const uint32_t *classes, uint64_t count, unsigned percent, int64_t max)
{
    uint64_t rank = count - count * (100 - percent) / 100;
    uint64_t seen = 0;

    for (size_t i = 1; i < LOG_TIMERS_CLASSES; i++) {
        seen += classes[i];
        if (seen >= rank)
            return middle_of(i) < max ? middle_of(i) : max;
    }
    return max;
}

void log_timers_percentiles(const struct log_timers *timers, enum log_timer timer, int64_t max,
                            struct log_percentiles *out)
{
    const uint32_t *classes = timers->classes[timer];
    uint64_t count = 0;

    for (size_t i = 1; i < LOG_TIMERS_CLASSES; i++)
        count += classes[i];
    *out = (struct log_percentiles){.count = count, .p50 = -1, .p95 = -1, .p99 = -1, .max = -1};
    if (count == 0)
        return;
    out->p50 = percentile(classes, count, 50, max);
    out->p95 = percentile(classes, count, 95, max);
    out->p99 = percentile(classes, count, 99, max);
    out->max = max;
}
