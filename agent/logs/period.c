/* What a person writes for a time. */
#include "agent/logs/period.h"

#include <stdio.h>
#include <time.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
enum { DAY_SECONDS = 24 * 3600 };
#define AGO_MAX ((int64_t)100 * 366 * DAY_SECONDS)

static int64_t unit_seconds(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return DAY_SECONDS;
    case 'w':
        return (int64_t)7 * DAY_SECONDS;
    default:
        return 0;
    }
}

static bool take_digits(struct span *rest, size_t most, int64_t *out_value)
{
    size_t len = 0;
    uint64_t value;

    while (len < rest->len && len < most && rest->ptr[len] >= '0' && rest->ptr[len] <= '9')
        len++;
    if (!span_scan_u64((struct span){rest->ptr, len}, &value))
        return false;
    rest->ptr += len;
    rest->len -= len;
    *out_value = (int64_t)value;
    return true;
}

static bool take_char(struct span *rest, char wanted)
{
    if (rest->len == 0 || rest->ptr[0] != wanted)
        return false;
    rest->ptr++;
    rest->len--;
    return true;
}

/* "1h30m" */
static bool read_ago(struct span text, int64_t now, int64_t *out_time)
{
    int64_t seconds = 0, value;

    while (text.len > 0) {
        if (!take_digits(&text, 10, &value) || text.len == 0 || unit_seconds(text.ptr[0]) == 0)
            return false;
        seconds += value * unit_seconds(text.ptr[0]);
        (void)take_char(&text, text.ptr[0]);
        if (seconds > AGO_MAX)
            return false;
    }
    *out_time = now - seconds * SECOND;
    return true;
}

/* "@1795000000", "@1795000000.25" */
static bool read_epoch(struct span text, int64_t *out_time)
{
    int64_t seconds, part = 0;

    if (!take_char(&text, '@') || !take_digits(&text, 11, &seconds))
        return false;
    if (take_char(&text, '.')) {
        size_t digits = text.len;
        if (digits == 0 || digits > 3 || !take_digits(&text, 3, &part))
            return false;
        for (; digits < 3; digits++)
            part *= 10;
    }
    *out_time = seconds * SECOND + part;
    return text.len == 0;
}

/* "10:00", "10:00:30" */
static bool take_hours(struct span *text, struct tm *tm)
{
    int64_t hour, minute, second = 0;

    if (!take_digits(text, 2, &hour) || !take_char(text, ':') || !take_digits(text, 2, &minute))
        return false;
    if (take_char(text, ':') && !take_digits(text, 2, &second))
        return false;
    tm->tm_hour = (int)hour;
    tm->tm_min = (int)minute;
    tm->tm_sec = (int)second;
    return hour < 24 && minute < 60 && second < 61;
}

static bool local_day(int64_t time, struct tm *out_tm)
{
    time_t seconds = (time_t)(time / SECOND);

    if (localtime_r(&seconds, out_tm) == NULL)
        return false;
    out_tm->tm_hour = out_tm->tm_min = out_tm->tm_sec = 0;
    out_tm->tm_isdst = -1;
    return true;
}

static bool from_tm(struct tm tm, int64_t *out_time)
{
    struct tm wanted = tm;
    time_t time = mktime(&tm);

    *out_time = (int64_t)time * SECOND;
    /* mktime takes the 31st of November for the 1st of December. */
    return tm.tm_mday == wanted.tm_mday || tm.tm_hour != wanted.tm_hour;
}

/* The newest that is not in the future. */
static bool read_clock(struct span text, int64_t now, int64_t *out_time)
{
    struct tm tm;
    int64_t time;

    if (!local_day(now, &tm) || !take_hours(&text, &tm) || text.len > 0)
        return false;
    struct tm before = tm;
    (void)from_tm(tm, &time);
    before.tm_mday--;
    if (time > now)
        time = (int64_t)mktime(&before) * SECOND;
    *out_time = time;
    return true;
}

/* "2026-11-28", and "2026-11-28 10:00" */
static bool read_day(struct span text, int64_t *out_time)
{
    struct tm tm = {.tm_isdst = -1};
    int64_t year, month, day;

    if (!take_digits(&text, 4, &year) || !take_char(&text, '-') || !take_digits(&text, 2, &month) ||
        !take_char(&text, '-') || !take_digits(&text, 2, &day))
        return false;
    tm.tm_year = (int)year - 1900;
    tm.tm_mon = (int)month - 1;
    tm.tm_mday = (int)day;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    if ((take_char(&text, ' ') || take_char(&text, 'T')) && !take_hours(&text, &tm))
        return false;
    return text.len == 0 && from_tm(tm, out_time);
}

/* Also with a blank for the 'T', and without seconds: "2026-11-28 10:00+01:00". */
static bool read_iso(struct log_clock *clock, struct span text, int64_t *out_time)
{
    enum { DATE = 10, MINUTES = 16, ROOM = 64 };
    char whole[ROOM];

    if (text.len < MINUTES || text.len > ROOM - 4 ||
        (text.ptr[DATE] != ' ' && text.ptr[DATE] != 'T'))
        return false;
    bool has_seconds = text.len > MINUTES && text.ptr[MINUTES] == ':';
    (void)snprintf(whole, sizeof whole, "%.*sT%.*s%s%.*s", DATE, text.ptr, MINUTES - DATE - 1,
                   text.ptr + DATE + 1, has_seconds ? "" : ":00", (int)(text.len - MINUTES),
                   text.ptr + MINUTES);
    struct span rest = span_of(whole);
    return log_clock_read_iso(clock, &rest, out_time) && rest.len == 0;
}

static bool read_word(struct span text, int64_t now, int64_t *out_time)
{
    struct tm tm;

    if (span_is(text, "now")) {
        *out_time = now;
        return true;
    }
    if ((!span_is(text, "today") && !span_is(text, "yesterday")) || !local_day(now, &tm))
        return false;
    tm.tm_mday -= span_is(text, "yesterday") ? 1 : 0;
    *out_time = (int64_t)mktime(&tm) * SECOND;
    return true;
}

/* As it stands in a log, to be copied from there. */
static bool read_log_time(struct log_clock *clock, struct span text, int64_t *out_time)
{
    struct span rest = text;

    if (log_clock_read_date(clock, &rest, out_time) && rest.len == 0)
        return true;
    rest = text;
    return log_clock_read_traditional(clock, &rest, LOG_NO_TIME, out_time) && rest.len == 0;
}

int log_period_parse(const char *words, int64_t now, int64_t *out_time, struct err *err)
{
    struct span text = span_trim(span_of(words));
    struct log_clock clock;
    int64_t time;

    log_clock_init(&clock, now);
    if (text.len > 0 &&
        (read_word(text, now, &time) || read_ago(text, now, &time) || read_epoch(text, &time) ||
         read_clock(text, now, &time) || read_day(text, &time) || read_iso(&clock, text, &time) ||
         read_log_time(&clock, text, &time))) {
        *out_time = time;
        return 0;
    }
    return err_set(err, ERR_INPUT,
                   "'%.64s' is no time: expected such as 1h, 10:00, '2026-11-28 10:00', "
                   "2026-11-28T10:00:00Z, @1795860000 or yesterday",
                   words);
}
