#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/observe/beside.h"
#include "agent/observe/wave.h"
#include "plans/base/clock.h"
#include "tests/unit/cmocka_all.h"

/* A slow machine must not take the well ones for such as hang. */
enum { SHORT_MS = 1000, LONG_MS = 60000, PATIENCE_MS = 60000, PAUSE_US = 10000 };
enum { SYSCTLS = 99, STARTED = 7 };

static struct {
    int gate[2]; /* what hangs reads from it */
    atomic_int starts;
    atomic_bool went_on, host_was_there, name_was_there;
    atomic_int seen_state, seen_sysctls;
} stage;

static int collect_well(struct collection *collection, struct err *err)
{
    (void)err;
    collection->facts->worker_started = STARTED;
    return 0;
}

/* Goes on after all, and uses whatever it was given. */
static int collect_late(struct collection *collection, struct err *err)
{
    struct facts *facts = collection->facts;
    struct stat root, there;
    char byte;

    atomic_fetch_add(&stage.starts, 1);
    if (read(stage.gate[0], &byte, 1) != 1)
        return err_sys(err, errno, "cannot read the gate");
    stage.host_was_there = stat("/", &root) == 0 && fstat(collection->host->root, &there) == 0 &&
                           root.st_ino == there.st_ino;
    stage.name_was_there = strcmp(collection->known->host_name, "host.of.this.test") == 0;
    facts->sysctls = arena_alloc(collection->arena, SYSCTLS * sizeof *facts->sysctls);
    facts->sysctl_count = SYSCTLS;
    stage.went_on = true;
    return err_set(err, ERR_INPUT, "of no interest any more");
}

static int collect_next(struct collection *collection, struct err *err)
{
    (void)err;
    stage.seen_state = (int)collection->known->sources[SOURCE_SYSCTL].state;
    stage.seen_sysctls = (int)collection->known->sysctl_count;
    collection->facts->probe_count = (size_t)collection->known->worker_started;
    return 0;
}

static void go_without(struct collection *collection)
{
    collection->facts->cfg_error = collection->known->sources[SOURCE_SYSCTL].reason;
}

static const struct collector collectors[] = {
    {SOURCE_PROCESS, 0, "process", LONG_MS, true, true, collect_well, NULL},
    {SOURCE_SYSCTL, 0, "sysctl", SHORT_MS, true, false, collect_late, go_without},
    {SOURCE_PROBE, 1, "probe", LONG_MS, true, false, collect_next, NULL},
};
enum { COLLECTORS = sizeof collectors / sizeof *collectors };

/* One look, of a host and into an arena of its own. */
struct look {
    struct arena *arena;
    struct host *host;
    struct facts facts;
    struct err err;
    int result;
    int64_t milliseconds;
};

static void begin_look(struct look *look)
{
    int64_t began = clock_ms(CLOCK_MONOTONIC);

    *look = (struct look){.arena = arena_new()};
    assert_int_equal(host_open(NULL, &look->host, &look->err), 0);
    look->facts.sources[SOURCE_SYSCTL].name = "sysctl";
    look->facts.host_name = arena_string(look->arena, "host.of.this.test");
    look->result =
        wave_run_all(look->host, collectors, COLLECTORS, look->arena, &look->facts, &look->err);
    look->milliseconds = clock_ms(CLOCK_MONOTONIC) - began;
}

static void end_look(struct look *look)
{
    host_close(look->host);
    arena_free(look->arena);
}

static void open_gate(void)
{
    assert_int_equal(write(stage.gate[1], "", 1), 1);
}

static void wait_for_the_last(void)
{
    int64_t end = clock_ms(CLOCK_MONOTONIC) + PATIENCE_MS;

    while (beside_some_hang()) {
        assert_true(clock_ms(CLOCK_MONOTONIC) < end);
        (void)usleep(PAUSE_US);
    }
}

static int set_stage(void **state)
{
    (void)state;
    stage.starts = 0;
    stage.went_on = stage.host_was_there = stage.name_was_there = false;
    stage.seen_state = stage.seen_sysctls = -1;
    return pipe2(stage.gate, O_CLOEXEC);
}

static int clear_stage(void **state)
{
    (void)state;
    (void)close(stage.gate[0]);
    (void)close(stage.gate[1]);
    return 0;
}

static void assert_late(const struct facts *facts)
{
    const struct source *source = &facts->sources[SOURCE_SYSCTL];

    assert_int_equal(source->state, SOURCE_FAILED);
    assert_true(source->is_late);
    assert_int_equal(facts->sysctl_count, 0);
    assert_null(facts->sysctls);
}

static void test_wave_in_time_all_is_there(void **state)
{
    struct look look;
    struct err err;

    (void)state;
    open_gate();
    begin_look(&look);
    assert_int_equal(look.result, 0);
    assert_int_equal(look.facts.worker_started, STARTED);
    assert_int_equal(look.facts.sysctl_count, SYSCTLS);
    assert_int_equal(look.facts.probe_count, STARTED);
    assert_string_equal(look.facts.sources[SOURCE_SYSCTL].reason, "of no interest any more");
    assert_null(look.facts.cfg_error);
    assert_int_equal(stage.seen_sysctls, SYSCTLS);
    assert_int_equal(facts_check_late(&look.facts, &err), 0);
    end_look(&look);
}

static void test_wave_late_one_is_told_and_others_are_there(void **state)
{
    struct look look;
    struct err err;

    (void)state;
    begin_look(&look);
    assert_int_equal(stage.starts, 1);
    assert_int_equal(look.result, 0);
    assert_true(look.milliseconds >= SHORT_MS);
    assert_true(look.milliseconds < LONG_MS);
    assert_late(&look.facts);
    assert_non_null(strstr(look.facts.sources[SOURCE_SYSCTL].reason,
                           "not available because it took longer than 1 s"));
    assert_true(look.facts.sources[SOURCE_SYSCTL].milliseconds >= SHORT_MS);
    assert_ptr_equal(look.facts.cfg_error, look.facts.sources[SOURCE_SYSCTL].reason);
    assert_int_equal(look.facts.worker_started, STARTED);
    assert_int_equal(look.facts.sources[SOURCE_PROCESS].state, SOURCE_OK);
    assert_int_equal(look.facts.sources[SOURCE_PROBE].state, SOURCE_OK);
    assert_int_equal(look.facts.probe_count, STARTED);
    /* The next wave has seen it as one that is not there. */
    assert_int_equal(stage.seen_state, SOURCE_FAILED);
    assert_int_equal(stage.seen_sysctls, 0);
    assert_int_equal(facts_check_late(&look.facts, &err), -1);
    assert_non_null(strstr(err.text, "sysctl: not available"));
    open_gate();
    wait_for_the_last();
    end_look(&look);
}

/* For AddressSanitizer and ThreadSanitizer, too: what it uses is still there, and nobody else's. */
static void test_wave_late_one_goes_on_and_harms_nothing(void **state)
{
    struct look look;
    struct facts before;
    uint64_t told;

    (void)state;
    begin_look(&look);
    before = look.facts;
    end_look(&look);
    /* The descriptors that the look had are other files now. */
    int events[] = {eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK)};
    assert_false(stage.went_on);
    open_gate();
    wait_for_the_last();
    assert_true(stage.went_on);
    assert_true(stage.host_was_there);
    assert_true(stage.name_was_there);
    assert_memory_equal(&before, &look.facts, sizeof before);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        assert_int_equal(read(events[i], &told, sizeof told), -1);
        assert_int_equal(close(events[i]), 0);
    }
    beside_sweep();
}

static void test_wave_late_one_is_not_started_again_before_it_has_ended(void **state)
{
    struct look look;

    (void)state;
    begin_look(&look);
    end_look(&look);
    begin_look(&look);
    assert_int_equal(stage.starts, 1);
    assert_late(&look.facts);
    assert_non_null(
        strstr(look.facts.sources[SOURCE_SYSCTL].reason, "the last look at it still hangs"));
    assert_int_equal(look.facts.probe_count, STARTED);
    end_look(&look);
    open_gate();
    wait_for_the_last();
    open_gate();
    begin_look(&look);
    assert_int_equal(stage.starts, 2);
    assert_int_equal(look.facts.sysctl_count, SYSCTLS);
    end_look(&look);
}

static void test_wave_late_one_that_is_needed_is_an_error(void **state)
{
    static const struct collector needed[] = {
        {SOURCE_SYSCTL, 0, "sysctl", SHORT_MS, true, true, collect_late, NULL},
        {SOURCE_PROBE, 1, "probe", LONG_MS, true, false, collect_next, NULL},
    };
    struct arena *arena = arena_new();
    struct host *host = NULL;
    struct facts facts = {.host_name = "host.of.this.test"};
    struct err err = {0};

    (void)state;
    assert_int_equal(host_open(NULL, &host, &err), 0);
    assert_int_equal(wave_run_all(host, needed, 2, arena, &facts, &err), -1);
    assert_int_equal(err.kind, ERR_SYS);
    assert_non_null(strstr(err.text, "sysctl: not available because it took longer than 1 s"));
    assert_int_equal(stage.seen_state, -1);
    host_close(host);
    arena_free(arena);
    open_gate();
    wait_for_the_last();
    beside_sweep();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_stage, clear_stage)
    const struct CMUnitTest tests[] = {
        TEST(test_wave_in_time_all_is_there),
        TEST(test_wave_late_one_is_told_and_others_are_there),
        TEST(test_wave_late_one_goes_on_and_harms_nothing),
        TEST(test_wave_late_one_is_not_started_again_before_it_has_ended),
        TEST(test_wave_late_one_that_is_needed_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
