#include "remediations/host/haproxy_api.h"

#include <string.h>

#include "plans/base/escape.h"

enum { SHOWN_MAX = 160, TEXT_MAX = 512, COLUMNS_MAX = 1024 };

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

/* ---- show stat ---- */

enum column_kind { COLUMN_TEXT, COLUMN_NUMBER };

/* The columns that are read; a row of the answer is spread over these. */
enum column {
    COLUMN_PROXY,
    COLUMN_NAME,
    COLUMN_TYPE,
    COLUMN_STATUS,
    COLUMN_CHECK_STATUS,
    COLUMN_LAST_CHECK,
    COLUMN_ADDRESS,
    COLUMN_FIRST_NUMBER,
};

static const char *const text_columns[COLUMN_FIRST_NUMBER] = {
    [COLUMN_PROXY] = "pxname",
    [COLUMN_NAME] = "svname",
    [COLUMN_TYPE] = "type",
    [COLUMN_STATUS] = "status",
    [COLUMN_CHECK_STATUS] = "check_status",
    [COLUMN_LAST_CHECK] = "last_chk",
    [COLUMN_ADDRESS] = "addr",
};
enum { REQUIRED_COLUMNS = COLUMN_STATUS + 1 };

static const struct number_column {
    const char *name;
    size_t offset;
} number_columns[] = {
    {"qcur", offsetof(struct haproxy_stat, queue)},
    {"qmax", offsetof(struct haproxy_stat, queue_max)},
    {"scur", offsetof(struct haproxy_stat, sessions)},
    {"smax", offsetof(struct haproxy_stat, sessions_max)},
    {"slim", offsetof(struct haproxy_stat, session_limit)},
    {"qlimit", offsetof(struct haproxy_stat, queue_limit)},
    {"econ", offsetof(struct haproxy_stat, connect_errors)},
    {"wretr", offsetof(struct haproxy_stat, retries)},
    {"weight", offsetof(struct haproxy_stat, weight)},
    {"act", offsetof(struct haproxy_stat, active)},
    {"bck", offsetof(struct haproxy_stat, backup)},
    {"qtime", offsetof(struct haproxy_stat, queue_ms)},
    {"ctime", offsetof(struct haproxy_stat, connect_ms)},
    {"rtime", offsetof(struct haproxy_stat, response_ms)},
    {"ttime", offsetof(struct haproxy_stat, total_ms)},
    {"check_code", offsetof(struct haproxy_stat, check_code)},
    {"lastchg", offsetof(struct haproxy_stat, last_change)},
};
enum {
    NUMBER_COLUMNS = sizeof number_columns / sizeof *number_columns,
    ALL_COLUMNS = COLUMN_FIRST_NUMBER + NUMBER_COLUMNS,
    NO_COLUMN = -1,
};

static const char *column_name(size_t wanted)
{
    return wanted < COLUMN_FIRST_NUMBER ? text_columns[wanted]
                                        : number_columns[wanted - COLUMN_FIRST_NUMBER].name;
}

/* One field off the front of `rest`. *out_last: it ended its row. False: a quote never closes, or
 * there is no end of line. Doubled quotes inside a quoted field stand for one. */
static bool next_field(struct span *rest, struct arena *arena, struct span *out_field,
                       bool *out_last)
{
    const char *at = rest->ptr, *end = rest->ptr + rest->len;
    struct span field = {at, 0};

    if (at < end && *at == '"') {
        char *plain = arena_alloc(arena, rest->len);
        size_t len = 0;
        for (at++; at < end; at++) {
            if (*at == '"' && (at + 1 == end || at[1] != '"'))
                break;
            if (*at == '"')
                at++;
            plain[len++] = *at;
        }
        if (at == end)
            return false;
        at++;
        field = (struct span){plain, len};
        if (at == end || (*at != ',' && *at != '\n'))
            return false;
    } else {
        while (at < end && *at != ',' && *at != '\n')
            at++;
        field.len = (size_t)(at - field.ptr);
        if (at == end)
            return false;
    }
    *out_last = *at == '\n';
    *out_field = field;
    *rest = (struct span){at + 1, (size_t)(end - at) - 1};
    return true;
}

/* Where each wanted column stands in this version's rows. */
struct columns {
    int place[ALL_COLUMNS];
    size_t count;
};

static int read_header(struct span *rest, struct arena *arena, struct columns *columns,
                       struct err *err)
{
    struct span field;
    bool last = false;

    for (size_t i = 0; i < ALL_COLUMNS; i++)
        columns->place[i] = NO_COLUMN;
    for (columns->count = 0; !last; columns->count++) {
        if (columns->count == COLUMNS_MAX || !next_field(rest, arena, &field, &last))
            return err_set(err, ERR_INPUT, "the answer to 'show stat' has no whole first line");
        for (size_t i = 0; i < ALL_COLUMNS; i++)
            if (columns->place[i] == NO_COLUMN && span_is(field, column_name(i)))
                columns->place[i] = (int)columns->count;
    }
    for (size_t i = 0; i < REQUIRED_COLUMNS; i++)
        if (columns->place[i] == NO_COLUMN)
            return err_set(err, ERR_INPUT, "the answer to 'show stat' has no column '%s'",
                           column_name(i));
    return 0;
}

static int read_row(struct span *rest, const struct columns *columns, size_t row,
                    struct arena *arena, struct span values[ALL_COLUMNS], struct err *err)
{
    struct span field;
    bool last = false;
    size_t count = 0;

    for (size_t i = 0; i < ALL_COLUMNS; i++)
        values[i] = (struct span){0};
    for (; !last; count++) {
        if (!next_field(rest, arena, &field, &last))
            return err_set(err, ERR_INPUT, "the answer to 'show stat' is cut off in row %zu", row);
        for (size_t i = 0; i < ALL_COLUMNS; i++)
            if (columns->place[i] >= 0 && (size_t)columns->place[i] == count)
                values[i] = field;
    }
    if (count < columns->count)
        return err_set(err, ERR_INPUT,
                       "the answer to 'show stat' has %zu fields in row %zu, expected %zu", count,
                       row, columns->count);
    return 0;
}

static int read_number(struct span value, size_t row, const char *column, int64_t *out_value,
                       struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();

    *out_value = -1;
    if (value.len == 0 || span_scan_i64(value, out_value))
        return 0;
    return err_set(err, ERR_INPUT, "'show stat' row %zu, column '%s': '%s' is no number", row,
                   column, escape_span(scratch, value, SHOWN_MAX));
}

static const char *text_or_null(struct span value, struct arena *arena)
{
    return value.len == 0 ? NULL : escape_span(arena, value, TEXT_MAX);
}

static int fill_row(const struct span values[ALL_COLUMNS], size_t row, struct arena *arena,
                    struct haproxy_stat *out, struct err *err)
{
    struct span check = values[COLUMN_CHECK_STATUS];

    if (span_starts_with(check, "* "))
        check = (struct span){check.ptr + 2, check.len - 2};
    out->proxy = escape_span(arena, values[COLUMN_PROXY], TEXT_MAX);
    out->name = escape_span(arena, values[COLUMN_NAME], TEXT_MAX);
    out->status = escape_span(arena, values[COLUMN_STATUS], TEXT_MAX);
    out->check_status = text_or_null(check, arena);
    out->last_check = text_or_null(values[COLUMN_LAST_CHECK], arena);
    out->address = text_or_null(values[COLUMN_ADDRESS], arena);
    for (size_t i = 0; i < NUMBER_COLUMNS; i++) {
        int64_t value;
        if (read_number(values[COLUMN_FIRST_NUMBER + i], row, number_columns[i].name, &value, err) <
            0)
            return -1;
        memcpy((char *)out + number_columns[i].offset, &value, sizeof value);
    }
    return 0;
}

/* The answer to "show info;show stat" holds other lines before. */
static bool skip_to_header(struct span *rest)
{
    while (rest->len > 0 && !span_starts_with(*rest, "# pxname,")) {
        struct span line;
        if (!span_next_line(rest, &line))
            return false;
    }
    if (rest->len == 0)
        return false;
    *rest = (struct span){rest->ptr + 2, rest->len - 2};
    return true;
}

int haproxy_stat_parse(struct span answer, struct arena *arena, struct haproxy_stat **out_rows,
                       size_t *out_count, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct span rest = answer, values[ALL_COLUMNS];
    struct columns columns;
    struct haproxy_stat *rows = NULL;
    size_t count = 0, row = 0;

    if (!skip_to_header(&rest))
        return not_the_answer("show stat", answer, err);
    if (read_header(&rest, scratch, &columns, err) < 0)
        return -1;
    while (rest.len > 0 && rest.ptr[0] != '\n') {
        struct haproxy_stat stat = {0};
        int64_t type;
        row++;
        if (read_row(&rest, &columns, row, scratch, values, err) < 0 ||
            read_number(values[COLUMN_TYPE], row, "type", &type, err) < 0)
            return -1;
        /* Kinds of rows that a later version may add are none that are known here. */
        if (type < STAT_FRONTEND || type > STAT_LISTENER)
            continue;
        stat.type = (enum stat_type)type;
        if (fill_row(values, row, arena, &stat, err) < 0)
            return -1;
        ARENA_PUSH(arena, rows, count) = stat;
    }
    if (rest.len == 0)
        return err_set(err, ERR_INPUT, "the answer to 'show stat' is cut off after row %zu", row);
    *out_rows = rows;
    *out_count = count;
    return 0;
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
