/* remediations/remediation: how to read, plan, stage, commit, prove and undo ONE kind of resource.
 * A kind is one file with one `const struct remediation` and one line in table.c, in commit order.
 * Nothing else in the program knows it.
 * Use:     planning:  row = remediation_for(kind); row->check; row->plan.
 *          applying:  row->read again and compare with the plan; row->stage each; stage_seal;
 *                     row->commit each in table order; stage_finish; row->prove each.
 *          undoing:   row->undo each *prepared* change in reverse.
 * Shapes:  a change names its resource by `target`; values are text in one canonical form per kind
 *          ("on", "4096", "http_port_t").
 * Owns:    rows keep no state between calls. What undo needs is in the plan's `before` or in
 *          stage_note.
 * Errors:  ERR_INPUT malformed target or value; ERR_UNSUPPORTED the host lacks the thing;
 *          ERR_CHANGED it is not as planned, naming then and now; ERR_SYS.
 */
#ifndef HAMEDIC_REMEDIATIONS_REMEDIATION_H
#define HAMEDIC_REMEDIATIONS_REMEDIATION_H

#include "remediations/host/haproxy_cfg.h"
#include "remediations/stage.h"

/* What planning looks at. */
struct scene {
    const struct host *host;
    const struct haproxy *haproxy;
    const struct cfg *cfg; /* NULL: there is no readable configuration; cfg_error says why */
    const char *cfg_error;
    /* The other wishes of the same plan, so that a value can be judged with its company (a maxconn
     * with the limit that the plan raises for it). */
    const struct wish *wishes;
    size_t wish_count;
    bool may_edit_managed_files; /* the policy's word */
};

/* What prove found. */
struct proof {
    const char *now;   /* "runtime 4096 read back"; NULL: nothing could be proven now */
    const char *later; /* when the rest is due: "at the next boot: 99-hamedic.conf wins"; NULL:
                          nothing is */
};

/* What undo did, for the report. */
struct undo_report {
    enum undone persistent;
    enum undone runtime;
    const char *left; /* UNDONE_LEFT: what stands where, and what a person must do; else NULL */
};
/* Adds to `left`: one side that cannot be taken back MUST NOT keep the other from being. */
void undo_report_left(struct undo_report *report, struct arena *arena, const char *what);

struct remediation {
    const char *kind;    /* "sysctl.dropin" */
    const char *summary; /* one line for `hamedic help` */
    /* Of several changes of this kind the one of this target comes first; NULL: as they are wished. */
    const char *first_target;
    const char *example;  /* "sysctl.dropin:net.core.somaxconn=4096" */
    bool runs_in_haproxy; /* its running value is one of the HAProxy process */

    /* Pure: well-formed? Gives the canonical value ("" stays ""). */
    int (*check)(const char *target, const char *value, struct arena *arena, const char **out_value,
                 struct err *err);
    /* Both sides as they are now, and the objects this rests on. */
    int (*read)(const struct scene *scene, const char *target, struct arena *arena,
                struct change *out_now, struct err *err);
    /* The exact change for a wish whose value was checked: address, kind, target, action, before,
     * after, file, touched, diff, impact, exposure, notes, undo. Nothing to do: ACTION_NO_OP. `why`
     * and risk are the caller's. */
    int (*plan)(const struct scene *scene, const struct wish *wish, struct arena *arena,
                struct change *out_change, struct err *err);
    /* Into the stage; nothing visible. */
    int (*stage)(struct stage *stage, const struct scene *scene, const struct change *change,
                 struct err *err);
    int (*commit)(struct stage *stage, const struct change *change, struct err *err);
    int (*prove)(struct stage *stage, const struct change *change, struct arena *arena,
                 struct proof *out_proof, struct err *err);
    /* As far as each side can be taken back; what cannot is in `left`. */
    int (*undo)(struct stage *stage, const struct change *change, struct arena *arena,
                struct undo_report *out_report, struct err *err);
};

/* In commit order; *out_count rows. */
const struct remediation *const *remediation_table(size_t *out_count);
const struct remediation *remediation_for(const char *kind); /* NULL: no such kind */

/* A change with address, kind, target set and everything else empty. */
void change_begin(struct change *change, const struct remediation *row, const char *target,
                  struct arena *arena);
void change_touch(struct change *change, struct arena *arena, const char *object, bool exists,
                  struct span bytes);

#endif
