/* commands/changing: what apply, rollback and recover have in common: the lock, the host as the
 * engine wants it, and how an end is told.
 */
#ifndef HAMEDIC_AGENT_COMMANDS_CHANGING_H
#define HAMEDIC_AGENT_COMMANDS_CHANGING_H

#include "agent/cli.h"
#include "agent/scene.h"
#include "agent/transaction/engine.h"

struct changing {
    struct invocation *invocation;
    struct host *host;
    struct policy *policy;
    struct ledger ledger;
    struct haproxy haproxy;
    struct scene scene;
    struct engine engine;
    struct ledger_entry *entries;
    size_t entry_count;
};
#define CHANGING_EMPTY                                                                             \
    {                                                                                              \
        .ledger = {.transactions = -1, .lock = -1 }                                                \
    }

/* Host and policy; ERR_SYS EPERM where the caller is not root. */
MUST_CHECK int changing_open(struct changing *changing, struct invocation *invocation,
                             struct err *err);
/* Takes the lock and reads what is there now: HAProxy, its files, the ledger. */
MUST_CHECK int changing_lock(struct changing *changing, struct err *err);
/* Brings an interrupted transaction to its end, if there is one, and says so. *out_any: there was.
 */
MUST_CHECK int changing_finish_interrupted(struct changing *changing, bool *out_any,
                                           enum exit_code *out_code, struct err *err);
/* ERR_CHANGED where an earlier transaction waits for a person. */
MUST_CHECK int changing_check_settled(const struct changing *changing, struct err *err);
/* Tells the end of a transaction, with its exit code. */
enum exit_code changing_tell(const struct changing *changing, const char *plan_id,
                             const struct engine_result *result);
void changing_close(struct changing *changing);
#define CLEANUP_CHANGING __attribute__((cleanup(changing_close)))

#endif
