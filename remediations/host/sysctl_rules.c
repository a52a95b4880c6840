#include "remediations/host/sysctl_rules.h"

#include <fnmatch.h>
#include <string.h>

#include "plans/base/escape.h"
#include "plans/base/text.h"

/* systemd gives up on a file at a line longer than this. */
enum { LINE_MAX_BYTES = 1024 * 1024, VALUE_SHOWN_MAX = 4096 };

static const char *simplify(struct arena *arena, struct span path)
{
    struct text text = text_new(arena);

    while (path.len > 0) {
        struct span part = span_cut(&path, '/');
        if (part.len == 0 || span_is(part, "."))
            continue;
        if (text.len > 0)
            text_add(&text, "/");
        text_add_span(&text, part);
    }
    return text_string(&text);
}

const char *sysctl_rules_path(struct arena *arena, struct span key)
{
    char *copy = arena_copy(arena, key.ptr == NULL ? "" : key.ptr, key.len);
    const char *first = strpbrk(copy, "/.");

    if (first != NULL && *first == '.') {
        for (char *at = copy; *at != '\0'; at++) {
            if (*at == '.')
                *at = '/';
            else if (*at == '/')
                *at = '.';
        }
    }
    return simplify(arena, span_of(copy));
}

bool sysctl_rules_is_glob(const char *path)
{
    return strpbrk(path, "*?[") != NULL;
}

const char *sysctl_rules_value(struct arena *arena, struct span value)
{
    struct text text = text_new(arena);
    bool blank = false;

    value = span_trim(value);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == ' ' || value.ptr[i] == '\t') {
            blank = true;
            continue;
        }
        if (blank)
            text_add(&text, " ");
        blank = false;
        text_add_span(&text, (struct span){value.ptr + i, 1});
    }
    return escape_span(arena, text_span(&text), VALUE_SHOWN_MAX);
}

static bool parse_line(struct arena *arena, struct sysctl_line *line)
{
    struct span rest = span_trim(line->line.text);
    const char *equal;

    if (rest.len == 0 || rest.ptr[0] == '#' || rest.ptr[0] == ';')
        return false;
    equal = memchr(rest.ptr, '=', rest.len);
    line->assigns = equal != NULL;
    if (!line->assigns && rest.ptr[0] != '-')
        return false;
    struct span key = {rest.ptr, equal == NULL ? rest.len : (size_t)(equal - rest.ptr)};
    if (key.len > 0 && key.ptr[0] == '-') {
        key.ptr++;
        key.len--;
    }
    if (equal != NULL) {
        struct span value = {equal + 1, (size_t)(rest.ptr + rest.len - equal - 1)};
        line->value = span_trim(value);
        if (line->value.len == 0)
            line->value.ptr = equal + 1;
    } else {
        line->value = (struct span){NULL, 0};
    }
    line->path = sysctl_rules_path(arena, span_trim(key));
    return line->path[0] != '\0';
}

bool sysctl_rules_next(struct span text, size_t *position, struct arena *arena,
                       struct sysctl_line *out_line)
{
    while (conf_next_line(text, position, &out_line->line)) {
        if (out_line->line.text.len >= LINE_MAX_BYTES)
            return false;
        if (parse_line(arena, out_line))
            return true;
    }
    return false;
}

/* What one key or glob says so far. */
struct entry {
    const char *path;
    bool assigns;
    struct span value;
    struct sysctl_boot boot;
    unsigned long
        changed; /* when its value was last another than before: the order in which it is applied */
};

struct entries {
    struct entry *at;
    size_t count;
    unsigned long clock;
};

static struct entry *find_entry(struct entries *entries, struct arena *arena, const char *path)
{
    for (size_t i = 0; i < entries->count; i++) {
        if (strcmp(entries->at[i].path, path) == 0)
            return &entries->at[i];
    }
    struct entry *entry = &ARENA_PUSH(arena, entries->at, entries->count);
    entry->path = path;
    return entry;
}

static void add_line(struct entries *entries, struct arena *arena, const struct sysctl_line *line,
                     const struct conf_file *file)
{
    struct entry *entry = find_entry(entries, arena, line->path);

    if (entry->changed == 0 || entry->assigns != line->assigns ||
        !span_equal(entry->value, line->value))
        entry->changed = ++entries->clock;
    entry->assigns = line->assigns;
    entry->value = line->value;
    entry->boot.file = file->path;
    entry->boot.real_file = file->real;
    entry->boot.line = line->line.number;
}

int sysctl_rules_files(const struct host *host, const struct conf_what_if *what_if,
                       struct arena *arena, struct conf_files *out_files, struct err *err)
{
    struct strings dirs = {0};

    strings_add(&dirs, arena, "/etc/sysctl.d");
    strings_add(&dirs, arena, "/run/sysctl.d");
    strings_add(&dirs, arena, "/usr/local/lib/sysctl.d");
    strings_add(&dirs, arena, "/usr/lib/sysctl.d");
    strings_add(&dirs, arena, "/lib/sysctl.d");
    return conf_files_list(host, &dirs, what_if, arena, out_files, err);
}

static int collect(const struct host *host, const char *path, const struct conf_what_if *what_if,
                   struct arena *arena, struct entries *entries, struct err *err)
{
    struct conf_files files;

    if (sysctl_rules_files(host, what_if, arena, &files, err) < 0)
        return -1;
    for (size_t i = 0; i < files.count; i++) {
        struct sysctl_line line = {0};
        struct span bytes;
        size_t position = 0;
        if (conf_file_bytes(host, &files.at[i], what_if, arena, &bytes, err) < 0)
            return -1;
        while (sysctl_rules_next(bytes, &position, arena, &line)) {
            bool concerns = sysctl_rules_is_glob(line.path)
                                ? fnmatch(line.path, path, FNM_PATHNAME | FNM_PERIOD) == 0
                                : strcmp(line.path, path) == 0;
            if (concerns)
                add_line(entries, arena, &line, &files.at[i]);
        }
    }
    return 0;
}

int sysctl_rules_winner(const struct host *host, const char *key,
                        const struct conf_what_if *what_if, struct arena *arena,
                        struct sysctl_winner *out_winner, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new(); /* each line takes some of it */
    const char *path = sysctl_rules_path(scratch, span_of(key));
    struct sysctl_winner winner = {0};
    struct entries entries = {0};
    const struct entry *best = NULL;

    if (collect(host, path, what_if, scratch, &entries, err) < 0)
        return err_wrap(err, "cannot work out '%s' at boot", key);
    for (size_t i = 0; i < entries.count; i++) {
        const struct entry *entry = &entries.at[i];
        if (strcmp(entry->path, path) == 0) {
            best = entry;
            winner.explicit = true;
            break;
        }
        if (entry->assigns && (best == NULL || entry->changed > best->changed))
            best = entry;
    }
    if (best != NULL) {
        winner.boot = (struct sysctl_boot){
            .file = arena_string(arena, best->boot.file),
            .real_file =
                best->boot.real_file == NULL ? NULL : arena_string(arena, best->boot.real_file),
            .line = best->boot.line,
        };
        winner.kept_out = !best->assigns;
        winner.boot.value = best->assigns ? sysctl_rules_value(arena, best->value) : NULL;
    }
    *out_winner = winner;
    return 0;
}
