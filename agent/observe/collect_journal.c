/* What HAProxy said since it was started, or while it could not be. */
#include "agent/observe/collect.h"
#include "remediations/host/journald.h"

enum {
    STARTED_SLACK = 60, /* a worker's start is known to the second, and is not its first word */
    STOPPED_REACH = 24 * 3600, /* how far back an attempt to start it is looked for */
    READ_MS = 4000,
};

int collect_open_journal(struct collection *collection, struct err *err)
{
    struct journald_files *files = arena_alloc(collection->arena, sizeof *files);

    if (journald_open(collection->host, NULL, files, err) < 0)
        return -1;
    for (size_t i = 0; i < files->count; i++)
        collection->opened[collection->opened_count++] = files->fd[i];
    collection->context = files;
    return 0;
}

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

    collection->facts->messages.from = "journal";
    while (i < a->count || k < b->count)
        if (k == b->count || (i < a->count && a->at[i].time <= b->at[k].time))
            add(collection, &a->at[i++]);
        else
            add(collection, &b->at[k++]);
}

int collect_journal(struct collection *collection, struct err *err)
{
    const struct facts *known = collection->known;
    struct journald_list output = {0}, urgent = {0};
    struct journald_query query = {
        .unit = known->haproxy->unit,
        .tag = known->haproxy->unit == NULL ? "haproxy" : NULL,
        .since = known->worker_started > 0 ? known->worker_started - STARTED_SLACK
                                           : known->time - STOPPED_REACH,
        .deadline_ms = READ_MS,
        .max_count = MESSAGES_MAX / 2,
        .max_bytes = JOURNALD_BYTES_MAX,
    };

    query.of = JOURNALD_OUTPUT;
    if (journald_read(collection->context, &query, collection->arena, &output, err) < 0)
        return -1;
    query.of = JOURNALD_URGENT;
    if (journald_read(collection->context, &query, collection->arena, &urgent, err) < 0)
        return -1;
    add_both(collection, &output, &urgent);
    return 0;
}
