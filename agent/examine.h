/* agent/examine: looks at the host and says what is wrong: observe and diagnose in one step.
 * Use:     examine(host, policy, arena, &examination, err); examine_report gives what --json and
 * the terminal show.
 */
#ifndef HAMEDIC_AGENT_EXAMINE_H
#define HAMEDIC_AGENT_EXAMINE_H

#include "agent/diagnose/diagnose.h"
#include "plans/codec.h"
#include "policies/policy.h"

struct examination {
    struct facts_wanted wanted; /* the caller's; zeros: what is usual */
    struct facts facts;
    struct diagnosis_result result;
};

MUST_CHECK int examine(const struct host *host, const struct policy *policy, struct arena *arena,
                       struct examination *out_examination, struct err *err);
struct diagnosis examine_report(const struct examination *examination, struct arena *arena);
bool examine_found_something(const struct examination *examination); /* a proven finding */

#endif
