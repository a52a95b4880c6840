/* commands/changing: what apply, confirm, rollback and recover have in common: the lock, the host as
 * the engine wants it, what was interrupted before, and how an end is told.
 */
#ifndef HAMEDIC_AGENT_COMMANDS_CHANGING_H
#define HAMEDIC_AGENT_COMMANDS_CHANGING_H

#include "agent/cli.h"
#include "agent/scene.h"
#include "agent/transaction/engine.h"

struct changing {
    struct invocation *invocation;
    struct host *host;
    struct policy *policy; /* NULL: the command only puts back what was, or keeps what is */
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
/* The same for a command that takes back or keeps: neither the policy nor settings or a HAProxy
 * that cannot be examined may be in its way. What it does without is told. */
MUST_CHECK int changing_open_repair(struct changing *changing, struct invocation *invocation,
                                    struct err *err);
/* Takes the lock and reads what is there now: HAProxy, its files, the ledger. */
MUST_CHECK int changing_lock(struct changing *changing, struct err *err);
/* Brings what was interrupted, or not confirmed in time, to its end, and says so. *out_any: there
 * was such a transaction. *out_code: EXIT_INCOMPLETE where it could not be brought to its end,
 * EXIT_ROLLED_BACK where one was not confirmed and came back, else EXIT_OK. -1: it could not even be
 * tried; the host is as the interruption left it. */
MUST_CHECK int changing_finish_interrupted(struct changing *changing, bool *out_any,
                                           enum exit_code *out_code, struct err *err);
/* All of these; -1: told, and *out_code is how the command ends. */
MUST_CHECK int changing_begin(struct changing *changing, bool *out_any, enum exit_code *out_code);
/* Tells why nothing may begin: an earlier transaction waits for a person (EXIT_REFUSED), or the
 * record of one is damaged (EXIT_INCOMPLETE). EXIT_OK: nothing is in the way. */
enum exit_code changing_check_settled(const struct changing *changing);
/* The transaction that awaits its confirmation; NULL: none. */
const struct ledger_entry *changing_awaiting(const struct changing *changing);
/* Under the lock: stops the deadline's timer where no transaction needs it any more. */
void changing_disarm(struct changing *changing);
/* Tells the end of a transaction, with its exit code. */
enum exit_code changing_tell(const struct changing *changing, const char *plan_id,
                             const struct engine_result *result);
void changing_close(struct changing *changing);
#define CLEANUP_CHANGING __attribute__((cleanup(changing_close)))

#endif
