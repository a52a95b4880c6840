/* transaction/deadline: "confirm within N seconds, or all of it comes back", held by somebody who
 * outlives this process.
 * Use:     deadline_check early, deadline_arm under the lock and before anything is begun;
 *          deadline_disarm under the lock when nothing is pending any more.
 * Shapes:  the deadline itself stands in the journal (AWAITING-CONFIRM): milliseconds of
 *          CLOCK_BOOTTIME and the boot they belong to. The wall clock has no say, and after a
 *          restart of the host it is over. systemd's timer only wakes `hamedic recover --deadline`
 *          again and again while it is armed; hamedic-recover.service does the same at boot.
 * Errors:  ERR_UNSUPPORTED where nothing would hold it: a tree, no systemd, units not installed or
 *          not enabled, a ledger that a restart of the host forgets.
 * Source:  clock_gettime(2) CLOCK_BOOTTIME (goes on while suspended, cannot be set);
 *          systemd.timer(5).
 */
#ifndef HAMEDIC_AGENT_TRANSACTION_DEADLINE_H
#define HAMEDIC_AGENT_TRANSACTION_DEADLINE_H

#include "agent/transaction/ledger.h"

enum { DEADLINE_SECONDS_MAX = 86400 };

/* The shortest time between two looks of the timer; a look that finds less left waits for it. */
enum { DEADLINE_PERIOD_MS = 5000 };

/* Would somebody hold it? Asks, changes nothing. */
MUST_CHECK int deadline_check(const struct host *host, const struct ledger *ledger,
                              struct err *err);
MUST_CHECK int deadline_arm(const struct host *host, struct err *err);
/* Nothing armed: nothing is done. */
MUST_CHECK int deadline_disarm(const struct host *host, struct err *err);

int64_t deadline_now_ms(void);
/* How long a transaction that awaits confirmation has left; 0: it is over. */
int64_t deadline_left_ms(const struct ledger_entry *entry);
/* Pure: the same at that time of that boot. */
int64_t deadline_left_at(const struct ledger_entry *entry, int64_t now_ms, const char *boot);

#endif
