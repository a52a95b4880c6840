#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/observe/apart.h"
#include "plans/base/clock.h"
#include "agent/observe/parts.h"
#include "tests/unit/cmocka_all.h"

struct outcome {
    int failed;
    struct err err;
    struct span message;
    int64_t milliseconds;
};

static struct outcome run_job(struct apart_job *job)
{
    struct outcome outcome = {.failed = 0};
    struct apart apart;
    int64_t started = clock_ms(CLOCK_MONOTONIC);

    job->name = "stats";
    if (job->time_ms == 0)
        job->time_ms = 60000; /* a slow machine */
    if (job->message_bytes == 0)
        job->message_bytes = 1024 * 1024;
    assert_int_equal(apart_start(&apart, job, &outcome.err), 0);
    while (!apart_is_ended(&apart, clock_ms(CLOCK_MONOTONIC))) {
        struct pollfd slot = {.fd = apart.fd, .events = POLLIN};
        (void)poll(&slot, 1, 20);
        apart_read(&apart);
    }
    outcome.failed = apart_end(&apart, &outcome.message, &outcome.err);
    outcome.milliseconds = clock_ms(CLOCK_MONOTONIC) - started;
    return outcome;
}

static void say_much(void *context, struct text *out)
{
    (void)context;
    for (int i = 0; i < 100000; i++)
        text_addf(out, "%05d", i);
}
static void test_apart_gives_a_message_longer_than_a_pipe(void **state)
{
    struct arena *arena = arena_new();
    struct apart_job job = {.work = say_much, .arena = arena};
    struct outcome outcome = run_job(&job);

    (void)state;
    assert_int_equal(outcome.failed, 0);
    assert_int_equal(outcome.message.len, 500000);
    assert_memory_equal(outcome.message.ptr + 499995, "99999", 5);
    arena_free(arena);
}

static void test_apart_too_much_is_refused(void **state)
{
    struct arena *arena = arena_new();
    struct apart_job job = {.work = say_much, .arena = arena, .message_bytes = 499999};
    struct outcome outcome = run_job(&job);

    (void)state;
    assert_int_equal(outcome.failed, -1);
    assert_int_equal(outcome.err.kind, ERR_INPUT);
    assert_non_null(strstr(outcome.err.text, "more than 499999 bytes"));
    arena_free(arena);
}

static void hang(void *context, struct text *out)
{
    (void)context, (void)out;
    for (;;)
        (void)pause();
}
static void test_apart_that_hangs_is_ended(void **state)
{
    struct arena *arena = arena_new();
    struct apart_job job = {.work = hang, .arena = arena, .time_ms = 100};
    struct outcome outcome = run_job(&job);

    (void)state;
    assert_int_equal(outcome.failed, -1);
    assert_int_equal(outcome.err.sys, ETIMEDOUT);
    assert_non_null(strstr(outcome.err.text, "'stats' was not done after 100 ms"));
    assert_true(outcome.milliseconds >= 100);
    arena_free(arena);
}

static void crash(void *context, struct text *out)
{
    (void)context, (void)out;
    (void)raise(SIGSEGV);
}
static void test_apart_that_crashes_is_told(void **state)
{
    struct arena *arena = arena_new();
    struct apart_job job = {.work = crash, .arena = arena};
    struct outcome outcome = run_job(&job);

    (void)state;
    assert_int_equal(outcome.failed, -1);
    assert_non_null(strstr(outcome.err.text, "signal 11"));
    arena_free(arena);
}

static void give_up(void *context, struct text *out)
{
    (void)context, (void)out;
    _exit(3);
}
static void test_apart_that_gives_up_is_told(void **state)
{
    struct arena *arena = arena_new();
    struct apart_job job = {.work = give_up, .arena = arena};
    struct outcome outcome = run_job(&job);

    (void)state;
    assert_int_equal(outcome.failed, -1);
    assert_non_null(strstr(outcome.err.text, "status 3"));
    arena_free(arena);
}

/* Which of the descriptors are open there, and what it may not do. */
static void look_round(void *context, struct text *out)
{
    const int *fds = context;
    struct rlimit limit = {1, 1};

    for (size_t i = 0; i < 3; i++)
        text_addf(out, "%d", fcntl(fds[i], F_GETFD) >= 0);
    (void)getrlimit(RLIMIT_FSIZE, &limit);
    text_addf(out, " %ju", (uintmax_t)limit.rlim_max);
    (void)getrlimit(RLIMIT_CORE, &limit);
    text_addf(out, " %ju", (uintmax_t)limit.rlim_max);
}
static void test_apart_has_only_the_descriptors_of_its_job(void **state)
{
    struct arena *arena = arena_new();
    int fds[3];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct apart_job job = {
        .work = look_round, .context = fds, .arena = arena, .keep = {fds[1]}, .keep_count = 1};
    struct outcome outcome = run_job(&job);
    assert_int_equal(outcome.failed, 0);
    assert_int_equal(outcome.message.len, 7);
    assert_memory_equal(outcome.message.ptr, "010 0 0", 7);
    for (size_t i = 0; i < 3; i++)
        (void)close(fds[i]);
    arena_free(arena);
}

static void test_parts_shapes_forget_no_member(void **state)
{
    size_t parts = 0;

    (void)state;
    for (int id = 0; id < SOURCE_COUNT; id++) {
        const struct part *part = part_of((enum source_id)id);
        struct arena *arena = arena_new();
        /* The shape itself is of struct facts and leaves out what others fill in. */
        for (size_t i = 0; part != NULL && i < part->shape->field_count; i++) {
            const struct wire_shape *shape = part->shape->fields[i].shape;
            if (shape != NULL)
                assert_in_range(wire_gap(shape, arena), 0, 7);
            parts++;
        }
        arena_free(arena);
    }
    assert_true(parts >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apart_gives_a_message_longer_than_a_pipe),
        cmocka_unit_test(test_apart_too_much_is_refused),
        cmocka_unit_test(test_apart_that_hangs_is_ended),
        cmocka_unit_test(test_apart_that_crashes_is_told),
        cmocka_unit_test(test_apart_that_gives_up_is_told),
        cmocka_unit_test(test_apart_has_only_the_descriptors_of_its_job),
        cmocka_unit_test(test_parts_shapes_forget_no_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
