/* policies/rules: a policy as it stands in memory; private to policies/.
 * Use:     rules_read fills an empty struct policy from parsed files; rules_check refuses what
 *          contradicts itself; verdict_* say whether a target or a value fits.
 * Shapes:  address patterns are "KIND:" and a target pattern (policies/pattern.h).
 * Owns:    everything lives in policy->arena; refusals in the arena that is given.
 * Errors:  ERR_INPUT beginning with "FILE:LINE: ".
 */
#ifndef HAMEDIC_POLICIES_RULES_H
#define HAMEDIC_POLICIES_RULES_H

#include "plans/base/digest.h"
#include "policies/conf.h"
#include "policies/policy.h"

#define RULES_SECTIONS_MAX 4096
#define RISK_COUNT         3
#define IMPACT_COUNT       3

struct place {
    const char *file; /* NULL: nowhere, it is the default */
    size_t line;
};

struct kind_rule {
    struct place place;
    struct place allow_place;
    struct place deny_place;
    const char *kind;
    struct strings allow;
    struct strings deny;
    enum risk risk;
};

enum bound_form {
    BOUND_TEXT,   /* `values` alone speak */
    BOUND_NUMBER, /* "4096" */
    BOUND_RANGE,  /* "1024 65535" */
    BOUND_PORTS,  /* "8404,9000-9010", or nothing */
};

struct bound_rule {
    struct place place;
    const char *address; /* pattern */
    enum bound_form form;
    uint64_t min, max;     /* 0 and UINT64_MAX where not said */
    uint64_t max_factor;   /* 0: not said */
    struct strings values; /* patterns; none: not said */
};

struct risk_rule {
    struct place place;
    const char *address; /* pattern */
    const char *value;   /* pattern; NULL: any */
    enum risk is;
};

struct policy {
    struct arena *arena;
    const char *name;
    struct digest digest;
    int64_t lifetime;
    bool managed_files;
    bool person_suffices; /* at all; and up to: */
    enum risk person_up_to;
    enum risk max_risk;
    int64_t approvals[RISK_COUNT];
    enum risk impact_risk[IMPACT_COUNT];
    struct place max_risk_place, lifetime_place;
    struct kind_rule *kinds;
    size_t kind_count;
    struct bound_rule *bounds;
    size_t bound_count;
    struct risk_rule *risks;
    size_t risk_count;
    struct wish *desires;
    struct place *desire_places;
    size_t desire_count;
    size_t desire_place_count;
};

extern const struct conf_grammar rules_grammar;

/* "default.conf:12" */
const char *rules_show_place(struct arena *arena, struct place place);

MUST_CHECK int rules_read(struct policy *policy, const struct conf *files, size_t count,
                          struct err *err);
MUST_CHECK int rules_check(const struct policy *policy, struct err *err);

const struct kind_rule *rules_find_kind(const struct policy *policy, const char *kind);

/* One line for each reason why a change to this address is refused whatever its value. */
void verdict_target(const struct policy *policy, const char *address, struct arena *arena,
                    struct strings *refusals);
/* The same for a value; `before` (may be NULL) is what max_factor compares with. */
void verdict_value(const struct policy *policy, const char *address, const char *before,
                   const char *value, struct arena *arena, struct strings *refusals);

#endif
