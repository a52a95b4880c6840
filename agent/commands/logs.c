#include "agent/commands/commands.h"

#include <string.h>

#include "plans/base/clock.h"
#include "agent/logs/journal.h"
#include "agent/logs/period.h"
#include "agent/logs/report.h"
#include "remediations/host/haproxy.h"

enum { TOP = 10, TOP_MAX = 100000 };

static const struct cli_option options[] = {
    {"since", 0, "TIME", "not before: 1h, 30m, 10:00, '2026-11-28 10:00', yesterday"},
    {"until", 0, "TIME", "not at that time nor after it"},
    {"top", 'n', "N", "rows of each table (10)"},
    {"threads", 0, "N", "1 to 8 (2 where they pay)"},
    {"json", 0, NULL, "one JSON document (" LOG_REPORT_SCHEMA ")"},
    {NULL, 0, NULL, NULL},
};

struct asked {
    struct log_options period;
    uint64_t top, threads;
};

static int read_time(const struct invocation *invocation, const char *name, int64_t now,
                     int64_t *out_time, struct err *err)
{
    const char *words = cli_value(invocation, name);

    *out_time = LOG_NO_TIME;
    return words == NULL ? 0 : log_period_parse(words, now, out_time, err);
}

static int read_options(const struct invocation *invocation, struct asked *out_asked,
                        struct err *err)
{
    struct asked asked = {.top = TOP};
    const char *top = cli_value(invocation, "top"), *threads = cli_value(invocation, "threads");

    asked.period.now = clock_ms(CLOCK_REALTIME);
    if (read_time(invocation, "since", asked.period.now, &asked.period.since, err) < 0 ||
        read_time(invocation, "until", asked.period.now, &asked.period.until, err) < 0)
        return -1;
    if (asked.period.since != LOG_NO_TIME && asked.period.until != LOG_NO_TIME &&
        asked.period.since >= asked.period.until)
        return err_set(err, ERR_INPUT, "--since '%s' is not before --until '%s'",
                       cli_value(invocation, "since"), cli_value(invocation, "until"));
    if (top != NULL && span_to_u64(span_of(top), "--top", 1, TOP_MAX, &asked.top, err) < 0)
        return -1;
    if (threads != NULL && span_to_u64(span_of(threads), "--threads", 1, LOG_READ_THREADS_MAX,
                                       &asked.threads, err) < 0)
        return -1;
    *out_asked = asked;
    return 0;
}

/* ---- where the lines come from ---- */

static int open_named(const struct invocation *invocation, int64_t since, struct log_files *files,
                      struct err *err)
{
    for (size_t i = 0; i < invocation->arguments.count; i++) {
        if (strcmp(invocation->arguments.at[i], "-") == 0)
            return err_set(err, ERR_INPUT, "'-' (standard input) stands alone, without files");
        if (log_files_open(NULL, invocation->arguments.at[i], since, invocation->arena, files,
                           err) < 0)
            return -1;
    }
    return 0;
}

/* Files, or else the journal. */
static int open_found(const struct invocation *invocation, int64_t since, struct log_files *files,
                      struct log_journal *journal, struct err *err)
{
    struct host *host CLEANUP_HOST = NULL;
    struct strings paths = {0};
    struct haproxy haproxy = {0};
    struct err unreadable;

    if (cli_open_host(invocation, &host, err) < 0 ||
        log_files_find(host, invocation->arena, &paths, err) < 0)
        return -1;
    for (size_t i = 0; i < paths.count; i++)
        if (log_files_open(host, paths.at[i], since, invocation->arena, files, err) < 0)
            return -1;
    if (paths.count > 0)
        return 0;
    if (haproxy_find(host, invocation->arena, &haproxy, err) < 0)
        return -1;
    if (log_journal_open(host, haproxy.unit, invocation->arena, journal, &unreadable) == 0)
        return 0;
    return err_set(err, ERR_INPUT,
                   "no log was found: name it, or set 'logs' in /etc/hamedic/hamedic.conf (there "
                   "is no /var/log/haproxy.log, nothing in /var/log/haproxy; %s)",
                   unreadable.text);
}

static bool is_stream(const struct invocation *invocation)
{
    return invocation->arguments.count == 1 && strcmp(invocation->arguments.at[0], "-") == 0;
}

/* ---- the command ---- */

static void free_tally(struct log_tally **tally)
{
    log_tally_free(*tally);
}

static const char *next_step(const struct invocation *invocation, const struct log_summary *summary)
{
    return summary->all.failed > 0
               ? arena_printf(invocation->arena, "%s diagnose looks for the causes",
                              cli_self(invocation))
               : NULL;
}

static enum exit_code tell(struct invocation *invocation, const struct log_tally *tally,
                           const struct log_report *read)
{
    struct arena *arena CLEANUP_ARENA = arena_new_huge();
    struct text text = text_new(arena);
    struct log_summary summary = {0};
    struct log_report report = *read;

    log_tally_summary(tally, arena, &summary);
    report.summary = &summary;
    report.next = next_step(invocation, &summary);
    if (report.unread > 0 && report.reading->options.since == LOG_NO_TIME)
        strings_addf(&report.notes, invocation->arena,
                     "%zu older files were not read: --since goes back to them", report.unread);
    if (cli_has(invocation, "json"))
        text_add(&text, log_report_json(&report, arena));
    else
        log_report_text(&invocation->style, &report, arena, &text);
    cli_print(&text);
    return report.reading->failures > 0 ? EXIT_ERROR : EXIT_OK;
}

static enum exit_code run(struct invocation *invocation)
{
    struct log_files files CLEANUP_LOG_FILES = {0};
    struct log_journal journal CLEANUP_LOG_JOURNAL = {0};
    struct log_tally *tally __attribute__((cleanup(free_tally))) = NULL;
    struct arena *arena = invocation->arena;
    struct asked asked;
    struct err err;
    int opened = 0;

    if (read_options(invocation, &asked, &err) < 0)
        return cli_usage(invocation, "%s", err.text);
    struct log_reading reading = {.options = asked.period, .threads = (unsigned)asked.threads};
    struct log_report report = {.reading = &reading, .top = (size_t)asked.top};
    if (invocation->arguments.count == 0)
        opened = open_found(invocation, asked.period.since, &files, &journal, &err);
    else if (!is_stream(invocation))
        opened = open_named(invocation, asked.period.since, &files, &err);
    if (opened < 0)
        return cli_fail(&err);

    if (is_stream(invocation)) {
        strings_add(&report.sources, arena, "standard input");
        log_read_stream(STDIN_FILENO, "standard input", &reading, arena, &tally);
    } else if (journal.name != NULL) {
        strings_add(&report.sources, arena, journal.name);
        log_journal_read(&journal, &reading, arena, &tally);
    } else {
        for (size_t i = 0; i < files.count; i++)
            strings_add(&report.sources, arena, files.at[i].name);
        log_read_files(&files, &reading, arena, &tally);
    }
    report.notes = files.notes;
    report.unread = files.unread;
    return tell(invocation, tally, &report);
}

const struct command command_logs = {
    .name = "logs",
    .arguments = "[FILE...]",
    .summary = "what HAProxy's logs say, counted in one pass",
    .about =
        "Counts failures, termination states, times, retries and queues for each frontend, "
        "backend and server. Without FILE it looks for the logs itself: files, or else systemd's "
        "journal. '-' is standard input.\n"
        "With --since it goes back to the files that a log was rotated to, also compressed ones, "
        "as far as needed; in a sorted file it reads only the part that it needs.\n"
        "Times are local where no zone is given; a log says local time too, unless it has a zone.\n"
        "Exit status: 0 all was read; 1 something could not be read, what could is counted.",
    .example = "  hamedic logs --since 1h\n"
               "  hamedic logs --since '2026-11-28 09:00' --until 10:30 /var/log/haproxy.log\n"
               "  journalctl -u haproxy -o short-iso | hamedic logs -\n",
    .options = options,
    .most = 1000,
    .run = run,
};
