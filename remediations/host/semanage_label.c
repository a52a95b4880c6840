#include "remediations/host/semanage_label.h"

#include <string.h>

int semanage_label_check(const char *protocol, uint32_t port, bool *out_tcp, struct err *err)
{
    bool tcp = strcmp(protocol, "tcp") == 0;

    if (!tcp && strcmp(protocol, "udp") != 0)
        return err_set(err, ERR_INPUT, "'%s' is no protocol for a port label: tcp or udp",
                       protocol);
    if (port < 1 || port > 65535)
        return err_set(err, ERR_INPUT, "%u is no port: expected 1 to 65535", port);
    *out_tcp = tcp;
    return 0;
}

static bool same_record(const struct port_record *a, const struct port_record *b)
{
    return a->low == b->low && a->high == b->high && a->protocol == b->protocol &&
           strcmp(a->type, b->type) == 0;
}

static void mark_one(struct port_records *all, const struct port_record *local)
{
    for (size_t at = 0; at < all->count; at++) {
        if (all->at[at].local || !same_record(&all->at[at], local))
            continue;
        all->at[at].local = true;
        return;
    }
}

void semanage_label_mark_local(struct port_records *all, const struct port_records *local)
{
    for (size_t at = 0; at < local->count; at++)
        mark_one(all, &local->at[at]);
}

static bool covers(const struct port_record *record, int protocol, uint32_t port)
{
    return record->protocol == protocol && record->low <= port && port <= record->high;
}

struct semanage_port_label semanage_label_find(const struct port_records *all,
                                               const struct port_records *local, int protocol,
                                               uint32_t port)
{
    struct semanage_port_label label = {0};

    for (size_t at = 0; at < all->count; at++) {
        const struct port_record *record = &all->at[at];
        if (!covers(record, protocol, port))
            continue;
        if (label.type == NULL)
            label.type = record->type;
        if (label.policy_type == NULL && !record->local)
            label.policy_type = record->type;
    }
    for (size_t at = 0; at < local->count; at++) {
        const struct port_record *record = &local->at[at];
        if (!covers(record, protocol, port))
            continue;
        if (record->low == port && record->high == port) {
            label.is_local = true;
            continue;
        }
        label.local_range_type = record->type;
        label.local_low = record->low;
        label.local_high = record->high;
    }
    return label;
}

bool semanage_label_is_given(const struct port_records *all, const char *type)
{
    for (size_t at = 0; at < all->count; at++)
        if (!all->at[at].local && strcmp(all->at[at].type, type) == 0)
            return true;
    return false;
}
