#include "agent/observe/collect.h"
#include "remediations/host/selinux.h"

int collect_audit(struct collection *collection, struct err *err)
{
    const struct facts *known = collection->known;
    struct denials denials = {0};

    if (known->haproxy->program == NULL)
        return err_set(err, ERR_UNSUPPORTED, "no HAProxy is known here");
    if (selinux_mode(collection->host) == SELINUX_OFF)
        return err_set(err, ERR_UNSUPPORTED, "SELinux is off on this host: it denies nothing");
    if (audit_read(collection->host, known->haproxy->program, known->host_name, collection->arena,
                   &denials, err) < 0)
        return -1;
    collection->facts->denials = denials;
    return 0;
}
