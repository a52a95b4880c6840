/* logs/period: from when until when, and where that stands in a file.
 * Use:     log_period_parse("10:00", now, &since, err); ...
 *          log_period_find(fd, size, since, until, now, &place, err); read from place.begin to
 *          place.end with since and until, which leave out what is read too much.
 * Shapes:  times in milliseconds since 1970; since <= time < until; LOG_NO_TIME: no bound. What a
 *          person may write: "90s" "30m" "1h" "2d" "1w" (and "1h30m"): that long ago;
 *          "10:00" "10:00:30": the last time it was that late; "2026-11-28", "2026-11-28 10:00",
 *          "2026-11-28T10:00:00.5" with "Z" or "+01:00", or local time without; "@1795000000";
 *          "now" "today" "yesterday" (the start of that day); and as logs write it:
 *          "28/Nov/2026:10:00:00.000", "Nov 28 10:00:00".
 *          Places are offsets of the first byte of a line. A line may stand LOG_PERIOD_TOLERANCE
 *          of time away from where it belongs, and is found; what a clock that was set back further
 *          left behind is found too: that shows in probes spread over the file, and then the place
 *          is the whole file (is_sorted false), or wider.
 * Owns:    fd stays the caller's; it is read by pread(2).
 * Errors:  ERR_INPUT from parsing; ERR_SYS.
 */
#ifndef HAMEDIC_AGENT_LOGS_PERIOD_H
#define HAMEDIC_AGENT_LOGS_PERIOD_H

#include "agent/logs/clock.h"

#define LOG_PERIOD_TOLERANCE ((int64_t)30 * 1000)

struct log_place {
    uint64_t begin, end;
    bool is_sorted; /* false: the times jump back, so that all of it must be read */
};

MUST_CHECK int log_period_parse(const char *text, int64_t now, int64_t *out_time, struct err *err);
MUST_CHECK int log_period_find(int fd, uint64_t size, int64_t since, int64_t until, int64_t now,
                               struct log_place *out_place, struct err *err);

#endif
