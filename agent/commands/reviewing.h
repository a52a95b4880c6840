/* commands/reviewing: what show, verify and approve start from: a plan, the keys and the policy it is judged by.
 * Use:     struct reviewing reviewing CLEANUP_REVIEWING = REVIEWING_EMPTY;
 *          reviewing_open(&reviewing, invocation, purpose, err)
 * Shapes:  with --keys the plan is looked at away from its host: what only the host can tell is not checked.
 * Errors:  as agent/review; ERR_DENIED where a plan shall be verified and there are no keys.
 */
#ifndef HAMEDIC_AGENT_COMMANDS_REVIEWING_H
#define HAMEDIC_AGENT_COMMANDS_REVIEWING_H

#include "agent/cli.h"
#include "agent/review.h"

enum reviewing_purpose {
    REVIEWING_TO_SHOW,    /* a draft may be looked at */
    REVIEWING_TO_VERIFY,  /* the agent's signature must hold */
    REVIEWING_TO_APPROVE, /* the same, where there are keys to check it with */
};

struct reviewing {
    struct host *host;
    struct policy *policy;
    struct review review;
};
#define REVIEWING_EMPTY                                                                            \
    {                                                                                              \
        .review = REVIEW_EMPTY                                                                     \
    }

MUST_CHECK int reviewing_open(struct reviewing *reviewing, struct invocation *invocation,
                              enum reviewing_purpose purpose, struct err *err);
void reviewing_close(struct reviewing *reviewing);
#define CLEANUP_REVIEWING __attribute__((cleanup(reviewing_close)))

#endif
