#include "agent/logs/read.h"

#include "tests/unit/logs_dump.h"
#include "tests/unit/scratch.h"

enum { LINES = 5000, LINE_ROOM = 200, TIMES = 12 };

struct log {
    struct scratch scratch;
    char *bytes;
    size_t offsets[LINES + 1];
};

/* A second a line from 2026-11-28 08:00:00 UTC on; every tenth failed. */
static int setup(void **state)
{
    static struct log log;
    size_t len = 0;

    scratch_open(&log.scratch);
    log.bytes = arena_alloc(log.scratch.arena, (size_t)LINES * LINE_ROOM);
    for (size_t i = 0; i < LINES; i++) {
        log.offsets[i] = len;
        len += (size_t)snprintf(log.bytes + len, LINE_ROOM,
                                "2026-11-28T%02zu:%02zu:%02zu.000000+00:00 lb haproxy[1]: "
                                "10.0.0.1:1024 [28/Nov/2026:08:00:00.000] fe be/s%zu "
                                "0/0/1/2/3 %d 99 - - %s 1/1/1/1/0 0/0 \"GET / HTTP/1.1\"\n",
                                8 + i / 3600, i / 60 % 60, i % 60, i % 7, i % 10 == 0 ? 503 : 200,
                                i % 10 == 0 ? "SC--" : "----");
    }
    log.offsets[LINES] = len;
    scratch_write(&log.scratch, "log", log.bytes);
    /* Longer than some buffers, its last line open: of what is in a buffer nobody can take over anything. */
    struct text large = text_new(log.scratch.arena);
    for (size_t i = 0; i < TIMES; i++)
        text_add(&large, log.bytes);
    text_add(&large, "no request, and no end");
    scratch_write(&log.scratch, "large", text_string(&large));
    *state = &log;
    return 0;
}

static int teardown(void **state)
{
    struct log *log = *state;

    scratch_close(&log->scratch);
    return 0;
}

static struct log_tally *read_tally(const struct log *log, const char *name,
                                    struct log_reading *reading)
{
    struct arena *arena = log->scratch.arena;
    struct log_files files CLEANUP_LOG_FILES = {0};
    struct log_tally *tally = NULL;
    struct err err = {0};

    assert_int_equal(log_files_open(NULL, arena_printf(arena, "%s/%s", log->scratch.path, name),
                                    LOG_NO_TIME, arena, &files, &err),
                     0);
    log_read_files(&files, reading, arena, &tally);
    return tally;
}

static struct log_summary read_log(const struct log *log, const char *name,
                                   struct log_reading *reading)
{
    struct log_tally *tally = read_tally(log, name, reading);
    struct log_summary summary = {0};

    log_tally_summary(tally, log->scratch.arena, &summary);
    log_tally_free(tally);
    return summary;
}

#define READING                                                                                    \
    {                                                                                              \
        .options = {.now = INT64_C(1795953600000), .since = LOG_NO_TIME, .until = LOG_NO_TIME }    \
    }

static void test_log_read_threads_share_the_lines(void **state)
{
    for (unsigned threads = 1; threads <= LOG_READ_THREADS_MAX; threads++) {
        struct log_reading reading = READING;
        reading.threads = threads;
        struct log_summary summary = read_log(*state, "log", &reading);
        assert_int_equal(summary.lines, LINES);
        assert_int_equal(summary.all.requests, LINES);
        assert_int_equal(summary.all.failed, LINES / 10);
        assert_int_equal(summary.kinds[LOG_KIND_UNKNOWN], 0);
        assert_int_equal(reading.failures, 0);
    }
}

static const char *dump_of(const struct log *log, struct log_reading *reading)
{
    struct log_tally *tally = read_tally(log, "large", reading);
    const char *dump = dump_summary(tally, log->scratch.arena, true);

    log_tally_free(tally);
    assert_int_equal(reading->failures, 0);
    return dump;
}

/* Which thread is ready first is chance: until each number of threads was seen to take over. */
static void test_log_read_a_thread_takes_over_and_nothing_changes(void **state)
{
    struct log_reading alone = READING;
    alone.threads = 1;
    const char *expected = dump_of(*state, &alone);
    assert_int_equal(alone.taken_over, 0);

    for (unsigned threads = 2; threads <= LOG_READ_THREADS_MAX; threads++) {
        size_t taken_over = 0;
        for (unsigned tries = 0; taken_over == 0; tries++) {
            struct log_reading reading = READING;
            assert_true(tries < 200);
            reading.threads = threads;
            reading.pays = 4096;
            assert_string_equal(dump_of(*state, &reading), expected);
            assert_int_equal(reading.bytes, alone.bytes);
            taken_over = reading.taken_over;
        }
    }
}

static void test_log_read_newest_leaves_the_oldest_out_and_says_so(void **state)
{
    const struct log *log = *state;

    for (unsigned threads = 1; threads <= 3; threads++) {
        struct log_reading reading = READING;
        reading.threads = threads;
        /* The last thousand lines, and half of the one before them. */
        reading.newest = log->offsets[LINES] - log->offsets[LINES - 1000] + 50;
        struct log_summary summary = read_log(log, "log", &reading);
        assert_int_equal(summary.lines, 1000);
        assert_int_equal(summary.last - summary.first, 999000);
        assert_int_equal(reading.failures, 1);
    }
    struct log_reading reading = READING;
    reading.newest = log->offsets[LINES];
    assert_int_equal(read_log(log, "log", &reading).lines, LINES);
    assert_int_equal(reading.failures, 0);
}

static void test_log_read_after_the_deadline_reads_nothing(void **state)
{
    struct log_reading reading = READING;

    reading.deadline = 1;
    assert_int_equal(read_log(*state, "log", &reading).lines, 0);
    assert_true(reading.is_late);
}

/* Around a buffer's end, a line of each length: none is lost, none is cut. */
static void test_log_read_lines_around_the_end_of_a_buffer(void **state)
{
    const struct log *log = *state;
    char *bytes = arena_alloc(log->scratch.arena, 3 * LOG_TALLY_BUFFER);

    for (int off = -3; off <= 3; off++) {
        struct log_reading reading = READING;
        struct err err = {0};
        size_t first = (size_t)((long)LOG_TALLY_BUFFER + off);
        memset(bytes, 'x', 3 * LOG_TALLY_BUFFER);
        bytes[first - 1] = '\n'; /* a line of so many bytes with its end */
        size_t len = first + log->offsets[10];
        memcpy(bytes + first, log->bytes, log->offsets[10]);
        assert_int_equal(
            file_put(log->scratch.dir, "around", (struct span){bytes, len}, 0644, &err), 0);
        reading.threads = 1;
        struct log_summary summary = read_log(log, "around", &reading);
        assert_int_equal(summary.lines, 11);
        assert_int_equal(summary.all.requests, 10);
        assert_int_equal(reading.bytes, len);
        assert_int_equal(reading.long_lines, first > LOG_TALLY_BUFFER ? 1 : 0);
    }
}

static void test_log_read_last_line_without_end_counts(void **state)
{
    const struct log *log = *state;
    struct log_reading reading = READING;
    struct err err = {0};

    assert_int_equal(file_put(log->scratch.dir, "open",
                              (struct span){log->bytes, log->offsets[3] - 1}, 0644, &err),
                     0);
    assert_int_equal(read_log(log, "open", &reading).all.requests, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_read_threads_share_the_lines),
        cmocka_unit_test(test_log_read_a_thread_takes_over_and_nothing_changes),
        cmocka_unit_test(test_log_read_newest_leaves_the_oldest_out_and_says_so),
        cmocka_unit_test(test_log_read_after_the_deadline_reads_nothing),
        cmocka_unit_test(test_log_read_lines_around_the_end_of_a_buffer),
        cmocka_unit_test(test_log_read_last_line_without_end_counts),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
