/* base/clock: what a clock of the system says, in milliseconds.
 * Use:     int64_t deadline = clock_ms(CLOCK_MONOTONIC) + 3000;
 *          CLOCK_BOOTTIME goes on while the host sleeps; CLOCK_REALTIME may be set by anybody.
 */
#ifndef HAMEDIC_PLANS_BASE_CLOCK_H
#define HAMEDIC_PLANS_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t clock_ms(clockid_t which);

#endif
