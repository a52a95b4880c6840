/* HAProxy's own halog as the judge: termination states, statuses and servers of a log of a busy host (make_log) are
 * counted the same, in each way lines are read here. */
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/logs/tally.h"
#include "plans/base/file.h"
#include "plans/base/text.h"
#include "tests/unit/scratch.h"

#define LINES "20000"

static struct scratch scratch;
static struct span generated; /* by make_log */

static void run(const char *const *arguments, const char *input, const char *output)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        int in = openat(scratch.dir, input, O_RDONLY | O_CLOEXEC);
        int out = openat(scratch.dir, output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        if (in < 0 || out < 0 || null < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 ||
            dup2(null, 2) < 0)
            _exit(126);
        (void)execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s ended with %d", arguments[0], status);
}

static int set_up(void **state)
{
    const char *const make_log[] = {MAKE_LOG, LINES, NULL};
    struct err err = {0};

    (void)state;
    (void)setenv("TZ", "UTC", 1);
    (void)setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
    tzset();
    scratch_open(&scratch);
    scratch_write(&scratch, "nothing", "");
    run(make_log, "nothing", "log");
    if (file_read(scratch.dir, "log", 64 << 20, scratch.arena, &generated, &err) < 0)
        fail_msg("%s", err.text);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_close(&scratch);
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Lines sorted by their bytes; halog's begin with its headings where they have a '#'. */
static const char *sorted(const char *text)
{
    struct text result = text_new(scratch.arena);
    struct span rest = span_of(text), line;
    const char **lines = NULL;
    size_t count = 0;

    while (span_next_line(&rest, &line))
        if (line.len > 0 && *line.ptr != '#')
            ARENA_PUSH(scratch.arena, lines, count) = arena_copy(scratch.arena, line.ptr, line.len);
    assert_true(count > 0);
    qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++)
        text_addf(&result, "%s\n", lines[i]);
    return text_string(&result);
}

/* halog's answer, of each line only the first `columns` words. */
static const char *judge(const char *option, size_t columns)
{
    const char *const arguments[] = {"halog", option, NULL};
    struct text text = text_new(scratch.arena);
    struct span rest, line, word;
    const char *answer;

    run(arguments, "log", "answer");
    answer = scratch_read(&scratch, "answer");
    assert_non_null(answer);
    rest = span_of(answer);
    while (span_next_line(&rest, &line)) {
        for (size_t i = 0; i < columns && line.len > 0; i++) {
            word = span_cut(&line, ' ');
            if (i > 0)
                text_add(&text, " ");
            text_add_span(&text, word);
        }
        text_add(&text, "\n");
    }
    return sorted(text_string(&text));
}

static void sum_up(enum log_scan_way way, struct log_summary *out)
{
    struct log_options options = {
        .now = INT64_C(1796000000000), .since = LOG_NO_TIME, .until = LOG_NO_TIME, .way = way};
    struct log_tally *tally = log_tally_new(&options);

    log_tally_feed(tally, generated);
    log_tally_summary(tally, scratch.arena, out);
    log_tally_free(tally);
}

static const char *states_of(const struct log_summary *summary)
{
    struct text text = text_new(scratch.arena);

    for (size_t i = 0; i < summary->all.state_count; i++) {
        uint64_t count = 0;
        bool first = true;

        for (size_t k = 0; k < summary->all.state_count; k++)
            if (memcmp(summary->all.states[i].state, summary->all.states[k].state, 2) == 0) {
                count += summary->all.states[k].count;
                first = first && k >= i;
            }
        if (first)
            text_addf(&text, "%.2s %ju\n", summary->all.states[i].state, (uintmax_t)count);
    }
    return sorted(text_string(&text));
}

static const char *statuses_of(const struct log_summary *summary)
{
    struct text text = text_new(scratch.arena);

    for (size_t i = 0; i < summary->all.status_count; i++)
        text_addf(&text, "%d %ju\n", (int)summary->all.statuses[i].status,
                  (uintmax_t)summary->all.statuses[i].count);
    return sorted(text_string(&text));
}

/* "be/srv 1xx 2xx 3xx 4xx 5xx other requests" */
static const char *servers_of(const struct log_summary *summary)
{
    struct text text = text_new(scratch.arena);

    for (size_t i = 0; i < summary->server_count; i++) {
        const struct log_group *server = &summary->servers[i];

        text_addf(&text, "%s/%s", server->backend, server->name);
        for (size_t k = 1; k <= 6; k++)
            text_addf(&text, " %ju", (uintmax_t)server->classes[k % 6]);
        text_addf(&text, " %ju\n", (uintmax_t)server->requests);
    }
    return sorted(text_string(&text));
}

static void test_oracle_halog_counts_the_same(void **state)
{
    const char *states = judge("-tc", 2), *statuses = judge("-st", 2), *servers = judge("-srv", 8);

    (void)state;
    for (enum log_scan_way way = LOG_SCAN_BEST; way < LOG_SCAN_WAYS; way++) {
        struct log_summary summary;

        if (!log_tally_has_way(way))
            continue;
        sum_up(way, &summary);
        assert_string_equal(states_of(&summary), states);
        assert_string_equal(statuses_of(&summary), statuses);
        assert_string_equal(servers_of(&summary), servers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_oracle_halog_counts_the_same)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
