#include "remediations/remediation.h"

#include <string.h>

extern const struct remediation selinux_boolean;
extern const struct remediation selinux_port;
extern const struct remediation sysctl_dropin;
extern const struct remediation systemd_limit;
extern const struct remediation haproxy_maxconn;
extern const struct remediation haproxy_stats_socket;

/* Commit order: what HAProxy needs of the system before what is written into HAProxy itself. */
static const struct remediation *const table[] = {
    &selinux_boolean, &selinux_port,    &sysctl_dropin,
    &systemd_limit,   &haproxy_maxconn, &haproxy_stats_socket,
};

const struct remediation *const *remediation_table(size_t *out_count)
{
    *out_count = sizeof table / sizeof table[0];
    return table;
}

const struct remediation *remediation_for(const char *kind)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i]->kind, kind) == 0)
            return table[i];
    return NULL;
}

void undo_report_left(struct undo_report *report, struct arena *arena, const char *what)
{
    report->left = report->left == NULL ? arena_string(arena, what)
                                        : arena_printf(arena, "%s; %s", report->left, what);
}

void change_begin(struct change *change, const struct remediation *row, const char *target,
                  struct arena *arena)
{
    *change = (struct change){
        .address = arena_printf(arena, "%s:%s", row->kind, target),
        .kind = row->kind,
        .target = arena_string(arena, target),
        .action = ACTION_NO_OP,
    };
}

void change_touch(struct change *change, struct arena *arena, const char *object, bool exists,
                  struct span bytes)
{
    const char *digest = "absent";

    if (exists) {
        struct digest of_bytes = digest_bytes(bytes);
        digest = arena_string(arena, of_bytes.hex);
    }
    ARENA_PUSH(arena, change->touched, change->touched_count) =
        (struct touched){arena_string(arena, object), digest};
}
