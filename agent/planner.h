/* agent/planner: wishes in, an exact plan out.
 * Use:     planner_make(&planner, wishes, count, &plan, &refusals, err)
 * Shapes:  wishes for one address are one: the same value twice is one wish with both reasons; an
 *          operator's value beats a diagnosed one; an operator's and a policy's that differ are an
 *          error. Changes stand in commit order.
 * Owns:    the plan lives in the arena.
 * Errors:  ERR_INPUT, ERR_UNSUPPORTED for a wish of the operator or the policy, with its address.
 *          A diagnosed wish that cannot be planned becomes advice that says why.
 */
#ifndef HAMEDIC_AGENT_PLANNER_H
#define HAMEDIC_AGENT_PLANNER_H

#include "agent/diagnose/diagnose.h"
#include "agent/scene.h"

struct planner {
    const struct scene *scene;
    const struct policy *policy;
    const struct diagnosis_result *diagnosis; /* findings to carry along; may be NULL */
    struct arena *arena;
};

/* `refusals`: what the policy says against the plan; none: it may be written. */
MUST_CHECK int planner_make(const struct planner *planner, const struct wish *wishes, size_t count,
                            struct plan *out_plan, struct strings *refusals, struct err *err);

#endif
