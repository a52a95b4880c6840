#include "remediations/host/conf_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plans/base/escape.h"
#include "plans/base/text.h"

enum { MANAGED_HEAD_BYTES = 2048, DIFF_CONTEXT_LINES = 2, DIFF_LINE_MAX = 1024 };

int conf_real_file(const struct host *host, const char *path, struct arena *arena,
                   const char **out_real, struct err *err)
{
    struct err why = {0};
    struct stat st;
    const char *real;

    *out_real = NULL;
    if (host_real_path(host, path, arena, &real, &why) < 0) {
        if (why.kind == ERR_SYS && why.sys == ELOOP)
            return 0;
        *err = why;
        return -1;
    }
    if (real == NULL)
        return 0;
    int fd CLEANUP_FD = -1;
    if (host_open_path(host, path, O_PATH, &fd, err) < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot examine '%s'", path);
    if (S_ISREG(st.st_mode))
        *out_real = real;
    return 0;
}

int conf_own_path(const struct host *host, const char *dir, const char *name, struct arena *arena,
                  const char **out_path, struct err *err)
{
    const char *real_dir, *real;
    struct strings names;

    if (host_real_path(host, dir, arena, &real_dir, err) < 0)
        return -1;
    const char *path = arena_printf(arena, "%s/%s", real_dir == NULL ? dir : real_dir, name);
    *out_path = path;
    if (real_dir == NULL)
        return 0;
    if (host_list(host, dir, arena, &names, err) < 0 ||
        conf_real_file(host, path, arena, &real, err) < 0)
        return -1;
    if (strings_have(&names, name) && (real == NULL || strcmp(real, path) != 0))
        *out_path = NULL;
    return 0;
}

static bool has_name(const struct conf_files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->at[i].name, name) == 0)
            return true;
    }
    return false;
}

/* The name of the what-if file where it stands in this directory; else NULL. */
static const char *name_in(const struct conf_what_if *what_if, const char *real_dir)
{
    size_t len = strlen(real_dir);

    if (what_if == NULL || strncmp(what_if->path, real_dir, len) != 0 || what_if->path[len] != '/')
        return NULL;
    const char *name = what_if->path + len + 1;
    return strchr(name, '/') == NULL ? name : NULL;
}

static int add_directory(const struct host *host, const char *dir,
                         const struct conf_what_if *what_if, struct arena *arena,
                         struct conf_files *files, struct err *err)
{
    struct strings names;
    const char *real_dir;

    if (host_list(host, dir, arena, &names, err) < 0 ||
        host_real_path(host, dir, arena, &real_dir, err) < 0)
        return -1;
    const char *imagined = name_in(what_if, real_dir == NULL ? dir : real_dir);
    if (imagined != NULL && what_if->exists && !strings_have(&names, imagined))
        strings_add(&names, arena, imagined);

    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.at[i];
        bool is_imagined = imagined != NULL && strcmp(name, imagined) == 0;
        if (name[0] == '.' || !span_ends_with(span_of(name), ".conf") || has_name(files, name))
            continue;
        if (is_imagined && !what_if->exists)
            continue;
        struct conf_file *file = &ARENA_PUSH(arena, files->at, files->count);
        file->name = name;
        file->path = arena_printf(arena, "%s/%s", dir, name);
        if (is_imagined)
            file->real = what_if->path;
        else if (conf_real_file(host, file->path, arena, &file->real, err) < 0)
            return -1;
    }
    return 0;
}

static int compare_files(const void *a, const void *b)
{
    const struct conf_file *one = a, *other = b;

    return strcmp(one->name, other->name);
}

int conf_files_list(const struct host *host, const struct strings *dirs,
                    const struct conf_what_if *what_if, struct arena *arena,
                    struct conf_files *out_files, struct err *err)
{
    struct conf_files files = {0};

    for (size_t i = 0; i < dirs->count; i++) {
        if (add_directory(host, dirs->at[i], what_if, arena, &files, err) < 0)
            return -1;
    }
    if (files.count > 1)
        qsort(files.at, files.count, sizeof *files.at, compare_files);
    *out_files = files;
    return 0;
}

int conf_file_bytes(const struct host *host, const struct conf_file *file,
                    const struct conf_what_if *what_if, struct arena *arena, struct span *out_bytes,
                    struct err *err)
{
    bool exists;

    *out_bytes = (struct span){NULL, 0};
    if (file->real == NULL)
        return 0;
    if (what_if != NULL && strcmp(file->real, what_if->path) == 0) {
        if (what_if->exists)
            *out_bytes = what_if->bytes;
        return 0;
    }
    return host_read(host, file->real, HOST_CONF_MAX, arena, &exists, out_bytes, err);
}

static unsigned end_class(char byte)
{
    if (byte == '\n')
        return 1;
    if (byte == '\r')
        return 2;
    return byte == '\0' ? 4 : 0;
}

bool conf_next_line(struct span text, size_t *position, struct conf_line *line)
{
    size_t start = *position, at = start;
    unsigned seen = 0;

    if (start >= text.len)
        return false;
    while (at < text.len && end_class(text.ptr[at]) == 0)
        at++;
    line->text = (struct span){text.ptr + start, at - start};
    while (at < text.len) {
        unsigned end = end_class(text.ptr[at]);
        if (end == 0 || (seen & (end | 4u)) != 0)
            break;
        seen |= end;
        at++;
    }
    line->offset = start;
    line->len = at - start;
    line->number++;
    *position = at;
    return true;
}

const char *conf_line_end(struct span text)
{
    return span_ends_with(text, "\r\n") ? "\r\n" : "\n";
}

bool conf_is_managed(struct span text)
{
    static const char *const marks[] = {
        "managed by",    "ansible managed", "ansible_managed",
        "do not edit",   "do not modify",   "automatically generated",
        "autogenerated", "auto-generated",  "generated by",
    };
    struct conf_line line = {0};
    size_t position = 0;

    while (position < MANAGED_HEAD_BYTES && conf_next_line(text, &position, &line)) {
        struct span rest = span_trim(line.text);
        if (rest.len == 0)
            continue;
        if (rest.ptr[0] != '#' && rest.ptr[0] != ';')
            break;
        for (; rest.len > 0; rest.ptr++, rest.len--) {
            for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
                size_t len = strlen(marks[i]);
                if (rest.len >= len && strncasecmp(rest.ptr, marks[i], len) == 0)
                    return true;
            }
        }
    }
    return false;
}

struct lines {
    struct span *at;
    size_t count;
};

static struct lines split_lines(struct span text, struct arena *arena)
{
    struct lines lines = {0};
    struct span line;

    while (span_next_line(&text, &line))
        ARENA_PUSH(arena, lines.at, lines.count) = line;
    return lines;
}

static void add_diff_line(struct strings *diff, struct arena *arena, char mark, struct span line)
{
    /* The CR of a CR LF is an end of line to those who read it. */
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    strings_addf(diff, arena, "%c%s", mark, escape_span(arena, line, DIFF_LINE_MAX));
}

void conf_diff(struct span before, struct span after, struct arena *arena, struct strings *out_diff)
{
    struct lines old = split_lines(before, arena), new = split_lines(after, arena);
    size_t same = 0, tail = 0;

    while (same < old.count && same < new.count &&span_equal(old.at[same], new.at[same]))
        same++;
    while (tail < old.count - same &&
           tail < new.count -
                      same &&span_equal(old.at[old.count - 1 - tail], new.at[new.count - 1 - tail]))
        tail++;
    if (same == old.count && same == new.count)
        return;
    for (size_t i = same < DIFF_CONTEXT_LINES ? 0 : same - DIFF_CONTEXT_LINES; i < same; i++)
        add_diff_line(out_diff, arena, ' ', old.at[i]);
    for (size_t i = same; i < old.count - tail; i++)
        add_diff_line(out_diff, arena, '-', old.at[i]);
    for (size_t i = same; i < new.count - tail; i++)
        add_diff_line(out_diff, arena, '+', new.at[i]);
    for (size_t i = 0; i < tail && i < DIFF_CONTEXT_LINES; i++)
        add_diff_line(out_diff, arena, ' ', old.at[old.count - tail + i]);
}
