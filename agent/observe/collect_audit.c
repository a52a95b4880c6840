#include "agent/observe/collect.h"
#include "plans/base/text.h"
#include "remediations/host/journald.h"
#include "remediations/host/selinux.h"

enum { JOURNAL_MS = 5000, JOURNAL_RECORDS = 20000 };

struct opened {
    struct audit_log log;
    struct journald_files journal; /* where there is no auditd: journald keeps its records */
    const char *program;
};

static int open_journal(struct collection *collection, struct opened *opened, struct err *err)
{
    struct err ignored = {0};

    /* What is missing is told of the log: where there is neither, it is what one would install. */
    if (err->kind != ERR_UNSUPPORTED ||
        journald_open(collection->host, NULL, &opened->journal, &ignored) < 0)
        return -1;
    *err = (struct err){0};
    for (size_t i = 0; i < opened->journal.count; i++)
        collection->opened[collection->opened_count++] = opened->journal.fd[i];
    return 0;
}

int collect_open_audit(struct collection *collection, struct err *err)
{
    const char *program = collection->known->haproxy->program, *real = NULL;
    struct opened *opened = arena_alloc(collection->arena, sizeof *opened);

    if (program == NULL)
        return err_set(err, ERR_UNSUPPORTED, "no HAProxy is known here");
    if (selinux_mode(collection->host) == SELINUX_OFF)
        return err_set(err, ERR_UNSUPPORTED, "SELinux is off on this host: it denies nothing");
    /* The kernel names it by its real path, whatever links the unit goes through. */
    if (host_real_path(collection->host, program, collection->arena, &real, err) < 0)
        return -1;
    if (audit_open_log(collection->host, AUDIT_LOG_MAX, collection->arena, &opened->log, err) < 0 &&
        open_journal(collection, opened, err) < 0)
        return -1;
    opened->program = real != NULL ? real : program;
    for (size_t i = 0; i < opened->log.count; i++)
        collection->opened[collection->opened_count++] = opened->log.files[i].fd;
    collection->context = opened;
    return 0;
}

static int read_journal(struct collection *collection, const struct journald_files *files,
                        struct span *out_bytes, struct err *err)
{
    const struct journald_query query = {.of = JOURNALD_AUDIT,
                                         .deadline_ms = JOURNAL_MS,
                                         .max_count = JOURNAL_RECORDS,
                                         .max_bytes = AUDIT_LOG_MAX};
    struct journald_list list = {0};
    struct text text = text_new(collection->arena);

    if (journald_read(files, &query, collection->arena, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.count; i++) {
        text_add_span(&text, list.at[i].text);
        text_add(&text, "\n");
    }
    *out_bytes = text_span(&text);
    return 0;
}

int collect_audit(struct collection *collection, struct err *err)
{
    const struct opened *opened = collection->context;
    struct span bytes;

    if (opened->journal.count > 0
            ? read_journal(collection, &opened->journal, &bytes, err) < 0
            : audit_read_open(&opened->log, collection->arena, &bytes, err) < 0)
        return -1;
    return audit_parse(bytes, opened->program, collection->known->host_name, collection->arena,
                       &collection->facts->denials, err);
}
