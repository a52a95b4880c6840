#include "agent/logs/clock.h"

#include <string.h>
#include <time.h>

#include "agent/logs/take.h"

#define DAY  (INT64_C(24) * 60 * 60)
#define YEAR (366 * DAY)

/* Days since 1970-01-01 in the Gregorian calendar: the year is made to begin in March, so that the leap day
 * is its last, and months before it have lengths that a line through 153/5 gives. */
static int64_t days_since_epoch(int year, int month, int day)
{
    int64_t years = month <= 2 ? year - 1 : year;
    int64_t era = years / 400;
    int64_t year_of_era = years - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static int64_t seconds_of(const struct log_moment *moment)
{
    return days_since_epoch(moment->year, moment->month, moment->day) * DAY + moment->hour * 3600 +
           moment->minute * 60 + moment->second;
}

void log_clock_init(struct log_clock *clock, int64_t now)
{
    *clock = (struct log_clock){.now = now};
}

/* The C library knows the zone, but asking it takes a microsecond and a lock: once for 15 minutes of log. */
static int64_t offset_at(struct log_clock *clock, int64_t local)
{
    int64_t quarter = local / 900;
    struct log_clock_quarter *slot = &clock->quarters[(uint64_t)quarter % LOG_CLOCK_REMEMBERS];
    time_t start = (time_t)(quarter * 900);
    struct tm parts;

    if (slot->known && slot->quarter == quarter)
        return slot->offset;
    *slot = (struct log_clock_quarter){.quarter = quarter, .known = true};
    if (gmtime_r(&start, &parts) != NULL) {
        time_t utc;

        parts.tm_isdst = -1;
        utc = mktime(&parts);
        if (utc != (time_t)-1)
            slot->offset = (int64_t)start - (int64_t)utc;
    }
    return slot->offset;
}

int64_t log_clock_local(struct log_clock *clock, const struct log_moment *moment)
{
    int64_t local = seconds_of(moment);

    return (local - offset_at(clock, local)) * 1000 + moment->millisecond;
}

static bool take_month_name(struct span *rest, int *out_month)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    if (rest->len < 3)
        return false;
    for (int month = 0; month < 12; month++)
        if (memcmp(rest->ptr, names + 3 * month, 3) == 0) {
            *out_month = month + 1;
            *rest = take_rest(*rest, 3);
            return true;
        }
    return false;
}

static bool take_clock_time(struct span *rest, struct log_moment *moment)
{
    return take_digits(rest, 2, &moment->hour) && take_char(rest, ':') &&
           take_digits(rest, 2, &moment->minute) && take_char(rest, ':') &&
           take_digits(rest, 2, &moment->second) && moment->hour < 24 && moment->minute < 60 &&
           moment->second <= 60;
}

static bool is_day(const struct log_moment *moment)
{
    return moment->day >= 1 && moment->day <= 31;
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* The year is not told: see the header. Local times are compared as if they were UTC's: a day is enough. */
static void guess_year(const struct log_clock *clock, struct log_moment *moment, int64_t hint)
{
    int64_t around = (hint == LOG_NO_TIME ? clock->now : hint) / 1000;
    int first = 1969 + (int)(around / YEAR); /* at most two years early, up to 2335 */
    int64_t best = INT64_MIN;
    int year = first;

    for (int candidate = first; candidate <= first + 3; candidate++) {
        int64_t time;

        moment->year = candidate;
        time = seconds_of(moment);
        if (best == INT64_MIN ||
            (hint == LOG_NO_TIME ? time <= around + DAY
                                 : distance(time, around) < distance(best, around))) {
            best = time;
            year = candidate;
        }
    }
    moment->year = year;
}

bool log_clock_read_traditional(struct log_clock *clock, struct span *rest, int64_t hint,
                                int64_t *out_time)
{
    struct span at = *rest;
    struct log_moment moment = {0};

    if (!take_month_name(&at, &moment.month) || !take_char(&at, ' '))
        return false;
    if (take_char(&at, ' ') ? !take_digits(&at, 1, &moment.day) : !take_digits(&at, 2, &moment.day))
        return false;
    if (!take_char(&at, ' ') || !take_clock_time(&at, &moment) || !is_day(&moment))
        return false;
    *rest = at;
    guess_year(clock, &moment, hint);
    *out_time = log_clock_local(clock, &moment);
    return true;
}

static int take_fraction(struct span *rest)
{
    static const int scale[] = {0, 100, 10, 1};
    int value = 0;
    int digits = 0;

    for (; rest->len > 0 && take_is_digit(*rest->ptr); *rest = take_rest(*rest, 1))
        if (digits < 3) {
            value = value * 10 + (*rest->ptr - '0');
            digits++;
        }
    return value * scale[digits];
}

/* "Z", "+01:00", "-0500"; false where there is none. */
static bool take_zone(struct span *rest, int64_t *out_seconds)
{
    struct span at = *rest;
    int hours = 0, minutes = 0;
    bool west;

    if (take_char(&at, 'Z')) {
        *rest = at;
        *out_seconds = 0;
        return true;
    }
    west = at.len > 0 && *at.ptr == '-';
    if (!take_char(&at, west ? '-' : '+') || !take_digits(&at, 2, &hours))
        return false;
    (void)take_char(&at, ':');
    if (!take_digits(&at, 2, &minutes) || hours > 24 || minutes > 59)
        return false;
    *rest = at;
    *out_seconds = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

bool log_clock_read_iso(struct log_clock *clock, struct span *rest, int64_t *out_time)
{
    struct span at = *rest;
    struct log_moment moment = {0};
    int64_t offset;

    if (!take_digits(&at, 4, &moment.year) || !take_char(&at, '-') ||
        !take_digits(&at, 2, &moment.month) || !take_char(&at, '-') ||
        !take_digits(&at, 2, &moment.day) || !(take_char(&at, 'T') || take_char(&at, ' ')) ||
        !take_clock_time(&at, &moment))
        return false;
    if (!is_day(&moment) || moment.month < 1 || moment.month > 12)
        return false;
    if (take_char(&at, '.') || take_char(&at, ','))
        moment.millisecond = take_fraction(&at);
    *out_time = take_zone(&at, &offset) ? (seconds_of(&moment) - offset) * 1000 + moment.millisecond
                                        : log_clock_local(clock, &moment);
    *rest = at;
    return true;
}

/* "22/Nov/2026:08:45:15" */
static bool take_slashed(struct span *rest, struct log_moment *moment)
{
    return take_digits(rest, 2, &moment->day) && take_char(rest, '/') &&
           take_month_name(rest, &moment->month) && take_char(rest, '/') &&
           take_digits(rest, 4, &moment->year) && take_char(rest, ':') &&
           take_clock_time(rest, moment) && is_day(moment);
}

bool log_clock_read_date(struct log_clock *clock, struct span *rest, int64_t *out_time)
{
    struct span at = *rest;
    struct log_moment moment = {0};

    if (!take_slashed(&at, &moment) || !take_char(&at, '.') ||
        !take_digits(&at, 3, &moment.millisecond))
        return false;
    *rest = at;
    *out_time = log_clock_local(clock, &moment);
    return true;
}

bool log_clock_read_clf(struct span *rest, int64_t *out_time)
{
    struct span at = *rest;
    struct log_moment moment = {0};
    int64_t offset;

    if (!take_slashed(&at, &moment) || !take_char(&at, ' ') || !take_zone(&at, &offset))
        return false;
    *rest = at;
    *out_time = (seconds_of(&moment) - offset) * 1000;
    return true;
}
