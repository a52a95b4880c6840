/* host/semanage_label: which type a port has, worked out from the records of the policy store.
 * Use:     list all and local records; semanage_label_mark_local; semanage_label_find.
 * Shapes:  records stand in the order in which the kernel looks at them: local ones first, narrow
 *          ranges before wide ones. The first that covers a port names its type.
 * Owns:    types are borrowed from the records.
 * Errors:  ERR_INPUT no protocol, no port.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SEMANAGE_LABEL_H
#define HAMEDIC_REMEDIATIONS_HOST_SEMANAGE_LABEL_H

#include "remediations/host/semanage.h"

struct port_record {
    uint32_t low, high;
    int protocol; /* libsemanage's number */
    const char *type;
    bool local;
};
struct port_records {
    struct port_record *at;
    size_t count;
};

/* libsemanage takes port 0, and takes 70000 for 4464: here they are refused. */
MUST_CHECK int semanage_label_check(const char *protocol, uint32_t port, bool *out_tcp,
                                    struct err *err);
/* `all` has each local record too: marks the first that is like it. */
void semanage_label_mark_local(struct port_records *all, const struct port_records *local);
struct semanage_port_label semanage_label_find(const struct port_records *all,
                                               const struct port_records *local, int protocol,
                                               uint32_t port);
/* Does the policy itself give this type to some port? */
bool semanage_label_is_given(const struct port_records *all, const char *type);

#endif
