#include <string.h>

#include "policies/pattern.h"
#include "policies/rules_reading.h"

enum { APPROVALS_MAX = 16, FACTOR_MAX = 1000000 };

static const struct conf_setting *find(const struct reading *reading, const char *key)
{
    return conf_find(reading->section, key);
}

/* The section must have this key. */
static const struct conf_setting *require(const struct reading *reading, const char *key)
{
    const struct conf_setting *setting = find(reading, key);

    if (setting == NULL)
        (void)READING_REFUSE(reading, NULL, "%s \"%.128s\": '%s' is missing",
                             reading->section->name, reading->section->title, key);
    return setting;
}

static void keep_list(const struct reading *reading, const struct conf_setting *setting,
                      struct strings *list)
{
    for (size_t i = 0; setting != NULL && i < setting->list.count; i++)
        strings_add(list, reading->policy->arena, setting->list.at[i]);
}

/* "KIND:TARGET", both there, the kind without '*'. */
static int check_address(const struct reading *reading, const char *address)
{
    const char *kind, *target;

    if (address_split(reading->policy->arena, address, &kind, &target))
        return 0;
    return READING_REFUSE(
        reading, NULL,
        "%s \"%.128s\": expected an address such as \"sysctl.dropin:net.core.somaxconn\"",
        reading->section->name, address);
}

static int read_approvals(struct reading *reading)
{
    int64_t *approvals = reading->policy->approvals;

    for (size_t risk = 0; risk < RISK_COUNT; risk++) {
        const struct conf_setting *setting = find(reading, risk_word((enum risk)risk));
        if (setting == NULL)
            continue;
        if (setting->number < 1 || setting->number > APPROVALS_MAX)
            return READING_REFUSE(reading, setting, "'%s' is %s: expected 1 to %d signatures",
                                  setting->key, setting->text, APPROVALS_MAX);
        approvals[risk] = (int64_t)setting->number;
    }
    if (approvals[RISK_LOW] > approvals[RISK_MEDIUM] ||
        approvals[RISK_MEDIUM] > approvals[RISK_HIGH])
        return READING_REFUSE(
            reading, NULL,
            "approvals contradict: low %jd, medium %jd, high %jd: a higher risk cannot ask "
            "for fewer (what is not said is %d)",
            (intmax_t)approvals[RISK_LOW], (intmax_t)approvals[RISK_MEDIUM],
            (intmax_t)approvals[RISK_HIGH], READING_APPROVALS_DEFAULT);
    return 0;
}

static int read_impact(struct reading *reading)
{
    enum risk *risks = reading->policy->impact_risk;
    const struct conf_setting *reload = find(reading, "reload");
    const struct conf_setting *restart = find(reading, "restart");

    if (reload != NULL && reading_risk(reading, reload, &risks[IMPACT_RELOAD]) < 0)
        return -1;
    if (restart != NULL && reading_risk(reading, restart, &risks[IMPACT_RESTART]) < 0)
        return -1;
    if (risks[IMPACT_RESTART] < risks[IMPACT_RELOAD])
        return READING_REFUSE(reading, NULL,
                              "impact_risk contradicts: restart is %s, but reload is %s already",
                              risk_word(risks[IMPACT_RESTART]), risk_word(risks[IMPACT_RELOAD]));
    return 0;
}

static int read_kind(struct reading *reading)
{
    struct policy *policy = reading->policy;
    const char *title = reading->section->title, *kind, *target;
    const struct conf_setting *allow = require(reading, "allow");
    const struct conf_setting *risk = allow == NULL ? NULL : require(reading, "risk");
    const struct conf_setting *deny = find(reading, "deny");

    if (risk == NULL)
        return -1;
    if (strchr(title, ':') != NULL ||
        !address_split(policy->arena, arena_printf(policy->arena, "%s:x", title), &kind, &target))
        return READING_REFUSE(reading, NULL,
                              "kind \"%.128s\": expected a kind such as \"sysctl.dropin\"", title);
    struct kind_rule *rule = &ARENA_PUSH(policy->arena, policy->kinds, policy->kind_count);
    *rule = (struct kind_rule){.place = reading_place(reading, NULL),
                               .allow_place = reading_place(reading, allow),
                               .deny_place = reading_place(reading, deny),
                               .kind = reading_keep(reading, title)};
    keep_list(reading, allow, &rule->allow);
    keep_list(reading, deny, &rule->deny);
    return reading_risk(reading, risk, &rule->risk);
}

static int read_form(struct reading *reading, bool numeric, enum bound_form *out_form)
{
    static const struct {
        const char *word;
        enum bound_form form;
    } forms[] = {{"number", BOUND_NUMBER}, {"range", BOUND_RANGE}, {"ports", BOUND_PORTS}};
    const struct conf_setting *setting = find(reading, "form");

    *out_form = numeric ? BOUND_NUMBER : BOUND_TEXT;
    if (setting == NULL)
        return 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(setting->text, forms[i].word) == 0) {
            *out_form = forms[i].form;
            return 0;
        }
    return READING_REFUSE(reading, setting, "'form' is '%.64s': expected number, range or ports",
                          setting->text);
}

static int read_bound(struct reading *reading)
{
    struct policy *policy = reading->policy;
    const char *title = reading->section->title;
    const struct conf_setting *min = find(reading, "min"), *max = find(reading, "max");
    const struct conf_setting *factor = find(reading, "max_factor");
    struct bound_rule rule = {.place = reading_place(reading, NULL), .max = UINT64_MAX};

    if (check_address(reading, title) < 0 ||
        read_form(reading, min != NULL || max != NULL || factor != NULL, &rule.form) < 0)
        return -1;
    rule.address = reading_keep(reading, title);
    keep_list(reading, find(reading, "values"), &rule.values);
    if (rule.form == BOUND_TEXT && rule.values.count == 0)
        return READING_REFUSE(
            reading, NULL, "bound \"%.128s\" bounds nothing: expected min, max or values", title);
    if (rule.form != BOUND_TEXT && (min == NULL || max == NULL))
        return READING_REFUSE(reading, NULL, "bound \"%.128s\": expected both min and max", title);
    if (min != NULL)
        rule.min = min->number;
    if (max != NULL)
        rule.max = max->number;
    if (rule.min > rule.max)
        return READING_REFUSE(reading, min,
                              "bound \"%.128s\" contradicts itself: min %ju is above max %ju",
                              title, (uintmax_t)rule.min, (uintmax_t)rule.max);
    if (factor != NULL && (factor->number < 1 || factor->number > FACTOR_MAX))
        return READING_REFUSE(reading, factor, "'max_factor' is %s: expected 1 to %d", factor->text,
                              FACTOR_MAX);
    if (factor != NULL && rule.form != BOUND_NUMBER)
        return READING_REFUSE(reading, factor, "'max_factor' needs form \"%s\"", "number");
    rule.max_factor = factor == NULL ? 0 : factor->number;
    ARENA_PUSH(policy->arena, policy->bounds, policy->bound_count) = rule;
    return 0;
}

static int read_risk_rule(struct reading *reading)
{
    struct policy *policy = reading->policy;
    const struct conf_setting *is = require(reading, "is");
    struct span value = span_of(reading->section->title);
    struct span address = span_cut(&value, '=');
    struct risk_rule rule = {.place = reading_place(reading, NULL)};

    if (is == NULL || reading_risk(reading, is, &rule.is) < 0)
        return -1;
    rule.address = arena_copy(policy->arena, address.ptr, address.len);
    if (strchr(reading->section->title, '=') != NULL)
        rule.value = arena_copy(policy->arena, value.ptr, value.len);
    if (check_address(reading, rule.address) < 0)
        return -1;
    ARENA_PUSH(policy->arena, policy->risks, policy->risk_count) = rule;
    return 0;
}

static int read_desire(struct reading *reading)
{
    struct policy *policy = reading->policy;
    const char *title = reading->section->title;
    const struct conf_setting *value = require(reading, "value");
    const struct conf_setting *because = find(reading, "because");
    struct wish wish = {.source = WISH_POLICY};

    if (value == NULL || check_address(reading, title) < 0)
        return -1;
    if (!pattern_is_literal(title))
        return READING_REFUSE(reading, NULL,
                              "desire \"%.128s\": a desire names one resource, without '*'", title);
    wish.address = reading_keep(reading, title);
    wish.value = reading_keep(reading, value->text);
    wish.because = because == NULL ? NULL : reading_keep(reading, because->text);
    strings_add(&wish.why, policy->arena, "policy");
    ARENA_PUSH(policy->arena, policy->desires, policy->desire_count) = wish;
    ARENA_PUSH(policy->arena, policy->desire_places, policy->desire_place_count) =
        reading_place(reading, NULL);
    return 0;
}

int reading_section(struct reading *reading)
{
    static const struct {
        const char *name;
        int (*read)(struct reading *reading);
    } readers[] = {{"approvals", read_approvals}, {"impact_risk", read_impact},
                   {"kind", read_kind},           {"bound", read_bound},
                   {"risk", read_risk_rule},      {"desire", read_desire}};

    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (strcmp(reading->section->name, readers[i].name) == 0)
            return readers[i].read(reading);
    return err_set(reading->err, ERR_BUG, "no reader for section '%s'", reading->section->name);
}
