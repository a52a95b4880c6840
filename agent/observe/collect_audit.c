#include "agent/observe/collect.h"
#include "remediations/host/selinux.h"

int collect_audit(struct collection *collection, struct err *err)
{
    const struct facts *known = collection->known;
    struct denials denials = {0};
    const char *program = NULL;

    if (known->haproxy->program == NULL)
        return err_set(err, ERR_UNSUPPORTED, "no HAProxy is known here");
    if (selinux_mode(collection->host) == SELINUX_OFF)
        return err_set(err, ERR_UNSUPPORTED, "SELinux is off on this host: it denies nothing");
    /* The kernel names it by its real path, whatever links the unit goes through. */
    if (host_real_path(collection->host, known->haproxy->program, collection->arena, &program,
                       err) < 0 ||
        audit_read(collection->host, program != NULL ? program : known->haproxy->program,
                   known->host_name, collection->arena, &denials, err) < 0)
        return -1;
    collection->facts->denials = denials;
    return 0;
}
