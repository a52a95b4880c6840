/* The journal that is read here is made by systemd-journal-remote from its export format. */
#include "agent/logs/journal.h"

#include <spawn.h>
#include <sys/wait.h>

#include "plans/base/text.h"
#include "tests/unit/scratch.h"

extern char **environ;

#define START INT64_C(1795852800) /* 2026-11-28 08:00:00 UTC */
#define REQUEST                                                                                    \
    "10.0.0.%d:4711 [28/Nov/2026:08:00:00.000] f b/s%d 0/0/0/1/1 %d 99 - - %s 1/1/0/0/0 0/0 "      \
    "\"GET / HTTP/1.1\""

enum { ENTRIES = 60 };

/* An entry a second of HAProxy's unit, every other one of another unit. */
static void write_export(struct text *text)
{
    for (int i = 0; i < ENTRIES; i++) {
        text_addf(text,
                  "__REALTIME_TIMESTAMP=%jd000000\n__MONOTONIC_TIMESTAMP=%d000000\n"
                  "_BOOT_ID=0123456789abcdef0123456789abcdef\n"
                  "_MACHINE_ID=0123456789abcdef0123456789abcdef\n"
                  "_TRANSPORT=syslog\n_SYSTEMD_UNIT=%s.service\n_PID=339\n_UID=99\nPRIORITY=6\n"
                  "SYSLOG_IDENTIFIER=haproxy\nMESSAGE=",
                  (intmax_t)START + i, i + 1, i % 2 == 0 ? "haproxy" : "other");
        text_addf(text, REQUEST "\n\n", i % 9, i % 3, i % 4 == 0 ? 503 : 200,
                  i % 4 == 0 ? "SC--" : "----");
    }
}

static void make_journal(struct scratch *scratch, const char *directory)
{
    const char *export = arena_printf(scratch->arena, "%s/export", scratch->path);
    const char *program = access("/lib/systemd/systemd-journal-remote", X_OK) == 0
                              ? "/lib/systemd/systemd-journal-remote"
                              : "/usr/lib/systemd/systemd-journal-remote";
    char *const arguments[] = {arena_string(scratch->arena, program),
                               arena_string(scratch->arena, "-o"),
                               arena_printf(scratch->arena, "%s/system.journal", directory),
                               arena_string(scratch->arena, export), NULL};
    struct text text = text_new(scratch->arena);
    posix_spawn_file_actions_t actions;
    int status = -1;
    pid_t pid = -1;

    write_export(&text);
    scratch_write(scratch, "export", text_string(&text));
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0), 0);
    assert_int_equal(posix_spawn(&pid, program, &actions, NULL, arguments, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static struct log_summary read_journal(const struct log_journal *journal, int64_t since,
                                       struct log_reading *reading, struct arena *arena)
{
    struct log_summary summary = {0};
    struct log_tally *tally = NULL;

    *reading = (struct log_reading){
        .options = {.now = START * 1000 + 120000, .since = since, .until = LOG_NO_TIME}};
    log_journal_read(journal, reading, arena, &tally);
    log_tally_summary(tally, arena, &summary);
    log_tally_free(tally);
    return summary;
}

static void test_log_journal_read_counts_the_units_lines_with_the_journals_time(void **state)
{
    struct scratch scratch;
    struct host *host CLEANUP_HOST = NULL;
    struct log_reading reading;
    struct err err = {0};

    (void)state;
    scratch_open(&scratch);
    const char *directory = arena_printf(scratch.arena, "%s/journal", scratch.path);
    assert_int_equal(mkdir(directory, 0755), 0);
    make_journal(&scratch, directory);
    struct log_journal journal CLEANUP_LOG_JOURNAL = {.unit = "haproxy.service", .name = "journal"};
    assert_int_equal(host_open(NULL, &host, &err), 0);
    if (journald_open(host, directory, &journal.files, &err) < 0)
        fail_msg("%s", err.text);
    struct log_summary summary = read_journal(&journal, LOG_NO_TIME, &reading, scratch.arena);
    assert_int_equal(summary.all.requests, ENTRIES / 2);
    assert_int_equal(summary.all.failed, ENTRIES / 4);
    assert_int_equal(summary.first, START * 1000);
    assert_int_equal(summary.last, (START + ENTRIES - 2) * 1000);
    assert_int_equal(reading.failures, 0);
    summary = read_journal(&journal, (START + 30) * 1000, &reading, scratch.arena);
    assert_int_equal(summary.all.requests, 15);
    journald_close(&journal.files);
    journal.files.count = 0;
    scratch_close(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_journal_read_counts_the_units_lines_with_the_journals_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
