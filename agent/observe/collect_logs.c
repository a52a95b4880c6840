/* The newest lines of HAProxy's log: files, or else systemd's journal. */
#include <time.h>

#include "agent/logs/journal.h"
#include "plans/base/clock.h"
#include "agent/logs/read.h"
#include "agent/observe/collect.h"
#include "agent/observe/parts.h"
#include "plans/base/escape.h"

/* Kept for opening the journal's files where there are none of a log. */
struct opened {
    struct log_files files;
    struct log_journal journal;
    bool is_journal;
    int64_t now, since;
};

static int keep(struct collection *collection, const int *fd, struct err *err)
{
    if (collection->opened_count == COLLECT_OPENED_MAX)
        return err_set(err, ERR_INPUT, "its logs are more than %d files", COLLECT_OPENED_MAX);
    collection->opened[collection->opened_count++] = *fd;
    return 0;
}

/* All that was opened is closed by the collection, also on failure. */
static int open_paths(struct collection *collection, const struct host *host,
                      const struct strings *paths, struct opened *opened, struct err *err)
{
    int done = 0;

    for (size_t i = 0; i < paths->count && done == 0; i++)
        done = log_files_open(host, paths->at[i], opened->since, collection->arena, &opened->files,
                              err);
    for (size_t i = 0; i < opened->files.count; i++) {
        struct err full;
        if (keep(collection, &opened->files.at[i].fd, &full) == 0)
            continue;
        (void)close(opened->files.at[i].fd);
        if (done == 0) {
            *err = full;
            done = -1;
        }
    }
    return done;
}

static int open_journal(struct collection *collection, struct opened *opened, struct err *err)
{
    const struct host *host = collection->host;

    if (log_journal_open(host, collection->known->haproxy->unit, collection->arena,
                         &opened->journal, err) < 0)
        return err_wrap(err, "no log file is known here");
    opened->is_journal = true;
    for (size_t i = 0; i < opened->journal.files.count; i++)
        if (keep(collection, &opened->journal.files.fd[i], err) < 0)
            return -1;
    return 0;
}

int collect_open_logs(struct collection *collection, struct err *err)
{
    const struct facts_wanted *wanted = &collection->known->wanted;
    struct opened *opened = arena_alloc(collection->arena, sizeof *opened);
    struct strings paths = wanted->logs;

    if (wanted->without_logs)
        return err_set(err, ERR_UNSUPPORTED, "no log is read for this");
    if (collection->known->haproxy->program == NULL && paths.count == 0)
        return err_set(err, ERR_UNSUPPORTED, "no HAProxy is known here");
    opened->now = clock_ms(CLOCK_REALTIME);
    opened->since = wanted->logs_since != 0 ? wanted->logs_since : opened->now - FACTS_LOGS_MS;
    tzset(); /* what the zone is stands in a file, which is not opened apart */
    collection->context = opened;
    if (paths.count > 0)
        return open_paths(collection, NULL, &paths, opened, err);
    if (log_files_find(collection->host, collection->arena, &paths, err) < 0)
        return -1;
    return paths.count > 0 ? open_paths(collection, collection->host, &paths, opened, err)
                           : open_journal(collection, opened, err);
}

/* ---- apart ---- */

static const char *where(const struct opened *opened, struct arena *arena)
{
    const struct log_files *files = &opened->files;

    if (opened->is_journal)
        return opened->journal.name;
    if (files->count == 0)
        return "its log";
    return files->count == 1
               ? escape_string(arena, files->at[0].name)
               : arena_printf(arena, "%s and %zu more", escape_string(arena, files->at[0].name),
                              files->count - 1);
}

/* A tenth of all is more than what a line now and then comes to. */
enum { UNKNOWN_SHARE = 10 };

static const char *unknown(const struct log_summary *summary, const char *name, struct arena *arena)
{
    uint64_t strange = summary->kinds[LOG_KIND_UNKNOWN] + summary->timeless;
    uint64_t all = summary->lines - summary->skipped + summary->timeless;

    if (strange == 0 || strange * UNKNOWN_SHARE < all)
        return NULL;
    return arena_printf(arena,
                        "%ju of %ju lines in %s are in no format that is known, such as a "
                        "log-format of its own: requests in them were not counted",
                        (uintmax_t)strange, (uintmax_t)all, name);
}

static const char *missing(const struct log_reading *reading, const struct log_files *files,
                           struct arena *arena)
{
    if (reading->is_late)
        return arena_printf(arena, "not all of it was read within %d s", LOGS_READ_MS / 1000);
    if (reading->failures > 0)
        return reading->notes.at[reading->notes.count - 1];
    return files->notes.count > 0 ? files->notes.at[0] : NULL;
}

static int no_line(const struct opened *opened, const char *name, struct err *err)
{
    intmax_t seconds = (intmax_t)((opened->now - opened->since) / 1000);

    return err_set(err, ERR_UNSUPPORTED, "no line in the last %jd %s in %s",
                   seconds < 120 ? seconds : seconds / 60, seconds < 120 ? "s" : "min", name);
}

int collect_logs(struct collection *collection, struct err *err)
{
    const struct opened *opened = collection->context;
    struct arena *arena = collection->arena;
    struct log_facts *logs = &collection->facts->logs;
    struct log_tally *tally = NULL;
    struct log_reading reading = {
        .options = {.now = opened->now, .since = opened->since, .until = LOG_NO_TIME},
        .threads = 1,
        .newest = LOGS_READ_BYTES,
        .deadline = clock_ms(CLOCK_MONOTONIC) + LOGS_READ_MS,
    };

    if (opened->is_journal)
        log_journal_read(&opened->journal, &reading, arena, &tally);
    else
        log_read_files(&opened->files, &reading, arena, &tally);
    log_tally_summary(tally, arena, &logs->summary);
    log_tally_free(tally);
    logs->since = opened->since;
    logs->where = where(opened, arena);
    logs->missing = missing(&reading, &opened->files, arena);
    logs->unknown = unknown(&logs->summary, logs->where, arena);
    if (logs->summary.lines > logs->summary.skipped)
        return 0;
    if (logs->missing != NULL)
        return err_set(err, ERR_SYS, "%s", logs->missing);
    if (logs->unknown != NULL)
        return err_set(err, ERR_SYS, "%s", logs->unknown);
    return no_line(opened, logs->where, err);
}
