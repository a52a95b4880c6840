#include "agent/logs/journal.h"

#include <stdio.h>
#include <time.h>

#include "plans/base/clock.h"

int log_journal_open(const struct host *host, const char *unit, struct arena *arena,
                     struct log_journal *out_journal, struct err *err)
{
    struct log_journal journal = {.unit = unit};

    if (journald_open(host, NULL, &journal.files, err) < 0)
        return -1;
    journal.name = arena_printf(arena, "the journal of %s",
                                unit != NULL ? unit : "whatever is called haproxy");
    *out_journal = journal;
    return 0;
}

void log_journal_close(struct log_journal *journal)
{
    journald_close(&journal->files);
}

static unsigned milliseconds_left(const struct log_reading *reading)
{
    if (reading->deadline == 0)
        return LOG_JOURNAL_MS;
    int64_t left = reading->deadline - clock_ms(CLOCK_MONOTONIC);
    return left < 1 ? 1 : (unsigned)left;
}

/* As a log file would have it: the message alone says neither when nor that it is HAProxy's. */
static void feed_entry(struct log_tally *tally, const struct journald_entry *entry,
                       struct log_reading *reading)
{
    char line[JOURNALD_TEXT_MAX + 128];
    time_t seconds = (time_t)(entry->time / 1000000);
    struct tm tm;

    if (entry->of_systemd || gmtime_r(&seconds, &tm) == NULL)
        return;
    size_t len = strftime(line, 64, "%Y-%m-%dT%H:%M:%S", &tm);
    len += (size_t)snprintf(line + len, sizeof line - len,
                            ".%06d+00:00 journal haproxy[%d]: %.*s\n", (int)(entry->time % 1000000),
                            (int)entry->pid, (int)entry->text.len, entry->text.ptr);
    if (len < sizeof line)
        log_tally_feed(tally, (struct span){line, len});
    reading->bytes += entry->text.len;
}

static void note_failure(struct log_reading *reading, struct arena *arena, const char *what)
{
    strings_add(&reading->notes, arena, what);
    reading->failures++;
}

void log_journal_read(const struct log_journal *journal, struct log_reading *reading,
                      struct arena *arena, struct log_tally **out_tally)
{
    const struct journald_query query = {
        .of = JOURNALD_ALL,
        .unit = journal->unit,
        .tag = journal->unit == NULL ? "haproxy" : NULL,
        .since = reading->options.since == LOG_NO_TIME ? 0 : reading->options.since / 1000,
        .deadline_ms = milliseconds_left(reading),
        .max_count = LOG_JOURNAL_COUNT_MAX,
        .max_bytes = LOG_JOURNAL_BYTES_MAX,
    };
    struct log_tally *tally = log_tally_new(&reading->options);
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct journald_list list = {0};
    struct err err;

    if (journald_read(&journal->files, &query, scratch, &list, &err) < 0)
        note_failure(reading, arena, arena_string(arena, err.text));
    for (size_t i = 0; i < list.count; i++)
        feed_entry(tally, &list.at[i], reading);
    if (list.cut)
        note_failure(reading, arena,
                     arena_printf(arena, "%s has more entries: only the newest %zu were read",
                                  journal->name, list.count));
    *out_tally = tally;
}
