#include <string.h>

#include "plans/base/text.h"
#include "remediations/host/sysctl_rules.h"

/* The first line of a file of ours: told from a person's remarks when the last setting goes. */
static const char own_head[] =
    "# Written by hamedic. 'hamedic history' tells which plan set what, and takes it back.";

/* Our names, in the order in which they are tried; each sorts behind the one before. */
static const char *const own_names[] = {"99-hamedic.conf", "zz-hamedic.conf", "zzzz-hamedic.conf"};
enum { OWN_NAMES = sizeof own_names / sizeof *own_names };

static bool find_last(struct span text, const char *path, struct arena *arena,
                      struct sysctl_line *out_line)
{
    struct sysctl_line line = {0};
    size_t position = 0;
    bool found = false;

    while (sysctl_rules_next(text, &position, arena, &line)) {
        if (line.assigns && strcmp(line.path, path) == 0) {
            *out_line = line;
            found = true;
        }
    }
    return found;
}

static struct span set_key(struct span text, const char *key, const char *value,
                           struct arena *arena)
{
    struct text out = text_new(arena);
    struct sysctl_line line;

    if (find_last(text, sysctl_rules_path(arena, span_of(key)), arena, &line)) {
        size_t start = (size_t)(line.value.ptr - text.ptr), end = start + line.value.len;
        text_add_span(&out, (struct span){text.ptr, start});
        if (line.value.len == 0 && value[0] != '\0')
            text_add(&out, " ");
        text_add(&out, value);
        text_add_span(&out, (struct span){text.ptr + end, text.len - end});
        return text_span(&out);
    }
    const char *end = conf_line_end(text);
    if (text.len == 0)
        text_addf(&out, "%s\n", own_head);
    text_add_span(&out, text);
    if (text.len > 0 && text.ptr[text.len - 1] != '\n')
        text_add(&out, end);
    text_addf(&out, "%s = %s%s", key, value, end);
    return text_span(&out);
}

/* Nothing but our own head and empty lines. */
static bool is_used_up(struct span text)
{
    struct span line;

    while (span_next_line(&text, &line)) {
        line = span_trim(line);
        if (line.len > 0 && !span_is(line, own_head))
            return false;
    }
    return true;
}

static struct span remove_key(struct span text, const char *key, struct arena *arena)
{
    const char *path = sysctl_rules_path(arena, span_of(key));
    struct text out = text_new(arena);
    struct sysctl_line line = {0};
    size_t position = 0, kept = 0;

    while (sysctl_rules_next(text, &position, arena, &line)) {
        if (!line.assigns || strcmp(line.path, path) != 0)
            continue;
        text_add_span(&out, (struct span){text.ptr + kept, line.line.offset - kept});
        kept = line.line.offset + line.line.len;
    }
    if (kept == 0)
        return text;
    text_add_span(&out, (struct span){text.ptr + kept, text.len - kept});
    return is_used_up(text_span(&out)) ? (struct span){NULL, 0} : text_span(&out);
}

int sysctl_edit_text(struct span text, const char *key, const char *value, struct arena *arena,
                     struct span *out_text, struct strings *out_diff, struct err *err)
{
    if (!sysctl_key_is_valid(key))
        return err_set(err, ERR_INPUT, "'%s' is no name of a kernel setting", key);
    if (value != NULL && strpbrk(value, "\r\n") != NULL)
        return err_set(err, ERR_INPUT, "value of '%s': expected one line", key);
    struct span new =
        value == NULL ? remove_key(text, key, arena) : set_key(text, key, value, arena);
    if (out_diff != NULL)
        conf_diff(text, new, arena, out_diff);
    *out_text = new;
    return 0;
}

const char *sysctl_edit_value(struct span text, const char *key, struct arena *arena)
{
    struct sysctl_line line;

    return find_last(text, sysctl_rules_path(arena, span_of(key)), arena, &line)
               ? sysctl_rules_value(arena, line.value)
               : NULL;
}

static int read_for_edit(const struct host *host, const char *path, struct arena *arena,
                         struct sysctl_edit *edit, struct err *err)
{
    *edit = (struct sysctl_edit){.path = path};
    if (host_read(host, path, HOST_CONF_MAX, arena, &edit->existed, &edit->before, err) < 0)
        return -1;
    edit->exists = edit->existed;
    edit->after = edit->before;
    return 0;
}

/* *out_wins: the edit of `path` that sets `key` would win at boot. */
static int try_path(const struct host *host, const char *path, const char *key, const char *value,
                    struct arena *arena, struct sysctl_edit *out_edit, bool *out_wins,
                    struct err *err)
{
    struct sysctl_edit edit;
    struct sysctl_winner winner;

    if (read_for_edit(host, path, arena, &edit, err) < 0 ||
        sysctl_edit_text(edit.before, key, value, arena, &edit.after, &edit.diff, err) < 0)
        return -1;
    edit.exists = true;
    struct conf_what_if what_if = {.path = path, .exists = true, .bytes = edit.after};
    if (sysctl_rules_winner(host, key, &what_if, arena, &winner, err) < 0)
        return -1;
    *out_wins = winner.explicit && winner.boot.value != NULL && winner.boot.real_file != NULL &&
                strcmp(winner.boot.real_file, path) == 0 &&
                sysctl_same_value(winner.boot.value, value);
    if (*out_wins)
        *out_edit = edit;
    return 0;
}

/* Paths at which a file of ours can stand; NULL where something is in the way. */
static int own_paths(const struct host *host, struct arena *arena, const char **paths,
                     struct err *err)
{
    for (size_t i = 0; i < OWN_NAMES; i++) {
        if (conf_own_path(host, "/etc/sysctl.d", own_names[i], arena, &paths[i], err) < 0)
            return -1;
    }
    return 0;
}

static int has_key(const struct host *host, const char *path, const char *key, struct arena *arena,
                   bool *out_has, struct err *err)
{
    struct sysctl_edit edit;
    struct sysctl_line line;

    *out_has = false;
    if (path == NULL)
        return 0;
    if (read_for_edit(host, path, arena, &edit, err) < 0)
        return -1;
    *out_has = find_last(edit.before, sysctl_rules_path(arena, span_of(key)), arena, &line);
    return 0;
}

/* May the file that wins now be edited? Packages own /usr, the next boot empties /run, and a
 * manager writes its files again. */
static int may_edit(const struct host *host, const struct sysctl_winner *winner,
                    struct arena *arena, bool *out_may, struct err *err)
{
    struct sysctl_edit edit;

    *out_may = false;
    if (!winner->explicit || winner->kept_out || winner->boot.real_file == NULL ||
        !span_starts_with(span_of(winner->boot.real_file), "/etc/"))
        return 0;
    if (read_for_edit(host, winner->boot.real_file, arena, &edit, err) < 0)
        return -1;
    *out_may = !conf_is_managed(edit.before);
    return 0;
}

static int plan_set(const struct host *host, const char *key, const char *value,
                    const struct sysctl_winner *now, struct arena *arena,
                    struct sysctl_edit *out_edit, struct err *err)
{
    const char *own[OWN_NAMES];
    const char *candidates[2 * OWN_NAMES + 1];
    size_t count = 0;
    bool may = false, wins = false, has;

    if (own_paths(host, arena, own, err) < 0 || may_edit(host, now, arena, &may, err) < 0)
        return -1;
    /* Where our line already stands; then the usual place; then the winner's own line; then behind
     * it. */
    for (size_t i = OWN_NAMES; i-- > 0;) {
        if (has_key(host, own[i], key, arena, &has, err) < 0)
            return -1;
        if (has)
            candidates[count++] = own[i];
    }
    candidates[count++] = own[0];
    candidates[count++] = may ? now->boot.real_file : NULL;
    for (size_t i = 1; i < OWN_NAMES; i++)
        candidates[count++] = own[i];

    for (size_t i = 0; i < count; i++) {
        if (candidates[i] == NULL)
            continue;
        if (try_path(host, candidates[i], key, value, arena, out_edit, &wins, err) < 0)
            return -1;
        if (wins)
            return 0;
    }
    return err_set(
        err, ERR_UNSUPPORTED,
        "'%s': no file of ours would win at boot; '%s' line %zu decides, and is not ours "
        "to edit",
        key, now->boot.file == NULL ? "/etc/sysctl.d" : now->boot.file, now->boot.line);
}

static int plan_remove(const struct host *host, const char *key, struct arena *arena,
                       struct sysctl_edit *out_edit, struct err *err)
{
    const char *own[OWN_NAMES];
    struct sysctl_edit edit;
    bool has = false;
    size_t i = OWN_NAMES;

    if (own_paths(host, arena, own, err) < 0)
        return -1;
    while (i-- > 0) {
        if (has_key(host, own[i], key, arena, &has, err) < 0)
            return -1;
        if (has)
            break;
    }
    if (!has) {
        /* Nothing of ours to take away. */
        *out_edit = (struct sysctl_edit){.path = SYSCTL_OWN_FILE};
        return own[0] == NULL ? 0 : read_for_edit(host, own[0], arena, out_edit, err);
    }
    if (read_for_edit(host, own[i], arena, &edit, err) < 0)
        return -1;
    if (edit.existed) {
        if (sysctl_edit_text(edit.before, key, NULL, arena, &edit.after, &edit.diff, err) < 0)
            return -1;
        edit.exists = edit.after.len > 0;
    }
    *out_edit = edit;
    return 0;
}

static int choose_edit(const struct host *host, const char *key, const char *value,
                       struct arena *arena, struct sysctl_edit *out_edit, struct err *err)
{
    struct sysctl_winner now;

    if (sysctl_rules_winner(host, key, NULL, arena, &now, err) < 0)
        return -1;
    if (value == NULL)
        return plan_remove(host, key, arena, out_edit, err);
    if (now.boot.value != NULL && now.boot.real_file != NULL &&
        sysctl_same_value(now.boot.value, value))
        return read_for_edit(host, now.boot.real_file, arena, out_edit, err);
    return plan_set(host, key, value, &now, arena, out_edit, err);
}

int sysctl_plan_edit(const struct host *host, const char *key, const char *value,
                     struct arena *arena, struct sysctl_edit *out_edit, struct err *err)
{
    struct sysctl_winner then;
    struct sysctl_edit edit;

    if (!sysctl_key_is_valid(key))
        return err_set(err, ERR_INPUT, "'%s' is no name of a kernel setting", key);
    if (choose_edit(host, key, value, arena, &edit, err) < 0)
        return -1;
    struct conf_what_if what_if = {edit.path, edit.exists, edit.after};
    if (sysctl_rules_winner(host, key, &what_if, arena, &then, err) < 0)
        return -1;
    edit.boot = then.boot;
    *out_edit = edit;
    return 0;
}

int sysctl_edit_files(const struct host *host, const char *key, struct arena *arena,
                      struct strings *out_paths, struct err *err)
{
    const char *own[OWN_NAMES];
    struct sysctl_winner now;

    if (own_paths(host, arena, own, err) < 0 ||
        sysctl_rules_winner(host, key, NULL, arena, &now, err) < 0)
        return -1;
    for (size_t i = 0; i < OWN_NAMES; i++) {
        if (own[i] != NULL)
            strings_add(out_paths, arena, own[i]);
    }
    if (now.boot.real_file != NULL && !strings_have(out_paths, now.boot.real_file))
        strings_add(out_paths, arena, now.boot.real_file);
    return 0;
}
