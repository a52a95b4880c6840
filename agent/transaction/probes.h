/* transaction/probes: nothing that worked may be worse, and what was wrong must be gone.
 * Use:     probes_baseline before anything is staged; probes_judge after commit.
 * Shapes:  probed are: the worker, the Runtime API, every listener of the configuration, every
 * server and backend that was UP, every server that accepted our own connect. Never a log.
 *          A finding is held against the plan when it is proven afterwards, also where it was only
 *          possible before.
 * Source:  RFC 6298, 2 (2.1) and 5.7: a connection's first packet is sent again after a second.
 */
#ifndef HAMEDIC_AGENT_TRANSACTION_PROBES_H
#define HAMEDIC_AGENT_TRANSACTION_PROBES_H

#include "agent/observe/facts.h"
#include "plans/plan.h"

struct probes {
    struct facts before;
};

MUST_CHECK int probes_baseline(const struct host *host, struct arena *arena,
                               struct probes *out_probes, struct err *err);
/* A reload loads the whole file: ERR_CHANGED where it would bring something that the plan does not list. */
MUST_CHECK int probes_check_activates(const struct probes *probes, const struct plan *plan,
                                      struct arena *arena, struct err *err);
/* Right before the reload: what somebody set over the Runtime API since the baseline would be lost
 * by it. ERR_CHANGED names it. */
MUST_CHECK int probes_check_kept(const struct probes *probes, const struct plan *plan,
                                 struct arena *arena, struct err *err);
/* Why servers cannot be compared, although HAProxy runs: its Runtime API did not answer before.
 * NULL: they can. */
const char *probes_unseen(const struct probes *probes, struct arena *arena);
/* Waits until all is at least as good as before and the findings that the plan's changes answer are
 * gone, and stay so while those who found a full queue come back, but no longer than deadline_ms;
 * `worse` gets a line for each thing that is not (none:
 * proven). */
MUST_CHECK int probes_judge(const struct probes *probes, const struct host *host,
                            const struct plan *plan, unsigned deadline_ms, struct arena *arena,
                            struct strings *worse, struct err *err);
/* Pure: what is worse in `after` than in `before`. */
void probes_compare(const struct facts *before, const struct facts *after, struct arena *arena,
                    struct strings *worse);

#endif
