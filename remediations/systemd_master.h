/* systemd_master: the file limit of HAProxy's running master, for the row systemd.limit.
 * Shapes:  one number, the hard limit: HAProxy raises its soft limit up to it by itself. A new
 *          worker inherits it from its master.
 * Source:  prlimit(2). Seen with HAProxy 2.6.12 without CAP_SYS_RESOURCE: after prlimit on the
 *          master and a reload the new worker had the new limit. HAProxy before 2.6.7 (2.7-dev8) sets the limit
 *          that it had at its own start again when it reloads.
 */
#ifndef HAMEDIC_REMEDIATIONS_SYSTEMD_MASTER_H
#define HAMEDIC_REMEDIATIONS_SYSTEMD_MASTER_H

#include "remediations/remediation.h"

/* "200000", "infinity"; NULL: a tree, or HAProxy is not running. */
MUST_CHECK int master_limit(const struct scene *scene, struct arena *arena, const char **out_limit,
                            struct err *err);
/* after.runtime, impact and notes of a change to `value`. */
void master_plan(const struct scene *scene, uint64_t value, struct arena *arena,
                 struct change *change);
bool master_changes(const struct change *change);

/* What undo will need. */
MUST_CHECK int master_note(struct stage *stage, const struct change *change, struct err *err);
MUST_CHECK int master_raise(struct stage *stage, const struct change *change, struct err *err);
MUST_CHECK int master_prove(struct stage *stage, const struct change *change, struct err *err);
MUST_CHECK int master_undo(struct stage *stage, const struct change *change, struct arena *arena,
                           struct undo_report *report, struct err *err);

#endif
