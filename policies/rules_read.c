#include <string.h>

#include "policies/pattern.h"
#include "policies/rules.h"

enum { LIFETIME_MIN = 60, LIFETIME_MAX = 30 * 86400, LIFETIME_DEFAULT = 86400 };
enum { APPROVALS_MAX = 16, APPROVALS_DEFAULT = 2, NAME_BYTES_MAX = 64, FACTOR_MAX = 1000000 };

static const struct conf_key root_keys[] = {
    {"name", CONF_TEXT},           {"plan_lifetime", CONF_TEXT},
    {"managed_files", CONF_TRUTH}, {"person_suffices_up_to", CONF_TEXT},
    {"max_risk", CONF_TEXT},       {0}};
static const struct conf_key approvals_keys[] = {
    {"low", CONF_NUMBER}, {"medium", CONF_NUMBER}, {"high", CONF_NUMBER}, {0}};
static const struct conf_key impact_keys[] = {{"reload", CONF_TEXT}, {"restart", CONF_TEXT}, {0}};
static const struct conf_key kind_keys[] = {
    {"allow", CONF_LIST}, {"deny", CONF_LIST}, {"risk", CONF_TEXT}, {0}};
static const struct conf_key bound_keys[] = {{"form", CONF_TEXT},   {"min", CONF_NUMBER},
                                             {"max", CONF_NUMBER},  {"max_factor", CONF_NUMBER},
                                             {"values", CONF_LIST}, {0}};
static const struct conf_key risk_keys[] = {{"is", CONF_TEXT}, {0}};
static const struct conf_key desire_keys[] = {{"value", CONF_TEXT}, {"because", CONF_TEXT}, {0}};

static const struct conf_block blocks[] = {{"approvals", false, approvals_keys},
                                           {"impact_risk", false, impact_keys},
                                           {"kind", true, kind_keys},
                                           {"bound", true, bound_keys},
                                           {"risk", true, risk_keys},
                                           {"desire", true, desire_keys},
                                           {0}};
const struct conf_grammar rules_grammar = {root_keys, blocks};

const char *place_text(struct arena *arena, struct place place)
{
    return arena_printf(arena, "%s:%zu", place.file, place.line);
}

/* One setting or section of one file, with what is needed to read and to complain. */
struct reading {
    struct policy *policy;
    const char *file;
    const struct conf_section *section;
    struct err *err;
};

static struct place place_of(const struct reading *reading, const struct conf_setting *setting)
{
    return (struct place){reading->file, setting == NULL ? reading->section->line : setting->line};
}

#define REFUSE(reading, setting, format, ...)                                                      \
    err_set((reading)->err, ERR_INPUT, "%s:%zu: " format, (reading)->file,                         \
            place_of((reading), (setting)).line, __VA_ARGS__)

static const struct conf_setting *find(const struct reading *reading, const char *key)
{
    return conf_find(reading->section, key);
}

/* The section must have this key. */
static const struct conf_setting *require(const struct reading *reading, const char *key)
{
    const struct conf_setting *setting = find(reading, key);

    if (setting == NULL)
        (void)REFUSE(reading, NULL, "%s \"%.128s\": '%s' is missing", reading->section->name,
                     reading->section->title, key);
    return setting;
}

static const char *keep(const struct reading *reading, const char *text)
{
    return arena_string(reading->policy->arena, text);
}

static void keep_list(const struct reading *reading, const struct conf_setting *setting,
                      struct strings *list)
{
    for (size_t i = 0; setting != NULL && i < setting->list.count; i++)
        strings_add(list, reading->policy->arena, setting->list.at[i]);
}

static int read_risk(const struct reading *reading, const struct conf_setting *setting,
                     enum risk *out_risk)
{
    if (risk_from_word(setting->text, out_risk))
        return 0;
    return REFUSE(reading, setting, "'%s' is '%.64s': expected low, medium or high", setting->key,
                  setting->text);
}

/* "KIND:TARGET", both there, the kind without '*'. */
static int check_address(const struct reading *reading, const char *address)
{
    const char *kind, *target;

    if (address_split(reading->policy->arena, address, &kind, &target))
        return 0;
    return REFUSE(reading, NULL,
                  "%s \"%.128s\": expected an address such as \"sysctl.dropin:net.core.somaxconn\"",
                  reading->section->name, address);
}

/* ---- outside of all sections ---- */

static int read_name(struct reading *reading, const struct conf_setting *setting)
{
    size_t len = strlen(setting->text);

    if (len == 0 || len > NAME_BYTES_MAX)
        return REFUSE(reading, setting, "'name' has %zu characters: expected 1 to %d", len,
                      NAME_BYTES_MAX);
    reading->policy->name = keep(reading, setting->text);
    return 0;
}

static int read_lifetime(struct reading *reading, const struct conf_setting *setting)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    struct span text = span_of(setting->text);
    uint64_t count;

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (text.len < 2 || text.ptr[text.len - 1] != units[i].unit ||
            !span_scan_u64((struct span){text.ptr, text.len - 1}, &count) || count > LIFETIME_MAX)
            continue;
        int64_t seconds = (int64_t)count * units[i].seconds;
        if (seconds < LIFETIME_MIN || seconds > LIFETIME_MAX)
            break;
        reading->policy->lifetime = seconds;
        reading->policy->lifetime_place = place_of(reading, setting);
        return 0;
    }
    return REFUSE(reading, setting,
                  "'plan_lifetime' is '%.64s': expected a number and s, m, h or d, 1m to 30d",
                  setting->text);
}

static int read_person(struct reading *reading, const struct conf_setting *setting)
{
    struct policy *policy = reading->policy;

    if (strcmp(setting->text, "none") == 0)
        return 0;
    if (!risk_from_word(setting->text, &policy->person_up_to))
        return REFUSE(reading, setting, "'%s' is '%.64s': expected none, low, medium or high",
                      setting->key, setting->text);
    policy->person_suffices = true;
    return 0;
}

static int read_max_risk(struct reading *reading, const struct conf_setting *setting)
{
    reading->policy->max_risk_place = place_of(reading, setting);
    return read_risk(reading, setting, &reading->policy->max_risk);
}

static int read_managed(struct reading *reading, const struct conf_setting *setting)
{
    reading->policy->managed_files = setting->truth;
    return 0;
}

static int read_root(struct reading *reading)
{
    static const struct {
        const char *key;
        int (*read)(struct reading *reading, const struct conf_setting *setting);
    } readers[] = {{"name", read_name},
                   {"plan_lifetime", read_lifetime},
                   {"managed_files", read_managed},
                   {"person_suffices_up_to", read_person},
                   {"max_risk", read_max_risk}};

    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        const struct conf_setting *setting = find(reading, readers[i].key);
        if (setting != NULL && readers[i].read(reading, setting) < 0)
            return -1;
    }
    return 0;
}

/* ---- sections ---- */

static int read_approvals(struct reading *reading)
{
    int64_t *approvals = reading->policy->approvals;

    for (size_t risk = 0; risk < RISK_COUNT; risk++) {
        const struct conf_setting *setting = find(reading, risk_word((enum risk)risk));
        if (setting == NULL)
            continue;
        if (setting->number < 1 || setting->number > APPROVALS_MAX)
            return REFUSE(reading, setting, "'%s' is %s: expected 1 to %d signatures", setting->key,
                          setting->text, APPROVALS_MAX);
        approvals[risk] = (int64_t)setting->number;
    }
    if (approvals[RISK_LOW] > approvals[RISK_MEDIUM] ||
        approvals[RISK_MEDIUM] > approvals[RISK_HIGH])
        return REFUSE(
            reading, NULL,
            "approvals contradict: low %jd, medium %jd, high %jd: a higher risk cannot ask "
            "for fewer (what is not said is %d)",
            (intmax_t)approvals[RISK_LOW], (intmax_t)approvals[RISK_MEDIUM],
            (intmax_t)approvals[RISK_HIGH], APPROVALS_DEFAULT);
    return 0;
}

static int read_impact(struct reading *reading)
{
    enum risk *risks = reading->policy->impact_risk;
    const struct conf_setting *reload = find(reading, "reload");
    const struct conf_setting *restart = find(reading, "restart");

    if (reload != NULL && read_risk(reading, reload, &risks[IMPACT_RELOAD]) < 0)
        return -1;
    if (restart != NULL && read_risk(reading, restart, &risks[IMPACT_RESTART]) < 0)
        return -1;
    if (risks[IMPACT_RESTART] < risks[IMPACT_RELOAD])
        return REFUSE(reading, NULL,
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
        return REFUSE(reading, NULL, "kind \"%.128s\": expected a kind such as \"sysctl.dropin\"",
                      title);
    struct kind_rule *rule = &ARENA_PUSH(policy->arena, policy->kinds, policy->kind_count);
    *rule = (struct kind_rule){.place = place_of(reading, NULL),
                               .allow_place = place_of(reading, allow),
                               .deny_place = place_of(reading, deny),
                               .kind = keep(reading, title)};
    keep_list(reading, allow, &rule->allow);
    keep_list(reading, deny, &rule->deny);
    return read_risk(reading, risk, &rule->risk);
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
    return REFUSE(reading, setting, "'form' is '%.64s': expected number, range or ports",
                  setting->text);
}

static int read_bound(struct reading *reading)
{
    struct policy *policy = reading->policy;
    const char *title = reading->section->title;
    const struct conf_setting *min = find(reading, "min"), *max = find(reading, "max");
    const struct conf_setting *factor = find(reading, "max_factor");
    struct bound_rule rule = {.place = place_of(reading, NULL), .max = UINT64_MAX};

    if (check_address(reading, title) < 0 ||
        read_form(reading, min != NULL || max != NULL || factor != NULL, &rule.form) < 0)
        return -1;
    rule.address = keep(reading, title);
    keep_list(reading, find(reading, "values"), &rule.values);
    if (rule.form == BOUND_TEXT && rule.values.count == 0)
        return REFUSE(reading, NULL, "bound \"%.128s\" bounds nothing: expected min, max or values",
                      title);
    if (rule.form != BOUND_TEXT && (min == NULL || max == NULL))
        return REFUSE(reading, NULL, "bound \"%.128s\": expected both min and max", title);
    if (min != NULL)
        rule.min = min->number;
    if (max != NULL)
        rule.max = max->number;
    if (rule.min > rule.max)
        return REFUSE(reading, min, "bound \"%.128s\" contradicts itself: min %ju is above max %ju",
                      title, (uintmax_t)rule.min, (uintmax_t)rule.max);
    if (factor != NULL && (factor->number < 1 || factor->number > FACTOR_MAX))
        return REFUSE(reading, factor, "'max_factor' is %s: expected 1 to %d", factor->text,
                      FACTOR_MAX);
    if (factor != NULL && rule.form != BOUND_NUMBER)
        return REFUSE(reading, factor, "'max_factor' needs form \"%s\"", "number");
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
    struct risk_rule rule = {.place = place_of(reading, NULL)};

    if (is == NULL || read_risk(reading, is, &rule.is) < 0)
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
        return REFUSE(reading, NULL, "desire \"%.128s\": a desire names one resource, without '*'",
                      title);
    wish.address = keep(reading, title);
    wish.value = keep(reading, value->text);
    wish.because = because == NULL ? NULL : keep(reading, because->text);
    strings_add(&wish.why, policy->arena, "policy");
    ARENA_PUSH(policy->arena, policy->desires, policy->desire_count) = wish;
    ARENA_PUSH(policy->arena, policy->desire_places, policy->desire_place_count) =
        place_of(reading, NULL);
    return 0;
}

static int read_section(struct reading *reading)
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

/* ---- several files are one policy ---- */

static bool same_section(const struct conf_section *a, const struct conf_section *b)
{
    return strcmp(a->name, b->name) == 0 &&
           (a->title == NULL || b->title == NULL ? a->title == b->title
                                                 : strcmp(a->title, b->title) == 0);
}

static int refuse_twice(const struct conf *first, size_t first_line, const struct conf *second,
                        size_t second_line, const char *name, const char *title, struct err *err)
{
    return err_set(err, ERR_INPUT, "%s:%zu: %s%s%.128s%s stands twice: first in %s:%zu",
                   second->file, second_line, name, title == NULL ? "" : " \"",
                   title == NULL ? "" : title, title == NULL ? "" : "\"", first->file, first_line);
}

/* conf_parse has refused what stands twice in one file. */
static int check_pair(const struct conf *first, const struct conf *second, struct err *err)
{
    for (size_t i = 0; i < second->root.setting_count; i++) {
        const struct conf_setting *setting = &second->root.settings[i];
        const struct conf_setting *earlier = conf_find(&first->root, setting->key);
        if (earlier != NULL)
            return refuse_twice(first, earlier->line, second, setting->line, setting->key, NULL,
                                err);
    }
    for (size_t i = 0; i < second->section_count; i++)
        for (size_t j = 0; j < first->section_count; j++)
            if (same_section(&second->sections[i], &first->sections[j]))
                return refuse_twice(first, first->sections[j].line, second,
                                    second->sections[i].line, second->sections[i].name,
                                    second->sections[i].title, err);
    return 0;
}

static int check_files(const struct conf *files, size_t count, struct err *err)
{
    size_t sections = 0;

    for (size_t i = 0; i < count; i++) {
        sections += files[i].section_count;
        if (sections > RULES_SECTIONS_MAX)
            return err_set(err, ERR_INPUT, "%s:1: more than %d sections in all files",
                           files[i].file, RULES_SECTIONS_MAX);
        for (size_t j = 0; j < i; j++)
            if (check_pair(&files[j], &files[i], err) < 0)
                return -1;
    }
    return 0;
}

/* What a file does not say is the stricter of what it could say. */
static void set_defaults(struct policy *policy)
{
    policy->lifetime = LIFETIME_DEFAULT;
    policy->max_risk = RISK_HIGH;
    for (size_t i = 0; i < RISK_COUNT; i++)
        policy->approvals[i] = APPROVALS_DEFAULT;
    policy->impact_risk[IMPACT_RELOAD] = RISK_MEDIUM;
    policy->impact_risk[IMPACT_RESTART] = RISK_HIGH;
}

int rules_read(struct policy *policy, const struct conf *files, size_t count, struct err *err)
{
    set_defaults(policy);
    if (check_files(files, count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct reading reading = {.policy = policy,
                                  .file = arena_string(policy->arena, files[i].file),
                                  .section = &files[i].root,
                                  .err = err};
        if (read_root(&reading) < 0)
            return -1;
        for (size_t j = 0; j < files[i].section_count; j++) {
            reading.section = &files[i].sections[j];
            if (read_section(&reading) < 0)
                return -1;
        }
    }
    if (policy->name == NULL)
        return err_set(err, ERR_INPUT, "%s:1: 'name' is missing: a policy has a name",
                       files[0].file);
    return 0;
}
