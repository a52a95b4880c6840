#include "remediations/host/haproxy_api.h"

#include <assert.h>
#include <string.h>

#include "plans/base/escape.h"

enum { SHOWN_MAX = 160, TEXT_MAX = 512, COLUMNS_MAX = 1024 };

/* ---- what is read ---- */

/* The columns that a row cannot do without, or that are not taken as they are; behind them those of
 * text_columns, then those of number_columns. */
enum { COLUMN_PROXY, COLUMN_NAME, COLUMN_TYPE, COLUMN_STATUS, COLUMN_CHECK_STATUS, COLUMN_FIRST };
static const char *const first_columns[COLUMN_FIRST] = {
    [COLUMN_PROXY] = "pxname",
    [COLUMN_NAME] = "svname",
    [COLUMN_TYPE] = "type",
    [COLUMN_STATUS] = "status",
    [COLUMN_CHECK_STATUS] = "check_status",
};
enum { REQUIRED_COLUMNS = COLUMN_STATUS + 1 };

#define OFFSET(member) offsetof(struct haproxy_stat, member)
struct column {
    const char *name;
    size_t offset;
};
static const struct column text_columns[] = {
    {"last_chk", OFFSET(last_check)},
    {"check_desc", OFFSET(check_description)},
    {"agent_status", OFFSET(agent_status)},
    {"last_agt", OFFSET(last_agent)},
    {"addr", OFFSET(address)},
    {"tracked", OFFSET(tracked)},
    {"mode", OFFSET(mode)},
};
static const struct column number_columns[] = {
    {"qcur", OFFSET(queue)},
    {"qmax", OFFSET(queue_max)},
    {"scur", OFFSET(sessions)},
    {"smax", OFFSET(sessions_max)},
    {"slim", OFFSET(session_limit)},
    {"stot", OFFSET(sessions_total)},
    {"qlimit", OFFSET(queue_limit)},
    {"dreq", OFFSET(requests_denied)},
    {"dresp", OFFSET(responses_denied)},
    {"ereq", OFFSET(request_errors)},
    {"eresp", OFFSET(response_errors)},
    {"econ", OFFSET(connect_errors)},
    {"wretr", OFFSET(retries)},
    {"wredis", OFFSET(redispatches)},
    {"weight", OFFSET(weight)},
    {"act", OFFSET(active)},
    {"bck", OFFSET(backup)},
    {"chkfail", OFFSET(check_failures)},
    {"chkdown", OFFSET(check_downs)},
    {"rate", OFFSET(rate)},
    {"rate_lim", OFFSET(rate_limit)},
    {"rate_max", OFFSET(rate_max)},
    {"hrsp_1xx", OFFSET(responses_1xx)},
    {"hrsp_2xx", OFFSET(responses_2xx)},
    {"hrsp_3xx", OFFSET(responses_3xx)},
    {"hrsp_4xx", OFFSET(responses_4xx)},
    {"hrsp_5xx", OFFSET(responses_5xx)},
    {"hrsp_other", OFFSET(responses_other)},
    {"hanafail", OFFSET(observed_failures)},
    {"req_tot", OFFSET(requests_total)},
    {"cli_abrt", OFFSET(client_aborts)},
    {"srv_abrt", OFFSET(server_aborts)},
    {"qtime", OFFSET(queue_ms)},
    {"ctime", OFFSET(connect_ms)},
    {"rtime", OFFSET(response_ms)},
    {"ttime", OFFSET(total_ms)},
    {"check_code", OFFSET(check_code)},
    {"check_duration", OFFSET(check_ms)},
    {"agent_duration", OFFSET(agent_ms)},
    {"check_rise", OFFSET(check_rise)},
    {"check_fall", OFFSET(check_fall)},
    {"check_health", OFFSET(check_health)},
    {"lastchg", OFFSET(last_change)},
    {"iid", OFFSET(id)},
};
enum {
    TEXT_COLUMNS = sizeof text_columns / sizeof *text_columns,
    NUMBER_COLUMNS = sizeof number_columns / sizeof *number_columns,
    FIRST_NUMBER = COLUMN_FIRST + TEXT_COLUMNS,
    ALL_COLUMNS = FIRST_NUMBER + NUMBER_COLUMNS,
    NO_COLUMN = 255,
};
static_assert((int)ALL_COLUMNS < (int)NO_COLUMN, "a column's number is one byte");

static const char *column_name(size_t wanted)
{
    if (wanted < COLUMN_FIRST)
        return first_columns[wanted];
    return wanted < FIRST_NUMBER ? text_columns[wanted - COLUMN_FIRST].name
                                 : number_columns[wanted - FIRST_NUMBER].name;
}

/* ---- fields ---- */

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

/* Which wanted column stands at each place of this version's rows; NO_COLUMN: none. */
struct columns {
    unsigned char wanted[COLUMNS_MAX];
    size_t count;
};

static int read_header(struct span *rest, struct arena *arena, struct columns *columns,
                       struct err *err)
{
    bool found[ALL_COLUMNS] = {false};
    struct span field;
    bool last = false;

    for (columns->count = 0; !last; columns->count++) {
        if (columns->count == COLUMNS_MAX || !next_field(rest, arena, &field, &last))
            return err_set(err, ERR_INPUT, "the answer to 'show stat' has no whole first line");
        columns->wanted[columns->count] = NO_COLUMN;
        for (size_t i = 0; i < ALL_COLUMNS; i++)
            if (!found[i] && span_is(field, column_name(i))) {
                found[i] = true;
                columns->wanted[columns->count] = (unsigned char)i;
                break;
            }
    }
    for (size_t i = 0; i < REQUIRED_COLUMNS; i++)
        if (!found[i])
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
        if (count < columns->count && columns->wanted[count] != NO_COLUMN)
            values[columns->wanted[count]] = field;
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
    for (size_t i = 0; i < TEXT_COLUMNS; i++) {
        const char *text = text_or_null(values[COLUMN_FIRST + i], arena);
        memcpy((char *)out + text_columns[i].offset, &text, sizeof text);
    }
    for (size_t i = 0; i < NUMBER_COLUMNS; i++) {
        int64_t value;
        if (read_number(values[FIRST_NUMBER + i], row, number_columns[i].name, &value, err) < 0)
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
        return err_set(err, ERR_INPUT, "'show stat' was answered with '%s'",
                       escape_span(scratch, span_trim(answer), SHOWN_MAX));
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
