#include "agent/logs/period.h"

#include <time.h>

#include "tests/unit/scratch.h"

/* 2026-11-28 12:00:00 UTC, a Saturday; Berlin is one hour ahead then. */
#define NOW    INT64_C(1795867200000)
#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static void use_zone(const char *zone)
{
    (void)setenv("TZ", zone, 1);
    tzset();
}

static int64_t parse(const char *text, int64_t now)
{
    struct err err = {0};
    int64_t time = 0;

    if (log_period_parse(text, now, &time, &err) < 0)
        fail_msg("%s", err.text);
    return time;
}

static void test_log_period_parse_what_a_person_writes(void **state)
{
    (void)state;
    use_zone("UTC");
    assert_int_equal(parse("1h", NOW), NOW - HOUR);
    assert_int_equal(parse("30m", NOW), NOW - 30 * MINUTE);
    assert_int_equal(parse("90s", NOW), NOW - 90000);
    assert_int_equal(parse("2d", NOW), NOW - 2 * DAY);
    assert_int_equal(parse("1w", NOW), NOW - 7 * DAY);
    assert_int_equal(parse("1h30m", NOW), NOW - 90 * MINUTE);
    assert_int_equal(parse("10:00", NOW), NOW - 2 * HOUR);
    assert_int_equal(parse("10:00:30", NOW), NOW - 2 * HOUR + 30000);
    /* Not yet today: the one before. */
    assert_int_equal(parse("13:00", NOW), NOW + HOUR - DAY);
    assert_int_equal(parse("2026-11-28 10:00", NOW), NOW - 2 * HOUR);
    assert_int_equal(parse("2026-11-28", NOW), NOW - 12 * HOUR);
    assert_int_equal(parse("2026-11-28T10:00:00", NOW), NOW - 2 * HOUR);
    assert_int_equal(parse("2026-11-28T10:00:00.25Z", NOW), NOW - 2 * HOUR + 250);
    assert_int_equal(parse("2026-11-28 10:00:00+02:00", NOW), NOW - 4 * HOUR);
    assert_int_equal(parse("@1795867200", NOW), NOW);
    assert_int_equal(parse("@1795867200.5", NOW), NOW + 500);
    assert_int_equal(parse("now", NOW), NOW);
    assert_int_equal(parse("today", NOW), NOW - 12 * HOUR);
    assert_int_equal(parse("yesterday", NOW), NOW - 36 * HOUR);
    assert_int_equal(parse("28/Nov/2026:10:00:00.120", NOW), NOW - 2 * HOUR + 120);
    assert_int_equal(parse("Nov 28 10:00:00", NOW), NOW - 2 * HOUR);
}

static void test_log_period_parse_local_time_is_that_of_the_zone(void **state)
{
    (void)state;
    use_zone("Europe/Berlin");
    assert_int_equal(parse("10:00", NOW), NOW - 3 * HOUR);
    assert_int_equal(parse("2026-11-28 10:00", NOW), NOW - 3 * HOUR);
    assert_int_equal(parse("2026-11-28 10:00Z", NOW), NOW - 2 * HOUR);
    assert_int_equal(parse("yesterday", NOW), NOW - 37 * HOUR);
    use_zone("UTC");
}

static void test_log_period_parse_refuses_what_is_no_time(void **state)
{
    static const char *const bad[] = {"",           "h",           "1",           "1x",
                                      "-1h",        "25:00",       "10:60",       "2026-13-01",
                                      "2026-11-31", "2026-11-28x", "@",           "@1.2345",
                                      "tomorrow",   "999999999w",  "10:00 10:00", "1h 2"};

    (void)state;
    use_zone("UTC");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err err = {0};
        int64_t time = 7;
        if (log_period_parse(bad[i], NOW, &time, &err) == 0)
            fail_msg("'%s' was taken for %jd", bad[i], (intmax_t)time);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_int_equal(time, 7);
    }
}

/* ---- places ---- */

struct log {
    struct scratch scratch;
    char *bytes;
    size_t len, room;
    int64_t *times; /* of each line */
    size_t *offsets;
    size_t count;
};

enum { LINES = 60000, LINE_ROOM = 160 };

static int setup(void **state)
{
    static struct log log;

    use_zone("UTC");
    scratch_open(&log.scratch);
    log.room = (size_t)LINES * LINE_ROOM;
    log.bytes = arena_alloc(log.scratch.arena, log.room);
    log.times = arena_alloc(log.scratch.arena, LINES * sizeof *log.times);
    log.offsets = arena_alloc(log.scratch.arena, LINES * sizeof *log.offsets);
    *state = &log;
    return 0;
}

static int teardown(void **state)
{
    struct log *log = *state;

    scratch_close(&log->scratch);
    return 0;
}

static void add_line(struct log *log, int64_t time)
{
    time_t seconds = (time_t)(time / 1000);
    struct tm tm;
    char when[40];

    assert_true(log->count < LINES && log->room - log->len >= LINE_ROOM);
    assert_non_null(gmtime_r(&seconds, &tm));
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    log->times[log->count] = time;
    log->offsets[log->count++] = log->len;
    log->len +=
        (size_t)snprintf(log->bytes + log->len, LINE_ROOM,
                         "%s.%03d+00:00 lb haproxy[1]: Server b/s%zu is DOWN. padded %.*s\n", when,
                         (int)(time % 1000), log->count, (int)(log->count % 40),
                         "........................................");
}

static void add_noise(struct log *log, const char *text)
{
    log->len += (size_t)snprintf(log->bytes + log->len, LINE_ROOM, "%s\n", text);
}

/* Every line of the period lies in what was found; how many bytes that is. */
static uint64_t assert_found(const struct log *log, int64_t since, int64_t until, bool sorted)
{
    struct log_place place;
    struct err err = {0};
    int fd CLEANUP_FD = -1;

    assert_int_equal(file_open(log->scratch.dir, "log", &fd, &err), 0);
    assert_int_equal(log_period_find(fd, log->len, since, until, NOW, &place, &err), 0);
    assert_int_equal(place.is_sorted, sorted);
    assert_true(place.begin <= place.end && place.end <= log->len);
    assert_true(place.begin == 0 || log->bytes[place.begin - 1] == '\n');
    assert_true(place.end == log->len || log->bytes[place.end - 1] == '\n');
    for (size_t i = 0; i < log->count; i++)
        if ((since == LOG_NO_TIME || log->times[i] >= since) &&
            (until == LOG_NO_TIME || log->times[i] < until) &&
            (log->offsets[i] < place.begin || log->offsets[i] >= place.end))
            fail_msg("line %zu at %zu is of the period, and not in %ju..%ju", i, log->offsets[i],
                     (uintmax_t)place.begin, (uintmax_t)place.end);
    return place.end - place.begin;
}

static void put(const struct log *log)
{
    struct err err = {0};

    assert_int_equal(
        file_put(log->scratch.dir, "log", (struct span){log->bytes, log->len}, 0644, &err), 0);
}

static void start_log(struct log *log)
{
    log->len = log->count = 0;
}

/* A line each second and a half: a day and an hour. */
#define SPACING 1500
#define BEGIN   (NOW - DAY)

static void test_log_period_find_in_a_sorted_file_reads_little(void **state)
{
    struct log *log = *state;

    start_log(log);
    for (size_t i = 0; i < LINES; i++)
        add_line(log, BEGIN + (int64_t)i * SPACING);
    put(log);
    uint64_t hour = log->len / 25;
    for (int64_t at = 0; at < 24; at++) {
        uint64_t got = assert_found(log, BEGIN + at * HOUR, BEGIN + (at + 1) * HOUR, true);
        assert_true(got < hour + hour / 5 + 2 * (uint64_t)128 * 1024);
    }
    (void)assert_found(log, BEGIN - DAY, BEGIN, true);
    (void)assert_found(log, BEGIN, BEGIN + 1, true);
    (void)assert_found(log, NOW - HOUR, LOG_NO_TIME, true);
    (void)assert_found(log, LOG_NO_TIME, BEGIN + HOUR, true);
    assert_int_equal(assert_found(log, LOG_NO_TIME, LOG_NO_TIME, true), log->len);
    assert_true(assert_found(log, NOW + 2 * DAY, LOG_NO_TIME, true) < hour);
}

static void test_log_period_find_among_lines_without_time_and_out_of_place(void **state)
{
    struct log *log = *state;
    uint32_t seed = 1;

    start_log(log);
    for (size_t i = 0; log->count < LINES / 3; i++) {
        seed = seed * 1664525 + 1013904223;
        if (seed >> 30 == 0)
            add_noise(log, "no time here, and no end of it");
        /* Up to 25 seconds from where it belongs, either way. */
        add_line(log, BEGIN + (int64_t)i * 3 * SPACING + (int64_t)(seed >> 8) % 50000 - 25000);
    }
    put(log);
    for (int64_t at = 0; at < 24; at++)
        (void)assert_found(log, BEGIN + at * HOUR, BEGIN + at * HOUR + 5 * MINUTE, true);
}

/* A clock that is set back by `jump`: whichever moment is asked for, nothing is lost. */
static void expect_none_lost(struct log *log, int64_t set_back, int64_t jump)
{
    enum { MOMENTS = 40 };

    start_log(log);
    for (size_t i = 0; i < LINES / 6; i++) {
        int64_t time = BEGIN + (int64_t)i * 6 * SPACING;
        add_line(log, time < set_back ? time : time - jump);
    }
    put(log);
    for (int i = -4; i < MOMENTS + 4; i++) {
        int64_t at = set_back - jump + i * (jump / MOMENTS);
        struct log_place place;
        struct err err = {0};
        int fd CLEANUP_FD = -1;
        assert_int_equal(file_open(log->scratch.dir, "log", &fd, &err), 0);
        assert_int_equal(log_period_find(fd, log->len, at, at + MINUTE, NOW, &place, &err), 0);
        (void)assert_found(log, at, at + MINUTE, place.is_sorted);
    }
}

/* The probes of the first step are 23 minutes apart: jumps that are seen at once, later, never. */
static void test_log_period_find_where_the_clock_was_set_back_loses_nothing(void **state)
{
    static const int64_t seconds[] = {1,   20,  31,   45,   59,   90,   150,  300,
                                      600, 900, 1300, 1450, 1800, 2400, 3600, 10800};

    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++)
        for (int64_t minute = 0; minute < 26; minute += 5)
            expect_none_lost(*state, BEGIN + 9 * HOUR + minute * MINUTE, seconds[i] * 1000);
}

static void test_log_period_find_in_a_shuffled_file_says_so(void **state)
{
    struct log *log = *state;
    uint32_t seed = 1;

    start_log(log);
    for (size_t i = 0; i < LINES / 3; i++) {
        seed = seed * 1664525 + 1013904223;
        add_line(log, BEGIN + (int64_t)(seed >> 8) * 5);
    }
    put(log);
    assert_int_equal(assert_found(log, BEGIN + HOUR, BEGIN + 2 * HOUR, false), log->len);
}

static void test_log_period_find_in_noise_and_in_nothing(void **state)
{
    struct log *log = *state;

    start_log(log);
    put(log);
    assert_int_equal(assert_found(log, BEGIN, NOW, true), 0);
    for (size_t i = 0; i < LINES; i++)
        add_noise(log, "\xff\xfe binary noise \x01\x02");
    put(log);
    assert_int_equal(assert_found(log, BEGIN, NOW, true), log->len);
    /* One line of all. */
    for (size_t i = 0; i < log->len; i++)
        log->bytes[i] = 'x';
    put(log);
    assert_int_equal(assert_found(log, BEGIN, NOW, true), log->len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_period_parse_what_a_person_writes),
        cmocka_unit_test(test_log_period_parse_local_time_is_that_of_the_zone),
        cmocka_unit_test(test_log_period_parse_refuses_what_is_no_time),
        cmocka_unit_test(test_log_period_find_in_a_sorted_file_reads_little),
        cmocka_unit_test(test_log_period_find_among_lines_without_time_and_out_of_place),
        cmocka_unit_test(test_log_period_find_where_the_clock_was_set_back_loses_nothing),
        cmocka_unit_test(test_log_period_find_in_a_shuffled_file_says_so),
        cmocka_unit_test(test_log_period_find_in_noise_and_in_nothing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
