/* logs/clock: the times that stand in logs, as milliseconds since the epoch.
 * Use:     struct log_clock clock; log_clock_init(&clock, now); then any of the log_clock_read_*.
 * Shapes:  LOG_NO_TIME where there is none. What a log leaves out is assumed:
 *          - no zone (HAProxy's own [date], the traditional syslog time): the zone of this process (TZ,
 *            /etc/localtime); an hour that the clock went through twice is read as mktime does;
 *          - no year (traditional): the year that brings it nearest to `hint`, where the line has another
 *            time; else the newest year in which it is not later than a day after now.
 * Owns:    nothing; a clock remembers what the zone's offset was, so it is one thread's.
 * Errors:  false where the bytes are no such time; *rest and the outputs are untouched then.
 * Source:  RFC 3164 section 4.1.2, RFC 3339, HAProxy 2.6 configuration.txt 8.2.
 */
#ifndef HAMEDIC_AGENT_LOGS_CLOCK_H
#define HAMEDIC_AGENT_LOGS_CLOCK_H

#include "plans/base/span.h"

#define LOG_NO_TIME         INT64_MIN
#define LOG_CLOCK_REMEMBERS 16
/* "22/Nov/2026:08:45:15.182" */
#define LOG_DATE_LEN 24

struct log_clock {
    int64_t now;
    struct log_clock_quarter {
        int64_t quarter; /* local time / 15 minutes; zones change on these */
        int64_t offset;  /* seconds east of UTC */
        bool known;
    } quarters[LOG_CLOCK_REMEMBERS];
};

/* A moment as its parts, in local time or in that of an offset. */
struct log_moment {
    int year, month, day; /* month 1..12; year 0: not told */
    int hour, minute, second, millisecond;
};

void log_clock_init(struct log_clock *clock, int64_t now);
/* Milliseconds since the epoch of a local moment. */
int64_t log_clock_local(struct log_clock *clock, const struct log_moment *moment);

/* "Nov 22 08:39:17" (a day below ten has a blank before it). */
bool log_clock_read_traditional(struct log_clock *clock, struct span *rest, int64_t hint,
                                int64_t *out_time);
/* "2026-11-22T08:39:17[.123456](Z|+01:00|+0100)", or without zone: then local. */
bool log_clock_read_iso(struct log_clock *clock, struct span *rest, int64_t *out_time);
/* HAProxy's own, between its brackets: "22/Nov/2026:08:45:15.182". */
bool log_clock_read_date(struct log_clock *clock, struct span *rest, int64_t *out_time);
/* CLF's, between its brackets: "22/Nov/2026:08:45:15 +0000". */
bool log_clock_read_clf(struct span *rest, int64_t *out_time);

#endif
