/* agent/review: a plan file judged: whose word it is, for which host, still fresh, allowed.
 * Use:     review_open(&request, arena, &review, err); then review.verdict lines and review.code.
 * Shapes:  the bytes are read once; what is parsed is those same bytes, after their signature held.
 * Errors:  -1 and ERR_SYS/ERR_INPUT: the file cannot be read, or is malformed though validly
 * signed; ERR_DENIED: a signature is missing or does not hold. All else is in `against`.
 */
#ifndef HAMEDIC_AGENT_REVIEW_H
#define HAMEDIC_AGENT_REVIEW_H

#include "plans/approval.h"
#include "policies/policy.h"
#include "remediations/host/host.h"

enum review_signature {
    REVIEW_MUST_BE_SIGNED, /* by the agent whose key is in the keyring */
    REVIEW_MAY_BE_DRAFT,   /* a plan without any signature may be looked at; one that does not hold
                              may not */
};

struct review_request {
    const char *path;
    int keys_dir; /* -1: no keys: signatures are not checked */
    const struct policy *policy;
    const struct host *host; /* NULL: what only the host can tell is not checked */
    enum review_signature signature;
};

struct review {
    struct plan plan;
    struct span bytes;
    int plan_dir;          /* open directory of the file; review_close closes it */
    const char *plan_name; /* name in it */
    struct keyring keys;
    struct approvals approvals;
    int64_t approvals_needed; /* by the policy and the plan, whichever asks for more */
    bool person_suffices;
    struct strings against;     /* reasons to refuse; none: it may be applied once approved */
    struct strings held;        /* what was checked and held */
    struct strings not_checked; /* and what could not be */
};

MUST_CHECK int review_open(const struct review_request *request, struct arena *arena,
                           struct review *out_review, struct err *err);
/* The same bytes once more, against what keys, host, policy and clock say by now. */
MUST_CHECK int review_again(const struct review_request *request, struct arena *arena,
                            struct review *review, struct err *err);
void review_close(struct review *review);
#define CLEANUP_REVIEW __attribute__((cleanup(review_close)))
#define REVIEW_EMPTY                                                                               \
    {                                                                                              \
        .plan_dir = -1                                                                             \
    }

/* Are there enough operators' signatures? */
bool review_is_approved(const struct review *review);
/* The signatures that held, as files to be kept with the transaction. */
struct ledger_file;
void review_signature_files(const struct review *review, struct arena *arena,
                            struct ledger_file **out_files, size_t *out_count);

#endif
