/* transaction/work: one transaction in this process: its stage, its journal, its steps in commit
 * order. For the engine's own parts.
 */
#ifndef HAMEDIC_AGENT_TRANSACTION_WORK_H
#define HAMEDIC_AGENT_TRANSACTION_WORK_H

#include "agent/transaction/engine.h"

/* A change that does something, with its row. */
struct step {
    const struct remediation *row;
    const struct change *change;
};

struct work {
    const struct engine *engine;
    const struct plan *plan;
    struct step *steps; /* commit order */
    size_t step_count;
    struct stage *stage;
    struct journal journal;
    int folder;
    int64_t confirm_seconds; /* 0: what is proven stays */
};
#define WORK_EMPTY                                                                                 \
    {                                                                                              \
        .journal = {.fd = -1}, .folder = -1                                                        \
    }

/* A new transaction's folder, journal and stage. */
MUST_CHECK int work_begin(struct work *work, const struct engine *engine,
                          const struct engine_order *order, struct err *err);
/* The same from an entry of the ledger, as far as its records tell. */
MUST_CHECK int work_resume(struct work *work, const struct engine *engine,
                           const struct ledger_entry *entry, struct journal_records *out_records,
                           struct err *err);
void work_end(struct work *work);
#define CLEANUP_WORK __attribute__((cleanup(work_end)))

/* ROLLING-BACK on disk: from then on recovery takes back, too. */
MUST_CHECK int work_record_rollback(struct work *work, const char *reason, struct err *err);
/* Undoes every step in reverse and records it; the result says how far. MUST NOT be called in a
 * state from which recovery would go forward. */
void work_undo(struct work *work, const char *reason, struct engine_result *result);

/* From here on this process may have changed something. What ends it without knowing how far it came
 * (no memory) MUST NOT say that nothing was changed. */
void work_begin_changes(void);
bool work_has_begun_changes(void);

void work_report(const struct work *work, bool good, const char *format, ...) PRINTF_LIKE(3, 4);
void work_report_to(const struct engine *engine, bool good, const char *format, ...)
    PRINTF_LIKE(3, 4);
const char *work_list(const struct work *work); /* addresses, " · " between */
const char *work_reason(const struct work *work, const char *reason); /* {"reason":...} */

#endif
