#include "remediations/host/haproxy_api.h"

#include <string.h>

#include "plans/base/escape.h"

enum { SHOWN_MAX = 160, TEXT_MAX = 512 };

static int not_the_answer(const char *command, struct span answer, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();

    return err_set(err, ERR_INPUT, "'%s' was answered with '%s'", command,
                   escape_span(scratch, span_trim(answer), SHOWN_MAX));
}

/* Every answer ends with an empty line: one that does not was cut off on its way. */
static int check_complete(const char *command, struct span answer, struct err *err)
{
    if (answer.len >= 2 && answer.ptr[answer.len - 1] == '\n' && answer.ptr[answer.len - 2] == '\n')
        return 0;
    return err_set(err, ERR_INPUT, "the answer to '%s' is cut off after %zu bytes", command,
                   answer.len);
}

/* ---- show info ---- */

static bool split_field(struct span line, struct haproxy_info_field *out_field)
{
    const char *colon = line.len == 0 ? NULL : memchr(line.ptr, ':', line.len);

    if (colon == NULL || colon == line.ptr)
        return false;
    out_field->key = (struct span){line.ptr, (size_t)(colon - line.ptr)};
    out_field->value =
        span_trim((struct span){colon + 1, line.len - (size_t)(colon - line.ptr) - 1});
    return true;
}

static const struct haproxy_info_field *find_field(const struct haproxy_info *info, const char *key)
{
    for (size_t i = 0; i < info->field_count; i++)
        if (span_is(info->fields[i].key, key))
            return &info->fields[i];
    return NULL;
}

int haproxy_info_parse(struct span answer, struct arena *arena, struct haproxy_info *out_info,
                       struct err *err)
{
    struct haproxy_info info = {0};
    struct span rest = answer, line;
    bool ended = false;

    while (!ended && span_next_line(&rest, &line)) {
        struct haproxy_info_field field;
        if (line.len == 0 && info.field_count == 0)
            continue;
        if (line.len == 0)
            ended = true;
        else if (split_field(line, &field))
            ARENA_PUSH(arena, info.fields, info.field_count) = field;
        else
            return not_the_answer("show info", line, err);
    }
    if (find_field(&info, "Name") == NULL)
        return not_the_answer("show info", answer, err);
    if (!ended || find_field(&info, "Pid") == NULL)
        return err_set(err, ERR_INPUT, "the answer to 'show info' is cut off after %zu bytes",
                       answer.len);
    *out_info = info;
    return 0;
}

bool haproxy_info_number(const struct haproxy_info *info, const char *key, int64_t *out_value)
{
    const struct haproxy_info_field *field = find_field(info, key);

    return field != NULL && span_scan_i64(field->value, out_value);
}

const char *haproxy_info_text(const struct haproxy_info *info, const char *key, struct arena *arena)
{
    const struct haproxy_info_field *field = find_field(info, key);

    return field == NULL ? NULL : escape_span(arena, field->value, TEXT_MAX);
}

/* ---- show proc ---- */

static struct span next_word(struct span *rest)
{
    size_t skip = 0;

    while (skip < rest->len && rest->ptr[skip] == ' ')
        skip++;
    *rest = (struct span){rest->ptr + skip, rest->len - skip};
    return span_cut(rest, ' ');
}

struct proc_row {
    uint64_t pid;
    struct span type;
    int64_t reloads, failed;
};

/* "16562  master  0 [failed: 0]  0d00h00m01s  2.6.12"; up to 2.4 with one more column after the
 * type. */
static bool read_proc_row(struct span line, bool relative, struct proc_row *out_row)
{
    struct span rest = line;

    out_row->failed = -1;
    if (!span_scan_u64(next_word(&rest), &out_row->pid) || out_row->pid == 0 ||
        out_row->pid > INT32_MAX)
        return false;
    out_row->type = next_word(&rest);
    if (relative)
        (void)next_word(&rest);
    if (!span_scan_i64(next_word(&rest), &out_row->reloads))
        return false;
    struct span word = next_word(&rest);
    if (!span_is(word, "[failed:"))
        return true;
    word = next_word(&rest);
    if (word.len == 0 || word.ptr[word.len - 1] != ']')
        return false;
    return span_scan_i64((struct span){word.ptr, word.len - 1}, &out_row->failed);
}

int haproxy_proc_parse(struct span answer, struct haproxy_proc *out_proc, struct err *err)
{
    struct haproxy_proc proc = {.failed_reloads = -1, .reloads = -1};
    struct span rest = answer, line;
    bool relative = false, current = false;
    int64_t worker_reloads = INT64_MAX;

    if (!span_next_line(&rest, &line) || !span_starts_with(line, "#<PID>"))
        return not_the_answer("show proc", answer, err);
    if (check_complete("show proc", answer, err) < 0)
        return -1;
    relative = memmem(line.ptr, line.len, "<relative PID>", strlen("<relative PID>")) != NULL;
    while (span_next_line(&rest, &line) && line.len > 0) {
        struct proc_row row;
        if (line.ptr[0] == '#') {
            current = span_is(span_trim(line), "# workers");
            continue;
        }
        if (!read_proc_row(line, relative, &row)) {
            /* Only our own rows matter: "programs" have names instead of types. */
            if (current || proc.reloads < 0)
                return not_the_answer("show proc", line, err);
            continue;
        }
        if (span_is(row.type, "master") && proc.reloads < 0) {
            proc.reloads = row.reloads;
            proc.failed_reloads = row.failed;
        } else if (current && row.reloads <= worker_reloads) {
            proc.worker = (pid_t)row.pid;
            worker_reloads = row.reloads;
        }
    }
    if (proc.reloads < 0)
        return not_the_answer("show proc", answer, err);
    *out_proc = proc;
    return 0;
}
