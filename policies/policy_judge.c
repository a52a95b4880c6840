#include <string.h>

#include "policies/pattern.h"
#include "policies/rules.h"

/* ---- risk ---- */

static bool value_matches(const char *pattern, const struct sides *after)
{
    return pattern == NULL ||
           (after->persistent != NULL && pattern_matches(pattern, after->persistent)) ||
           (after->runtime != NULL && pattern_matches(pattern, after->runtime));
}

/* Of the risk rules that match, the highest; without one, the risk of the kind. The impact can only
 * raise it. */
static enum risk rate_change(const struct policy *policy, const struct change *change)
{
    const struct kind_rule *kind = rules_find_kind(policy, change->kind);
    enum risk risk = kind == NULL ? RISK_HIGH : kind->risk;
    bool ruled = false;

    if (change->action == ACTION_NO_OP)
        return RISK_LOW;
    for (size_t i = 0; i < policy->risk_count; i++) {
        const struct risk_rule *rule = &policy->risks[i];
        if (!pattern_matches(rule->address, change->address) ||
            !value_matches(rule->value, &change->after))
            continue;
        risk = ruled && risk > rule->is ? risk : rule->is;
        ruled = true;
    }
    enum risk floor = policy->impact_risk[change->impact];
    return risk > floor ? risk : floor;
}

static enum risk rate_plan(const struct policy *policy, const struct plan *plan)
{
    enum risk highest = RISK_LOW;

    for (size_t i = 0; i < plan->change_count; i++) {
        enum risk risk = rate_change(policy, &plan->changes[i]);
        highest = risk > highest ? risk : highest;
    }
    return highest;
}

static int64_t rate_approvals(const struct policy *policy, const struct plan *plan, enum risk risk)
{
    return plan_effective_changes(plan) == 0 ? 0 : policy->approvals[risk];
}

void policy_rate(const struct policy *policy, struct plan *plan, struct arena *arena)
{
    for (size_t i = 0; i < plan->change_count; i++)
        plan->changes[i].risk = rate_change(policy, &plan->changes[i]);
    plan->risk = rate_plan(policy, plan);
    plan->approvals = rate_approvals(policy, plan, plan->risk);
    plan->policy.name = arena_string(arena, policy->name);
    plan->policy.digest = arena_string(arena, policy->digest.hex);
}

/* ---- verdict ---- */

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Does this side get another value? NULL after: nothing is said of it. */
static bool differs(const char *before, const char *after)
{
    return after != NULL && !same(before, after);
}

static void judge_lifetime(const struct policy *policy, const struct plan *plan,
                           struct arena *arena, struct strings *refusals)
{
    int64_t seconds;

    if (!__builtin_sub_overflow(plan->expires, plan->created, &seconds) && seconds > 0 &&
        seconds <= policy->lifetime)
        return;
    strings_addf(
        refusals, arena,
        "the plan was made at %jd and expires at %jd: policy \"%s\" allows 1 to %jd "
        "seconds%s",
        (intmax_t)plan->created, (intmax_t)plan->expires, policy->name, (intmax_t)policy->lifetime,
        policy->lifetime_place.file == NULL
            ? ""
            : arena_printf(arena, " (%s)", rules_show_place(arena, policy->lifetime_place)));
}

static void judge_header(const struct policy *policy, const struct plan *plan, struct arena *arena,
                         struct strings *refusals)
{
    enum risk risk = rate_plan(policy, plan);
    int64_t approvals = rate_approvals(policy, plan, risk);

    if (!same(plan->policy.name, policy->name) || !same(plan->policy.digest, policy->digest.hex))
        strings_addf(refusals, arena,
                     "the plan was made under policy \"%s\" (%.12s), this host's is \"%s\" (%.12s)",
                     plan->policy.name == NULL ? "none" : plan->policy.name,
                     plan->policy.digest == NULL ? "none" : plan->policy.digest, policy->name,
                     policy->digest.hex);
    judge_lifetime(policy, plan, arena, refusals);
    if (plan->risk != risk)
        strings_addf(refusals, arena, "the plan says risk %s, policy \"%s\" says %s",
                     risk_word(plan->risk), policy->name, risk_word(risk));
    if (plan->approvals != approvals)
        strings_addf(refusals, arena, "the plan asks for %jd approvals, policy \"%s\" for %jd",
                     (intmax_t)plan->approvals, policy->name, (intmax_t)approvals);
    if (risk > policy->max_risk)
        strings_addf(refusals, arena, "the plan's risk is %s, above max_risk %s (%s)",
                     risk_word(risk), risk_word(policy->max_risk),
                     rules_show_place(arena, policy->max_risk_place));
}

/* A side that the change leaves as it is, is nothing that it does. */
static void judge_sides(const struct policy *policy, const struct change *change,
                        struct arena *arena, struct strings *refusals)
{
    const struct sides *before = &change->before, *after = &change->after;
    bool persistent = differs(before->persistent, after->persistent);
    bool runtime = differs(before->runtime, after->runtime);

    if (persistent)
        verdict_value(policy, change->address, before->persistent, after->persistent, arena,
                      refusals);
    if (runtime && !(persistent && same(after->persistent, after->runtime) &&
                     same(before->persistent, before->runtime)))
        verdict_value(policy, change->address, before->runtime, after->runtime, arena, refusals);
    if (!persistent && !runtime && after->persistent != NULL)
        verdict_value(policy, change->address, NULL, after->persistent, arena, refusals);
    if (after->persistent == NULL && after->runtime == NULL)
        strings_addf(refusals, arena, "%s: to %s, but no value is given", change->address,
                     action_word(change->action));
}

static void judge_change(const struct policy *policy, const struct plan *plan, size_t index,
                         struct arena *arena, struct strings *refusals)
{
    const struct change *change = &plan->changes[index];
    const char *address = arena_printf(arena, "%s:%s", change->kind, change->target);

    /* The engine goes by kind and target, the rules by address. */
    if (strcmp(address, change->address) != 0) {
        strings_addf(refusals, arena, "%s: kind and target are those of %s", change->address,
                     address);
        return;
    }
    /* Twice on one resource could go past max_factor. */
    for (size_t i = 0; i < index; i++)
        if (strcmp(plan->changes[i].address, address) == 0)
            strings_addf(refusals, arena, "%s: two changes of one plan", address);
    if (change->risk != rate_change(policy, change))
        strings_addf(refusals, arena, "%s: the plan says risk %s, policy \"%s\" says %s", address,
                     risk_word(change->risk), policy->name, risk_word(rate_change(policy, change)));
    if (change->action == ACTION_NO_OP) {
        if (differs(change->before.persistent, change->after.persistent) ||
            differs(change->before.runtime, change->after.runtime))
            strings_addf(refusals, arena, "%s: said to change nothing, but its values differ",
                         address);
        return;
    }
    verdict_target(policy, address, arena, refusals);
    /* Where our customisation goes away, the value is no longer ours to bound. */
    if (change->action != ACTION_DELETE)
        judge_sides(policy, change, arena, refusals);
}

void policy_judge(const struct policy *policy, const struct plan *plan, struct arena *arena,
                  struct strings *refusals)
{
    judge_header(policy, plan, arena, refusals);
    for (size_t i = 0; i < plan->change_count; i++)
        judge_change(policy, plan, i, arena, refusals);
}
