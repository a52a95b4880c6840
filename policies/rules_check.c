#include <string.h>

#include "policies/never.h"
#include "policies/pattern.h"
#include "policies/rules.h"

#define REFUSE(err, place, format, ...)                                                            \
    err_set((err), ERR_INPUT, "%s:%zu: " format, (place).file, (place).line, __VA_ARGS__)

static int check_kind(const struct kind_rule *rule, struct err *err)
{
    for (size_t i = 0; i < rule->allow.count; i++) {
        const char *allowed = rule->allow.at[i];
        const char *reason = pattern_is_literal(allowed) ? never_reason(rule->kind, allowed) : NULL;
        if (reason != NULL)
            return REFUSE(err, rule->allow_place, "no policy can allow '%.128s:%.128s': %s",
                          rule->kind, allowed, reason);
        for (size_t j = 0; j < rule->deny.count; j++)
            if (pattern_matches(rule->deny.at[j], allowed))
                return REFUSE(err, rule->deny_place,
                              "kind \"%.128s\" contradicts itself: deny '%.128s' leaves nothing of "
                              "allow '%.128s' (%s:%zu)",
                              rule->kind, rule->deny.at[j], allowed, rule->allow_place.file,
                              rule->allow_place.line);
    }
    return 0;
}

/* A rule for a kind that nothing allows is most likely a misspelled one. */
static int check_kind_known(const struct policy *policy, const char *section, const char *address,
                            struct place place, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    const char *kind, *target;

    if (address_split(scratch, address, &kind, &target) && rules_find_kind(policy, kind) != NULL)
        return 0;
    return REFUSE(err, place, "%s \"%.128s\" speaks of a kind that no section kind allows", section,
                  address);
}

static bool overlap(const struct bound_rule *a, const struct bound_rule *b)
{
    return pattern_matches(a->address, b->address) || pattern_matches(b->address, a->address);
}

static int check_bound(const struct policy *policy, size_t index, struct err *err)
{
    const struct bound_rule *bound = &policy->bounds[index];

    if (check_kind_known(policy, "bound", bound->address, bound->place, err) < 0)
        return -1;
    for (size_t i = 0; i < index; i++) {
        const struct bound_rule *other = &policy->bounds[i];
        if (bound->form == BOUND_TEXT || other->form == BOUND_TEXT || !overlap(bound, other))
            continue;
        if (bound->form != other->form)
            return REFUSE(err, bound->place,
                          "bound \"%.128s\" contradicts bound \"%.128s\" (%s:%zu): forms differ",
                          bound->address, other->address, other->place.file, other->place.line);
        if (bound->min > other->max || other->min > bound->max)
            return REFUSE(err, bound->place,
                          "bound \"%.128s\" contradicts bound \"%.128s\" (%s:%zu): no value is in "
                          "both",
                          bound->address, other->address, other->place.file, other->place.line);
    }
    return 0;
}

/* What is allowed by name but bounded nowhere could never be changed. */
static int check_covered(const struct policy *policy, const struct kind_rule *rule, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();

    for (size_t i = 0; i < rule->allow.count; i++) {
        const char *address = arena_printf(scratch, "%s:%s", rule->kind, rule->allow.at[i]);
        bool covered = !pattern_is_literal(rule->allow.at[i]);
        for (size_t j = 0; j < policy->bound_count && !covered; j++)
            covered = pattern_matches(policy->bounds[j].address, address);
        if (!covered)
            return REFUSE(err, rule->allow_place,
                          "'%.128s' is allowed, but no bound says what values it may have",
                          address);
    }
    return 0;
}

static int check_desire(const struct policy *policy, size_t index, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    const struct wish *wish = &policy->desires[index];
    struct place place = policy->desire_places[index];
    struct strings refusals = {0};

    verdict_target(policy, wish->address, scratch, &refusals);
    if (wish->value[0] != '\0')
        verdict_value(policy, wish->address, NULL, wish->value, scratch, &refusals);
    if (refusals.count > 0)
        return REFUSE(err, place, "the policy itself forbids this desire: %s", refusals.at[0]);
    return 0;
}

int rules_check(const struct policy *policy, struct err *err)
{
    for (size_t i = 0; i < policy->kind_count; i++)
        if (check_kind(&policy->kinds[i], err) < 0)
            return -1;
    for (size_t i = 0; i < policy->bound_count; i++)
        if (check_bound(policy, i, err) < 0)
            return -1;
    for (size_t i = 0; i < policy->risk_count; i++)
        if (check_kind_known(policy, "risk", policy->risks[i].address, policy->risks[i].place,
                             err) < 0)
            return -1;
    for (size_t i = 0; i < policy->kind_count; i++)
        if (check_covered(policy, &policy->kinds[i], err) < 0)
            return -1;
    for (size_t i = 0; i < policy->desire_count; i++)
        if (check_desire(policy, i, err) < 0)
            return -1;
    return 0;
}
