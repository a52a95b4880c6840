#include "agent/observe/collect.h"
#include "remediations/host/selinux.h"

struct opened {
    struct audit_log log;
    const char *program;
};

int collect_open_audit(struct collection *collection, struct err *err)
{
    const char *program = collection->known->haproxy->program, *real = NULL;
    struct opened *opened = arena_alloc(collection->arena, sizeof *opened);

    if (program == NULL)
        return err_set(err, ERR_UNSUPPORTED, "no HAProxy is known here");
    if (selinux_mode(collection->host) == SELINUX_OFF)
        return err_set(err, ERR_UNSUPPORTED, "SELinux is off on this host: it denies nothing");
    /* The kernel names it by its real path, whatever links the unit goes through. */
    if (host_real_path(collection->host, program, collection->arena, &real, err) < 0 ||
        audit_open_log(collection->host, AUDIT_LOG_MAX, collection->arena, &opened->log, err) < 0)
        return -1;
    opened->program = real != NULL ? real : program;
    for (size_t i = 0; i < opened->log.count; i++)
        collection->opened[collection->opened_count++] = opened->log.files[i].fd;
    collection->context = opened;
    return 0;
}

int collect_audit(struct collection *collection, struct err *err)
{
    const struct opened *opened = collection->context;
    struct span bytes;

    if (audit_read_open(&opened->log, collection->arena, &bytes, err) < 0)
        return -1;
    return audit_parse(bytes, opened->program, collection->known->host_name, collection->arena,
                       &collection->facts->denials, err);
}
