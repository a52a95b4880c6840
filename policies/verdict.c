#include <string.h>

#include "policies/never.h"
#include "policies/pattern.h"
#include "policies/rules.h"

/* What is weighed, and where the reasons against it go. */
struct scale {
    const char *address;
    const char *value;
    const struct bound_rule *bound;
    struct arena *arena;
    struct strings *refusals;
};

#define REFUSE(scale, format, ...)                                                                 \
    strings_addf((scale)->refusals, (scale)->arena, "%s: " format, (scale)->address, __VA_ARGS__)

/* ---- targets ---- */

const struct kind_rule *rules_find_kind(const struct policy *policy, const char *kind)
{
    for (size_t i = 0; i < policy->kind_count; i++)
        if (strcmp(policy->kinds[i].kind, kind) == 0)
            return &policy->kinds[i];
    return NULL;
}

static void weigh_allow(const struct scale *scale, const struct kind_rule *rule, const char *target)
{
    const char *wide = NULL;

    for (size_t i = 0; i < rule->deny.count; i++)
        if (pattern_matches(rule->deny.at[i], target)) {
            REFUSE(scale, "denied by \"%s\" in kind \"%s\" (%s)", rule->deny.at[i], rule->kind,
                   rules_show_place(scale->arena, rule->deny_place));
            return;
        }
    for (size_t i = 0; i < rule->allow.count; i++) {
        const char *pattern = rule->allow.at[i];
        if (!pattern_matches(pattern, target))
            continue;
        if (pattern_is_literal(pattern) || never_wildcard_reaches(rule->kind, target))
            return;
        wide = pattern;
    }
    if (wide != NULL)
        REFUSE(scale, "\"%s\" in kind \"%s\" (%s) does not reach it: it must be named without '*'",
               wide, rule->kind, rules_show_place(scale->arena, rule->allow_place));
    else
        REFUSE(scale, "'%s' is not in allow of kind \"%s\" (%s)", target, rule->kind,
               rules_show_place(scale->arena, rule->allow_place));
}

void verdict_target(const struct policy *policy, const char *address, struct arena *arena,
                    struct strings *refusals)
{
    struct scale scale = {.address = address, .arena = arena, .refusals = refusals};
    const char *kind, *target;

    if (!address_split(arena, address, &kind, &target)) {
        REFUSE(&scale, "%s", "expected KIND:TARGET");
        return;
    }
    const char *reason = never_reason(kind, target);
    if (reason != NULL) {
        REFUSE(&scale, "refused whatever a policy says: %s", reason);
        return;
    }
    const struct kind_rule *rule = rules_find_kind(policy, kind);
    if (rule == NULL)
        REFUSE(&scale, "policy \"%s\" has no section kind \"%s\"", policy->name, kind);
    else
        weigh_allow(&scale, rule, target);
}

/* ---- values ---- */

static const char *bound_text(const struct scale *scale)
{
    return arena_printf(scale->arena, "bound \"%s\" (%s)", scale->bound->address,
                        rules_show_place(scale->arena, scale->bound->place));
}

/* No empty, "." or ".." part, so that a pattern for one directory cannot be left. */
static bool is_canonical_path(const char *path)
{
    struct span rest = span_of(path + 1);

    while (rest.len > 0) {
        struct span part = span_cut(&rest, '/');
        if (part.len == 0 || span_is(part, ".") || span_is(part, ".."))
            return false;
    }
    return path[1] != '\0' && path[strlen(path) - 1] != '/';
}

static void weigh_words(const struct scale *scale)
{
    const struct strings *values = &scale->bound->values;

    if (scale->value[0] == '/' && !is_canonical_path(scale->value)) {
        REFUSE(scale, "'%s' is a path with an empty part, '.' or '..'", scale->value);
        return;
    }
    for (size_t i = 0; i < values->count; i++)
        if (pattern_matches(values->at[i], scale->value))
            return;
    REFUSE(scale, "'%s' is not in values of %s", scale->value, bound_text(scale));
}

static bool weigh_number(const struct scale *scale, struct span digits, uint64_t *out_number)
{
    const struct bound_rule *bound = scale->bound;

    if (!span_scan_u64(digits, out_number)) {
        REFUSE(scale, "'%s' is not %s as %s expects", scale->value,
               bound->form == BOUND_NUMBER  ? "a number"
               : bound->form == BOUND_RANGE ? "a range of two numbers"
                                            : "a list of ports",
               bound_text(scale));
        return false;
    }
    if (*out_number < bound->min) {
        REFUSE(scale, "'%s' is below %ju, the min of %s", scale->value, (uintmax_t)bound->min,
               bound_text(scale));
        return false;
    }
    if (*out_number > bound->max) {
        REFUSE(scale, "'%s' is above %ju, the max of %s", scale->value, (uintmax_t)bound->max,
               bound_text(scale));
        return false;
    }
    return true;
}

static void weigh_factor(const struct scale *scale, const char *before, uint64_t now)
{
    uint64_t factor = scale->bound->max_factor, then;

    /* Nothing, or a word such as "auto", was there before: then min and max alone speak. */
    if (factor == 0 || before == NULL || !span_scan_u64(span_of(before), &then) || then == 0)
        return;
    if (now / factor > then || (now / factor == then && now % factor != 0))
        REFUSE(scale, "'%s' is more than %ju times '%s', the max_factor of %s", scale->value,
               (uintmax_t)factor, before, bound_text(scale));
}

/* "1024 65535", with blanks or tabs between, as the kernel prints it. */
static void weigh_range(const struct scale *scale)
{
    struct span rest = span_of(scale->value);
    size_t digits = strspn(scale->value, "0123456789");
    uint64_t low, high;

    if (!weigh_number(scale, (struct span){rest.ptr, digits}, &low) ||
        !weigh_number(scale, span_trim((struct span){rest.ptr + digits, rest.len - digits}), &high))
        return;
    if (low >= high)
        REFUSE(scale, "'%s' is no range: expected the lower number first", scale->value);
}

/* "", or "8404,9000-9010". */
static void weigh_ports(const struct scale *scale)
{
    struct span rest = span_of(scale->value);
    bool more = rest.len > 0;

    while (more) {
        const char *comma = memchr(rest.ptr, ',', rest.len);
        struct span last = span_cut(&rest, ',');
        struct span first = span_cut(&last, '-');
        bool is_range = last.ptr != NULL && last.ptr > first.ptr && last.ptr[-1] == '-';
        uint64_t low, high;
        more = comma != NULL;
        if (!weigh_number(scale, first, &low) || (is_range && !weigh_number(scale, last, &high)))
            return;
        if (is_range && low > high) {
            REFUSE(scale, "'%s': expected the lower port of a range first", scale->value);
            return;
        }
    }
}

static void weigh(const struct scale *scale, const char *before)
{
    uint64_t number;

    switch (scale->bound->form) {
    case BOUND_NUMBER:
        if (weigh_number(scale, span_of(scale->value), &number))
            weigh_factor(scale, before, number);
        break;
    case BOUND_RANGE:
        weigh_range(scale);
        break;
    case BOUND_PORTS:
        weigh_ports(scale);
        break;
    case BOUND_TEXT:
        break;
    }
    if (scale->bound->values.count > 0)
        weigh_words(scale);
}

void verdict_value(const struct policy *policy, const char *address, const char *before,
                   const char *value, struct arena *arena, struct strings *refusals)
{
    struct scale scale = {.address = address, .value = value, .arena = arena, .refusals = refusals};
    bool covered = false;

    for (size_t i = 0; i < policy->bound_count; i++) {
        scale.bound = &policy->bounds[i];
        if (!pattern_matches(scale.bound->address, address))
            continue;
        covered = true;
        weigh(&scale, before);
    }
    if (!covered)
        REFUSE(&scale, "no bound of policy \"%s\" says what values it may have", policy->name);
}
