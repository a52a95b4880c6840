/* policies/policy: what may happen on this host: the operator's rules, read from libconfuse files.
 * Use:     policy_builtin(), policy_load_file() or policy_load_dir() ; policy_rate(policy, plan) ;
 *          policy_judge(policy, plan, ...) ; policy_free
 * Shapes:  the grammar is told in policies/default.conf, line by line. Several files (policy.d) are
 *          one policy: rules add up, what stands twice is an error with both places.
 * Owns:    struct policy owns its memory; what it hands out lives as long as it.
 * Errors:  ERR_INPUT with FILE:LINE and what was expected (unknown key, contradicting bound, "${",
 *          duplicate setting, value out of range); ERR_DENIED for a file or a directory that others
 *          than root (or the caller) may write. Nothing is ever half loaded.
 * Pure:    no host access: text and plan in, verdict out. Only policy_load_* read the files they
 *          are given.
 * Closed:  what no rule speaks of is refused: a kind without a `kind` section, a target that no
 *          `allow` names, a value that no `bound` covers. A few things no policy can allow:
 *          policies/never.h.
 */
#ifndef HAMEDIC_POLICIES_POLICY_H
#define HAMEDIC_POLICIES_POLICY_H

#include "plans/plan.h"

struct policy;

/* policies/default.conf as it was compiled in. */
MUST_CHECK int policy_builtin(struct policy **out_policy, struct err *err);
/* One file; `name` is for messages. */
MUST_CHECK int policy_load_file(int dir, const char *path, struct policy **out_policy,
                                struct err *err);
/* All *.conf of an open directory in byte order of their names, as one policy. None there: the
 * built-in. */
MUST_CHECK int policy_load_dir(int dir, const char *dir_name, struct policy **out_policy,
                               struct err *err);
void policy_free(struct policy *policy);
static inline void policy_cleanup(struct policy **policy)
{
    policy_free(*policy);
}
#define CLEANUP_POLICY __attribute__((cleanup(policy_cleanup)))

const char *policy_name(const struct policy *policy);
const char *policy_digest(const struct policy *policy); /* over the bytes of its files, in order */
int64_t policy_plan_lifetime(const struct policy *policy); /* seconds */
/* May a file be edited that another manager owns (Data Plane API, Ansible, Puppet)? */
bool policy_allows_managed_files(const struct policy *policy);
/* Declared desired state, as wishes (source WISH_POLICY). */
const struct wish *policy_desired(const struct policy *policy, size_t *out_count);

/* Fills in what only the policy decides: risk of each change and of the plan, approvals asked for,
 * name and digest of the policy. */
void policy_rate(const struct policy *policy, struct plan *plan, struct arena *arena);

/* May this plan be carried out? `refusals` gets one line for each reason against it; none: it may.
 * Also refuses where the plan's own risk, approvals or policy digest are not what policy_rate
 * gives, and where its lifetime is longer than the policy's. */
void policy_judge(const struct policy *policy, const struct plan *plan, struct arena *arena,
                  struct strings *refusals);
/* How many distinct operators' signatures apply needs where no person at a terminal reviews: 1 or
 * more. This is plan.approvals of a plan that changes something (of one that changes nothing it is
 * 0). */
int64_t policy_approvals_for(const struct policy *policy, enum risk risk);
/* May a person who types the plan's id at a terminal stand in for all of these signatures at this
 * risk? */
bool policy_person_suffices(const struct policy *policy, enum risk risk);
/* Upper bound that the policy sets for a value of this address, for whoever sizes a wish; false: it
 * sets none (it may still refuse the address). */
bool policy_upper_bound(const struct policy *policy, const char *address, uint64_t *out_bound);

#endif
