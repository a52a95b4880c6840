/* transaction/engine: a plan all-or-nothing, and back.
 * Use:     with the ledger's lock held: engine_recover first; engine_apply; engine_rollback.
 * Shapes:  the caller has verified signatures, host, expiry and policy; the engine looks at the
 *          host: is everything as the plan says, and does it prove itself afterwards. It prints
 *          nothing: steps go to `report`.
 *          engine_order.confirm_seconds puts a deadline into the journal; who wakes `hamedic
 *          recover --deadline` then is the caller's affair (transaction/deadline), before the call.
 * Errors:  -1 means that nothing was changed: ERR_CHANGED the host moved since the plan; ERR_INPUT
 *          the staged configuration is not valid; ERR_DENIED the plan is spent. Once something
 *          became visible the call returns 0 and the outcome says how it ended.
 */
#ifndef HAMEDIC_AGENT_TRANSACTION_ENGINE_H
#define HAMEDIC_AGENT_TRANSACTION_ENGINE_H

#include "agent/transaction/ledger.h"
#include "remediations/remediation.h"

enum outcome {
    OUTCOME_APPLIED,
    OUTCOME_AWAITING,    /* applied and proven; stays only if it is confirmed in time */
    OUTCOME_NOTHING,     /* every value is as the plan wants it: no transaction was made */
    OUTCOME_DRY,         /* prepared and discarded */
    OUTCOME_ROLLED_BACK, /* the host is as before */
    OUTCOME_INCOMPLETE,  /* `left` says what stands where */
    OUTCOME_FINISHED,    /* recovery: what had been proven was brought to its end */
};

/* One step, for people. good false: what went wrong. */
typedef void engine_report(void *context, bool good, const char *words);

struct engine {
    const struct host *host;
    struct haproxy *haproxy; /* brought up to date by reloads */
    const char
        *haproxy_error; /* why it could not be examined; NULL: it was. For taking back only */
    const struct scene *scene;
    const struct ledger *ledger;
    struct arena *arena;
    engine_report *report;
    void *context;
};

struct engine_order {
    const struct plan *plan;
    struct span plan_bytes;
    const struct ledger_file *files; /* the signatures, to be kept */
    size_t file_count;
    const char *by; /* "operators ops-1, ops-2" or "a person at a terminal, uid 0" */
    bool dry_run;
    int64_t confirm_seconds; /* 0: it stays without being confirmed */
};

struct engine_result {
    enum outcome outcome;
    const char *reason;      /* why it was rolled back; NULL */
    struct strings left;     /* what stands where, and what a person must do */
    struct strings notes;    /* what is due later: "at the next boot ..." */
    bool try_again;          /* what is left may come back at the next `hamedic recover` */
    int64_t confirm_seconds; /* OUTCOME_AWAITING: so long, from now */
};

MUST_CHECK int engine_apply(const struct engine *engine, const struct engine_order *order,
                            struct engine_result *out_result, struct err *err);
/* Takes back a transaction that was brought to its end. */
MUST_CHECK int engine_rollback(const struct engine *engine, const struct ledger_entry *entry,
                               const char *reason, struct engine_result *out_result,
                               struct err *err);
/* One that awaits its confirmation stays. */
MUST_CHECK int engine_confirm(const struct engine *engine, const struct ledger_entry *entry,
                              const char *by, struct engine_result *out_result, struct err *err);
/* Brings an interrupted transaction to entirely-before or, where it had been proven, to
 * entirely-after; takes back one that was not confirmed in time, which the caller MUST have seen
 * (deadline_left_ms). */
MUST_CHECK int engine_recover(const struct engine *engine, const struct ledger_entry *entry,
                              struct engine_result *out_result, struct err *err);
/* The change's row says what is there now; ERR_CHANGED names what moved since the plan. */
MUST_CHECK int engine_check_unmoved(const struct scene *scene, const struct change *change,
                                    struct arena *arena, struct err *err);

#endif
