#include "remediations/host/unit_files.h"

#include <string.h>

#include "plans/base/escape.h"
#include "remediations/host/unit_rules.h"
#include "remediations/host/unit_text.h"

/* What the files said so far. */
struct reading {
    const struct host *host;
    struct arena *arena;
    struct unit *unit;
    struct span exec_start;
    struct unit_variables environment;
    struct strings environment_files;
    bool capabilities_all, capability_kept;
};

static void set_limit(struct reading *reading, const struct unit_setting *setting, const char *file)
{
    struct unit *unit = reading->unit;

    if (!unit_text_limit(setting->value, &unit->limit_soft, &unit->limit_hard))
        return;
    unit->limit_text = escape_span(reading->arena, setting->value, 64);
    unit->limit_file = file;
    unit->limit_line = setting->line;
}

/* CapabilityBoundingSet: lists add up, "~" takes away; the first one replaces the full set. */
static void set_capabilities(struct reading *reading, struct span value)
{
    bool invert = value.len > 0 && value.ptr[0] == '~';
    struct strings words = {0};
    bool named = false;

    if (invert) {
        value.ptr++;
        value.len--;
    }
    unit_text_words(value, reading->arena, &words);
    for (size_t i = 0; i < words.count; i++)
        named = named || strcasecmp(words.at[i], "CAP_SYS_RESOURCE") == 0;
    if (words.count == 0 || reading->capabilities_all)
        reading->capability_kept = invert ? !named : named;
    else if (named)
        reading->capability_kept = !invert;
    reading->capabilities_all = invert && words.count == 0;
}

static void set_environment(struct reading *reading, struct span value)
{
    struct strings words = {0};

    if (value.len == 0)
        reading->environment = (struct unit_variables){.names = index_new(reading->arena)};
    unit_text_words(value, reading->arena, &words);
    for (size_t i = 0; i < words.count; i++)
        unit_text_set_variable(&reading->environment, reading->arena, words.at[i]);
}

static void apply_setting(struct reading *reading, const struct unit_setting *setting,
                          const char *file)
{
    struct arena *arena = reading->arena;
    struct unit *unit = reading->unit;

    if (!span_is(setting->section, "Service"))
        return;
    if (span_is(setting->key, "LimitNOFILE")) {
        set_limit(reading, setting, file);
    } else if (span_is(setting->key, "ExecStart")) {
        reading->exec_start = setting->value;
    } else if (span_is(setting->key, "Environment")) {
        set_environment(reading, setting->value);
    } else if (span_is(setting->key, "EnvironmentFile")) {
        if (setting->value.len == 0)
            reading->environment_files = (struct strings){0};
        else
            strings_add(&reading->environment_files, arena,
                        arena_copy(arena, setting->value.ptr, setting->value.len));
    } else if (span_is(setting->key, "User")) {
        unit->user = setting->value.len == 0 || span_is(setting->value, "root")
                         ? NULL
                         : escape_span(arena, setting->value, 256);
    } else if (span_is(setting->key, "CapabilityBoundingSet")) {
        set_capabilities(reading, setting->value);
    } else if (span_is(setting->key, "Type")) {
        unit->type_notify =
            span_is(setting->value, "notify") || span_is(setting->value, "notify-reload");
    }
}

static int read_file(struct reading *reading, const struct conf_file *file,
                     const struct conf_what_if *what_if, struct err *err)
{
    struct unit_setting setting = {0};
    struct unit_text state = {0};
    struct span bytes;

    if (conf_file_bytes(reading->host, file, what_if, reading->arena, &bytes, err) < 0)
        return -1;
    while (unit_text_next(bytes, &state, reading->arena, &setting))
        apply_setting(reading, &setting, file->path);
    return 0;
}

/* What environment files set wins over Environment=, wherever that stands. */
static int read_environment_files(struct reading *reading, struct err *err)
{
    for (size_t i = 0; i < reading->environment_files.count; i++) {
        const char *path = reading->environment_files.at[i];
        struct span bytes;
        bool exists;
        if (path[0] == '-')
            path++;
        /* Specifiers and patterns are not worked out here; a file that is missing sets nothing. */
        if (path[0] != '/' || strpbrk(path, "*?[%") != NULL)
            continue;
        if (host_read(reading->host, path, HOST_CONF_MAX, reading->arena, &exists, &bytes, err) < 0)
            return -1;
        if (exists)
            unit_text_environment_file(bytes, reading->arena, &reading->environment);
    }
    return 0;
}

int unit_rules_read(const struct host *host, const char *name, const struct conf_what_if *what_if,
                    struct arena *arena, struct unit *out_unit, struct err *err)
{
    struct unit unit = {0};
    struct reading reading = {.host = host,
                              .arena = arena,
                              .unit = &unit,
                              .environment = {.names = index_new(arena)},
                              .capabilities_all = true,
                              .capability_kept = true};
    struct unit_sources sources;

    if (unit_rules_sources(host, name, what_if, arena, &sources, err) < 0)
        return err_wrap(err, "cannot read unit '%s'", name);
    unit.name = sources.id;
    unit.exists = sources.exists;
    unit.masked = sources.masked;
    unit.file = sources.fragment.path;
    if (!unit.exists || unit.masked) {
        *out_unit = unit;
        return 0;
    }
    if (read_file(&reading, &sources.fragment, what_if, err) < 0)
        return err_wrap(err, "cannot read unit '%s'", name);
    for (size_t i = 0; i < sources.dropins.count; i++) {
        strings_add(&unit.dropins, arena, sources.dropins.at[i].path);
        if (read_file(&reading, &sources.dropins.at[i], what_if, err) < 0)
            return err_wrap(err, "cannot read unit '%s'", name);
    }
    if (read_environment_files(&reading, err) < 0)
        return err_wrap(err, "cannot read the environment of unit '%s'", name);
    unit.environment = reading.environment.list;
    unit_text_command(reading.exec_start, &unit.environment, arena, &unit.exec_start);
    unit.bounds_sys_resource = !reading.capability_kept;
    *out_unit = unit;
    return 0;
}

int unit_read(const struct host *host, const char *name, struct arena *arena, struct unit *out_unit,
              struct err *err)
{
    return unit_rules_read(host, name, NULL, arena, out_unit, err);
}
