/* transaction/signals: a key press, a service manager or a dropped session MUST NOT end the program
 * between two states.
 * Use:     struct signals held CLEANUP_SIGNALS; signals_hold(&held); work, with
 *          signals_check(err) where all can still be taken back.
 * Shapes:  while held, every signal that can wait waits. SIGHUP, SIGINT, SIGQUIT and SIGTERM ask
 *          for an end, except where they were ignored from the start (nohup). What came until the
 *          end is forgotten then: the outcome is told instead.
 * Errors:  ERR_SYS names the signal.
 */
#ifndef HAMEDIC_AGENT_TRANSACTION_SIGNALS_H
#define HAMEDIC_AGENT_TRANSACTION_SIGNALS_H

#include <signal.h>

#include "plans/base/err.h"

struct signals {
    sigset_t before;
};
void signals_hold(struct signals *signals);
void signals_release(const struct signals *signals);
#define CLEANUP_SIGNALS __attribute__((cleanup(signals_release)))

/* -1: one that asks for an end has come. */
MUST_CHECK int signals_check(struct err *err);

#endif
