/* logs/timers: how long things took, in classes; for logs/tally only.
 * Shapes:  milliseconds. A class is an eighth of an octave, or one value below 16; what is below 0 was never
 *          reached and has class 0.
 */
#ifndef HAMEDIC_AGENT_LOGS_TIMERS_H
#define HAMEDIC_AGENT_LOGS_TIMERS_H

#include "agent/logs/tally.h"

#define LOG_TIMERS_CLASSES 240 /* 233 are used: a multiple of what a cache line holds */

struct log_timers {
    uint32_t classes[LOG_TIMER_COUNT][LOG_TIMERS_CLASSES];
};

void log_timers_merge(struct log_timers *into, const struct log_timers *from);
/* `max`: the largest value that was counted. */
void log_timers_percentiles(const struct log_timers *timers, enum log_timer timer, int64_t max,
                            struct log_percentiles *out);

#endif
