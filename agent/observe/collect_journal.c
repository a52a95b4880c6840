/* What HAProxy said since it was started, or while it could not be: in systemd's journal, or, on a
 * host that keeps none, in its log files. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/logs/files.h"
#include "agent/logs/line.h"
#include "agent/observe/collect.h"
#include "plans/base/escape.h"
#include "remediations/host/journald.h"

enum {
    STARTED_SLACK = 60, /* a worker's start is known to the second, and is not its first word */
    STOPPED_REACH = 24 * 3600, /* how far back an attempt to start it is looked for */
    READ_MS = 4000,
    FILE_BYTES = 4 * 1024 * 1024, /* the newest of each log */
    FILES_MAX = 8,
    FILE_NAME_MAX = 256,
};

struct opened {
    struct journald_files journal;
    struct log_files files;
    bool is_file;
};

static int64_t begin_of(const struct facts *known)
{
    return known->worker_started > 0 ? known->worker_started - STARTED_SLACK
                                     : known->time - STOPPED_REACH;
}

/* ---- before: with the agent's rights ---- */

/* Only the logs themselves: what they were rotated to is older than what is looked for, mostly. */
static void open_files(struct collection *collection, struct opened *opened)
{
    const struct facts_wanted *wanted = &collection->known->wanted;
    struct strings paths = wanted->logs;
    struct err ignored = {0};

    if (wanted->without_logs ||
        (paths.count == 0 &&
         log_files_find(collection->host, collection->arena, &paths, &ignored) < 0))
        return;
    for (size_t i = 0; i < paths.count && opened->files.count < FILES_MAX; i++)
        if (log_files_open(wanted->logs.count > 0 ? NULL : collection->host, paths.at[i],
                           LOG_NO_TIME, collection->arena, &opened->files, &ignored) < 0)
            ignored = (struct err){0}; /* told by the source that reads all of it */
    opened->is_file = opened->files.count > 0;
    for (size_t i = 0; i < opened->files.count; i++)
        collection->opened[collection->opened_count++] = opened->files.at[i].fd;
}

int collect_open_journal(struct collection *collection, struct err *err)
{
    struct opened *opened = arena_alloc(collection->arena, sizeof *opened);

    collection->context = opened;
    if (journald_open(collection->host, NULL, &opened->journal, err) == 0) {
        for (size_t i = 0; i < opened->journal.count; i++)
            collection->opened[collection->opened_count++] = opened->journal.fd[i];
        return 0;
    }
    open_files(collection, opened);
    if (!opened->is_file)
        return -1;
    tzset(); /* what the zone is stands in a file, which is not opened apart */
    *err = (struct err){0};
    return 0;
}

/* ---- apart: the journal ---- */

static void add(struct collection *collection, const struct journald_entry *entry)
{
    (void)messages_add(&collection->facts->messages, collection->arena, entry->time / 1000000,
                       entry->pid, entry->of_systemd, entry->text);
}

/* In the order of their times. */
static void add_both(struct collection *collection, const struct journald_list *a,
                     const struct journald_list *b)
{
    size_t i = 0, k = 0;

    while (i < a->count || k < b->count)
        if (k == b->count || (i < a->count && a->at[i].time <= b->at[k].time))
            add(collection, &a->at[i++]);
        else
            add(collection, &b->at[k++]);
}

static int read_journal(struct collection *collection, const struct opened *opened, struct err *err)
{
    const struct facts *known = collection->known;
    struct journald_list output = {0}, urgent = {0};
    struct journald_query query = {
        .unit = known->haproxy->unit,
        .tag = known->haproxy->unit == NULL ? "haproxy" : NULL,
        .since = begin_of(known),
        .deadline_ms = READ_MS,
        .max_count = MESSAGES_MAX / 2,
        .max_bytes = JOURNALD_BYTES_MAX,
    };

    query.of = JOURNALD_OUTPUT;
    if (journald_read(&opened->journal, &query, collection->arena, &output, err) < 0)
        return -1;
    query.of = JOURNALD_URGENT;
    if (journald_read(&opened->journal, &query, collection->arena, &urgent, err) < 0)
        return -1;
    collection->facts->messages.from = "journal";
    add_both(collection, &output, &urgent);
    return 0;
}

/* ---- apart: log files ---- */

/* "haproxy[123]:"; 0: not told. */
static int64_t writer_of(const struct log_line *line)
{
    const char *at = line->tag.ptr, *end = line->payload.ptr;
    uint64_t pid = 0;

    if (at == NULL || end == NULL || end < at + line->tag.len)
        return 0;
    struct span rest = {at + line->tag.len, (size_t)(end - at) - line->tag.len};
    if (rest.len == 0 || rest.ptr[0] != '[')
        return 0;
    rest = (struct span){rest.ptr + 1, rest.len - 1};
    return span_scan_u64(span_cut(&rest, ']'), &pid) && pid <= INT32_MAX ? (int64_t)pid : 0;
}

static void add_line(struct collection *collection, struct log_clock *clock, struct span bytes)
{
    int64_t since = begin_of(collection->known);
    struct log_line line;

    log_line_parse(clock, bytes, &line);
    if (line.kind != LOG_KIND_MESSAGE || (line.time != LOG_NO_TIME && line.time / 1000 < since))
        return;
    (void)messages_add(&collection->facts->messages, collection->arena,
                       line.time != LOG_NO_TIME ? line.time / 1000 : 0, writer_of(&line), false,
                       line.message);
}

static size_t read_end(const struct log_file *file, char *bytes, uint64_t *out_from)
{
    uint64_t from = file->size > FILE_BYTES ? file->size - FILE_BYTES : 0;
    size_t len = 0;

    while (len < FILE_BYTES && from + len < file->size) {
        ssize_t got = pread(file->fd, bytes + len, FILE_BYTES - len, (off_t)(from + len));
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    *out_from = from;
    return len;
}

static void add_file(struct collection *collection, const struct log_file *file)
{
    char *bytes = arena_alloc(collection->arena, FILE_BYTES);
    struct log_clock clock;
    struct span rest, line;
    uint64_t from;

    rest = (struct span){bytes, read_end(file, bytes, &from)};
    log_clock_init(&clock, collection->known->time * 1000);
    if (from > 0) /* in mid-line */
        (void)span_next_line(&rest, &line);
    while (span_next_line(&rest, &line))
        add_line(collection, &clock, line);
}

static void read_files(struct collection *collection, const struct opened *opened)
{
    struct haproxy_messages *messages = &collection->facts->messages;

    messages->from =
        escape_span(collection->arena, span_of(opened->files.at[0].name), FILE_NAME_MAX);
    for (size_t i = 0; i < opened->files.count; i++)
        add_file(collection, &opened->files.at[i]);
}

int collect_journal(struct collection *collection, struct err *err)
{
    const struct opened *opened = collection->context;

    if (!opened->is_file)
        return read_journal(collection, opened, err);
    read_files(collection, opened);
    return 0;
}
