/* Where LimitNOFILE must stand to win. */
#include <string.h>

#include "plans/base/text.h"
#include "remediations/host/unit_rules.h"
#include "remediations/host/unit_text.h"

static const char own_head[] =
    "# Written by hamedic. 'hamedic history' tells which plan set what, and takes it back.";

static const char *const own_names[] = {UNIT_DROPIN_NAME, "zz-hamedic.conf", "zzzz-hamedic.conf"};
enum { OWN_NAMES = sizeof own_names / sizeof *own_names };

static bool is_limit(const struct unit_setting *setting)
{
    return span_is(setting->section, "Service") && span_is(setting->key, "LimitNOFILE");
}

static bool has_limit(struct span text, struct arena *arena)
{
    struct unit_setting setting = {0};
    struct unit_text state = {0};

    while (unit_text_next(text, &state, arena, &setting)) {
        if (is_limit(&setting))
            return true;
    }
    return false;
}

/* The text without any LimitNOFILE; where `value` is given, it takes the last one's place. */
static struct span replace_limits(struct span text, const char *value, struct arena *arena)
{
    struct text out = text_new(arena);
    struct unit_setting setting = {0};
    struct unit_text state = {0};
    size_t last = 0, kept = 0;

    while (unit_text_next(text, &state, arena, &setting)) {
        if (is_limit(&setting))
            last = setting.line;
    }
    state = (struct unit_text){0};
    while (unit_text_next(text, &state, arena, &setting)) {
        if (!is_limit(&setting))
            continue;
        text_add_span(&out, (struct span){text.ptr + kept, setting.offset - kept});
        if (value != NULL && setting.line == last)
            text_addf(&out, "LimitNOFILE=%s\n", value);
        kept = setting.offset + setting.len;
    }
    text_add_span(&out, (struct span){text.ptr + kept, text.len - kept});
    return text_span(&out);
}

/* Nothing but our own head, section names and empty lines. */
static bool is_used_up(struct span text)
{
    struct span line;

    while (span_next_line(&text, &line)) {
        line = span_trim(line);
        if (line.len > 0 && !span_is(line, own_head) && line.ptr[0] != '[')
            return false;
    }
    return true;
}

static struct span append_limit(struct span text, const char *value, struct arena *arena)
{
    struct text out = text_new(arena);
    struct unit_setting setting = {0};
    struct unit_text state = {0};

    while (unit_text_next(text, &state, arena, &setting))
        ;
    if (text.len == 0)
        text_addf(&out, "%s\n", own_head);
    text_add_span(&out, text);
    if (text.len > 0 && text.ptr[text.len - 1] != '\n')
        text_add(&out, "\n");
    if (!span_is(state.section, "Service"))
        text_add(&out, "[Service]\n");
    text_addf(&out, "LimitNOFILE=%s\n", value);
    return text_span(&out);
}

int unit_edit_limit_text(struct span text, const char *value, struct arena *arena,
                         struct span *out_text, struct err *err)
{
    uint64_t soft, hard;
    bool remove = value == NULL || value[0] == '\0';

    if (!remove && !unit_text_limit(span_of(value), &soft, &hard))
        return err_set(err, ERR_INPUT, "LimitNOFILE '%s': expected a number, soft:hard or infinity",
                       value);
    if (!remove && !has_limit(text, arena)) {
        *out_text = append_limit(text, value, arena);
        return 0;
    }
    struct span edited = replace_limits(text, remove ? NULL : value, arena);
    *out_text = remove && is_used_up(edited) ? (struct span){NULL, 0} : edited;
    return 0;
}

const char *unit_limit_of_text(struct span text, struct arena *arena)
{
    struct unit_setting setting = {0};
    struct unit_text state = {0};
    const char *last = NULL;

    while (unit_text_next(text, &state, arena, &setting)) {
        if (is_limit(&setting))
            last = arena_copy(arena, setting.value.ptr, setting.value.len);
    }
    return last;
}

static int read_for_edit(const struct host *host, const char *path, struct arena *arena,
                         struct unit_edit *edit, struct err *err)
{
    *edit = (struct unit_edit){.path = path};
    if (host_read(host, path, HOST_CONF_MAX, arena, &edit->existed, &edit->before, err) < 0)
        return -1;
    edit->exists = edit->existed;
    edit->after = edit->before;
    return 0;
}

static int finish_edit(struct unit_edit *edit, const char *value, struct arena *arena,
                       struct err *err)
{
    if (unit_edit_limit_text(edit->before, value, arena, &edit->after, err) < 0)
        return -1;
    edit->exists = edit->after.len > 0;
    conf_diff(edit->before, edit->after, arena, &edit->diff);
    return 0;
}

static int plan_remove(const struct host *host, const char *const *own, struct arena *arena,
                       struct unit_edit *out_edit, struct err *err)
{
    struct unit_edit edit;

    for (size_t i = OWN_NAMES; i-- > 0;) {
        if (own[i] == NULL)
            continue;
        if (read_for_edit(host, own[i], arena, &edit, err) < 0)
            return -1;
        *out_edit = edit;
        if (has_limit(edit.before, arena))
            return finish_edit(out_edit, NULL, arena, err);
    }
    return 0; /* nothing of ours to take away */
}

/* *out_wins: LimitNOFILE in the drop-in of ours at `path` would count. */
static int try_path(const struct host *host, const char *name, const char *path, const char *value,
                    struct arena *arena, struct unit_edit *out_edit, bool *out_wins,
                    struct err *err)
{
    struct unit unit;

    if (read_for_edit(host, path, arena, out_edit, err) < 0 ||
        finish_edit(out_edit, value, arena, err) < 0)
        return -1;
    struct conf_what_if what_if = {.path = path, .exists = true, .bytes = out_edit->after};
    if (unit_rules_read(host, name, &what_if, arena, &unit, err) < 0)
        return -1;
    *out_wins = unit.limit_file != NULL && strcmp(unit.limit_file, path) == 0;
    return 0;
}

static int plan_set(const struct host *host, const char *name, const char *value,
                    const char *const *own, struct arena *arena, struct unit_edit *out_edit,
                    struct err *err)
{
    struct unit unit;
    bool wins;

    /* Where our line already stands, then the usual name, then those that come later. */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < OWN_NAMES; i++) {
            if (own[i] == NULL)
                continue;
            if (pass == 0 && (read_for_edit(host, own[i], arena, out_edit, err) < 0))
                return -1;
            if (pass == 0 && !has_limit(out_edit->before, arena))
                continue;
            if (try_path(host, name, own[i], value, arena, out_edit, &wins, err) < 0)
                return -1;
            if (wins)
                return 0;
        }
    }
    if (unit_read(host, name, arena, &unit, err) < 0)
        return -1;
    return err_set(err, ERR_UNSUPPORTED,
                   "'%s': no drop-in of ours would win over '%s' line %zu, which sets LimitNOFILE",
                   name, unit.limit_file == NULL ? "what is there" : unit.limit_file,
                   unit.limit_line);
}

/* Paths at which a drop-in of ours can stand; NULL where something is in the way. */
static int own_paths(const struct host *host, const struct unit *unit, struct arena *arena,
                     const char **paths, struct err *err)
{
    const char *dir = arena_printf(arena, "/etc/systemd/system/%s.d", unit->name);

    for (size_t i = 0; i < OWN_NAMES; i++) {
        if (conf_own_path(host, dir, own_names[i], arena, &paths[i], err) < 0)
            return -1;
    }
    return 0;
}

int unit_plan_limit(const struct host *host, const char *name, const char *value,
                    struct arena *arena, struct unit_edit *out_edit, struct err *err)
{
    const char *own[OWN_NAMES];
    struct unit_edit edit = {0};
    struct unit unit;

    if (unit_read(host, name, arena, &unit, err) < 0)
        return -1;
    if (!unit.exists || unit.masked)
        return err_set(err, ERR_UNSUPPORTED, "unit '%s' %s", name,
                       unit.exists ? "is masked" : "does not exist");
    if (own_paths(host, &unit, arena, own, err) < 0)
        return -1;
    edit.path = arena_printf(arena, "/etc/systemd/system/%s.d/%s", unit.name, UNIT_DROPIN_NAME);
    int done = value == NULL || value[0] == '\0'
                   ? plan_remove(host, own, arena, &edit, err)
                   : plan_set(host, name, value, own, arena, &edit, err);
    if (done < 0)
        return err_wrap(err, "cannot plan LimitNOFILE of '%s'", name);
    struct conf_what_if what_if = {edit.path, edit.exists, edit.after};
    if (unit_rules_read(host, name, &what_if, arena, &unit, err) < 0)
        return -1;
    edit.limit_soft = unit.limit_soft;
    edit.limit_hard = unit.limit_hard;
    edit.limit_file = unit.limit_file;
    *out_edit = edit;
    return 0;
}

int unit_limit_files(const struct host *host, const char *name, struct arena *arena,
                     struct strings *out_paths, struct err *err)
{
    const char *own[OWN_NAMES], *real;
    struct unit unit;

    if (unit_read(host, name, arena, &unit, err) < 0 || own_paths(host, &unit, arena, own, err) < 0)
        return -1;
    for (size_t i = 0; i < OWN_NAMES; i++) {
        if (own[i] != NULL)
            strings_add(out_paths, arena, own[i]);
    }
    if (unit.limit_file == NULL)
        return 0;
    if (conf_real_file(host, unit.limit_file, arena, &real, err) < 0)
        return -1;
    if (real != NULL && !strings_have(out_paths, real))
        strings_add(out_paths, arena, real);
    return 0;
}
