#include <string.h>

#include "policies/rules_reading.h"

enum { LIFETIME_MIN = 60, LIFETIME_MAX = 30 * 86400, LIFETIME_DEFAULT = 86400 };
enum { NAME_BYTES_MAX = 64 };

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

const char *rules_show_place(struct arena *arena, struct place place)
{
    return arena_printf(arena, "%s:%zu", place.file, place.line);
}

struct place reading_place(const struct reading *reading, const struct conf_setting *setting)
{
    return (struct place){reading->file, setting == NULL ? reading->section->line : setting->line};
}

const char *reading_keep(const struct reading *reading, const char *text)
{
    return arena_string(reading->policy->arena, text);
}

int reading_risk(const struct reading *reading, const struct conf_setting *setting,
                 enum risk *out_risk)
{
    if (risk_from_word(setting->text, out_risk))
        return 0;
    return READING_REFUSE(reading, setting, "'%s' is '%.64s': expected low, medium or high",
                          setting->key, setting->text);
}

static const struct conf_setting *find(const struct reading *reading, const char *key)
{
    return conf_find(reading->section, key);
}

/* ---- outside of all sections ---- */

static int read_name(struct reading *reading, const struct conf_setting *setting)
{
    size_t len = strlen(setting->text);

    if (len == 0 || len > NAME_BYTES_MAX)
        return READING_REFUSE(reading, setting, "'name' has %zu characters: expected 1 to %d", len,
                              NAME_BYTES_MAX);
    reading->policy->name = reading_keep(reading, setting->text);
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
        reading->policy->lifetime_place = reading_place(reading, setting);
        return 0;
    }
    return READING_REFUSE(
        reading, setting,
        "'plan_lifetime' is '%.64s': expected a number and s, m, h or d, 1m to 30d", setting->text);
}

static int read_person(struct reading *reading, const struct conf_setting *setting)
{
    struct policy *policy = reading->policy;

    if (strcmp(setting->text, "none") == 0)
        return 0;
    if (!risk_from_word(setting->text, &policy->person_up_to))
        return READING_REFUSE(reading, setting,
                              "'%s' is '%.64s': expected none, low, medium or high", setting->key,
                              setting->text);
    policy->person_suffices = true;
    return 0;
}

static int read_max_risk(struct reading *reading, const struct conf_setting *setting)
{
    reading->policy->max_risk_place = reading_place(reading, setting);
    return reading_risk(reading, setting, &reading->policy->max_risk);
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
        policy->approvals[i] = READING_APPROVALS_DEFAULT;
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
            if (reading_section(&reading) < 0)
                return -1;
        }
    }
    if (policy->name == NULL)
        return err_set(err, ERR_INPUT, "%s:1: 'name' is missing: a policy has a name",
                       files[0].file);
    return 0;
}
