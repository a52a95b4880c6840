#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <fcntl.h>

#include <cmocka.h>

#include "plans/base/file.h"
#include "plans/base/text.h"
#include "remediations/host/haproxy_api.h"

static const char *const versions[] = {"2.6.12-deb12u4", "2.8.0", "3.0.0"};
enum {
    VERSIONS = sizeof versions / sizeof *versions,
    COLUMNS_ROOM = 256,
    ROWS_ROOM = 64,
    COLUMNS_1_8 = 83,
    COLUMNS_2_4 = 100,
};

/* The recorded answers hold no quotes: a field ends at the next comma. */
struct table {
    struct arena *arena;
    struct span cells[ROWS_ROOM][COLUMNS_ROOM];
    size_t rows, columns;
};

static struct table *read_table(struct arena *arena, const char *version)
{
    struct table *table = arena_alloc(arena, sizeof *table);
    struct err err = {0};
    struct span rest = {NULL, 0}, line;
    const char *path =
        arena_printf(arena, "%s/fixtures/haproxy/%s/show_stat.txt", TESTS_DIR, version);

    table->arena = arena;
    assert_int_equal(file_read(AT_FDCWD, path, 1024 * 1024, arena, &rest, &err), 0);
    assert_null(memchr(rest.ptr, '"', rest.len));
    rest = (struct span){rest.ptr + 2, rest.len - 2};
    while (span_next_line(&rest, &line) && line.len > 0) {
        size_t column = 0;
        assert_true(table->rows < ROWS_ROOM);
        while (line.len > 0) {
            assert_true(column < COLUMNS_ROOM);
            table->cells[table->rows][column++] = span_cut(&line, ',');
        }
        table->columns = column;
        table->rows++;
    }
    return table;
}

/* Writes the columns that `order` names, in that order. */
static struct span write_table(const struct table *table, const size_t *order, size_t count)
{
    struct text text = text_new(table->arena);

    text_add(&text, "# ");
    for (size_t row = 0; row < table->rows; row++) {
        for (size_t i = 0; i < count; i++) {
            text_add_span(&text, table->cells[row][order[i]]);
            text_add(&text, ",");
        }
        text_add(&text, "\n");
    }
    text_add(&text, "\n");
    return text_span(&text);
}

static void parse(struct arena *arena, struct span answer, struct haproxy_stat **out_rows,
                  size_t *out_count)
{
    struct err err = {0};

    if (haproxy_stat_parse(answer, arena, out_rows, out_count, &err) < 0)
        fail_msg("%s", err.text);
}

static const struct haproxy_stat *row_of(const struct haproxy_stat *rows, size_t count,
                                         const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].proxy, "h") == 0 && strcmp(rows[i].name, name) == 0)
            return &rows[i];
    fail_msg("no server h/%s", name);
    return NULL;
}

static void assert_text(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        assert_ptr_equal(a, b);
    else
        assert_string_equal(a, b);
}

static void assert_same(const struct haproxy_stat *a, const struct haproxy_stat *b)
{
    assert_int_equal(a->type, b->type);
    assert_string_equal(a->proxy, b->proxy);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->status, b->status);
    assert_text(a->check_status, b->check_status);
    assert_text(a->last_check, b->last_check);
    assert_text(a->check_description, b->check_description);
    assert_text(a->address, b->address);
    assert_text(a->mode, b->mode);
    assert_int_equal(a->check_code, b->check_code);
    assert_int_equal(a->check_ms, b->check_ms);
    assert_int_equal(a->check_failures, b->check_failures);
    assert_int_equal(a->responses_5xx, b->responses_5xx);
    assert_int_equal(a->server_aborts, b->server_aborts);
    assert_int_equal(a->last_change, b->last_change);
}

static void test_stat_every_version_gives_what_a_check_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSIONS; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        const struct table *table = read_table(arena, versions[i]);
        struct haproxy_stat *rows;
        size_t count, order[COLUMNS_ROOM];

        for (size_t k = 0; k < table->columns; k++)
            order[k] = k;
        parse(arena, write_table(table, order, table->columns), &rows, &count);
        assert_int_equal(count, table->rows - 1);
        const struct haproxy_stat *s500 = row_of(rows, count, "s500");
        assert_string_equal(s500->check_description, "Layer7 wrong status");
        assert_string_equal(s500->last_check, "ISE");
        assert_string_equal(s500->mode, "http");
        assert_int_equal(s500->check_code, 500);
        assert_int_equal(s500->observed_failures, -1);
        assert_int_equal(s500->check_fall, 2);
        assert_null(s500->tracked);
        assert_null(s500->last_agent);
        assert_int_equal(s500->agent_ms, -1);
        assert_true(row_of(rows, count, "slow")->check_ms > 500);
        const struct haproxy_stat *good = row_of(rows, count, "ok");
        assert_int_equal(good->server_aborts, 0);
        assert_int_equal(good->check_health, good->check_rise + good->check_fall - 1);
    }
}

/* As a later version might: other places, columns of its own between, some gone. */
static void test_stat_columns_in_another_order_are_the_same_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSIONS; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct table *table = read_table(arena, versions[i]);
        struct haproxy_stat *rows, *others;
        size_t count, other_count, order[COLUMNS_ROOM], columns = table->columns;

        for (size_t k = 0; k < columns; k++)
            order[k] = k;
        parse(arena, write_table(table, order, columns), &rows, &count);
        /* pxname stays in front: that is how the answer is known. */
        for (size_t k = 1; k < columns; k++)
            order[k] = 1 + (k * 7) % (columns - 1);
        if ((columns - 1) % 7 == 0)
            for (size_t k = 1; k < columns; k++)
                order[k] = columns - k;
        for (size_t row = 0; row < table->rows; row++) {
            table->cells[row][columns] = span_of(row == 0 ? "brand_new" : "y");
            table->cells[row][columns + 1] = span_of(row == 0 ? "status_of_moon" : "");
        }
        order[columns] = order[5];
        order[5] = columns;
        order[columns + 1] = columns + 1;
        parse(arena, write_table(table, order, columns + 2), &others, &other_count);
        assert_int_equal(count, other_count);
        for (size_t row = 0; row < count; row++)
            assert_same(&rows[row], &others[row]);
    }
}

static void test_stat_of_older_versions_leaves_what_they_do_not_tell_unknown(void **state)
{
    static const size_t widths[] = {COLUMNS_1_8, COLUMNS_2_4, 40};

    (void)state;
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        const struct table *table = read_table(arena, versions[0]);
        struct haproxy_stat *rows;
        size_t count, order[COLUMNS_ROOM];

        for (size_t k = 0; k < table->columns; k++)
            order[k] = k;
        parse(arena, write_table(table, order, widths[i]), &rows, &count);
        const struct haproxy_stat *s500 = row_of(rows, count, "s500");
        assert_string_equal(s500->check_status, "L7STS");
        assert_int_equal(s500->check_code, 500);
        if (widths[i] >= COLUMNS_1_8) {
            assert_string_equal(s500->last_check, "ISE");
            assert_int_equal(s500->server_aborts, 0);
        } else {
            assert_null(s500->last_check);
            assert_int_equal(s500->server_aborts, -1);
            assert_int_equal(s500->responses_5xx, -1);
        }
    }
}

/* 1.8's header, and a row of a server that follows another and of one with an agent. */
static void test_stat_tracked_and_agent_are_read(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_stat *rows;
    size_t count;

    (void)state;
    parse(arena,
          span_of("# pxname,svname,status,tracked,type,last_agt,agent_status,agent_duration,"
                  "hanafail,\n"
                  "be,a,DOWN (via be2/x),be2/x,2,,,,,\n"
                  "be,b,DOWN (agent),,2,\"maint, says \"\"ops\"\"\",L7STS,3,7,\n\n"),
          &rows, &count);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].tracked, "be2/x");
    assert_int_equal(rows[0].observed_failures, -1);
    assert_string_equal(rows[1].last_agent, "maint, says \"ops\"");
    assert_string_equal(rows[1].agent_status, "L7STS");
    assert_int_equal(rows[1].agent_ms, 3);
    assert_int_equal(rows[1].observed_failures, 7);
}

static void test_resolvers_parse_gives_a_row_for_each_name_server(void **state)
{
    static const char answer[] = "Name: HAProxy\nPid: 5\n\n# pxname,svname,status,type,\n\n"
                                 "Resolvers section dns\n nameserver one:\n  sent:        12\n"
                                 "  snd_error:   1\n  valid:       2\n  brand_new:   x\n"
                                 "  nx:          9\n  timeout:     3\n  refused:     0\n"
                                 " nameserver tw\x1b:\n  sent: 7\n\n"
                                 "Resolvers section other\n nameserver one:\n  sent:      99\n";
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_resolver *rows = NULL;
    size_t count = 0;

    (void)state;
    haproxy_resolvers_parse(span_of(answer), arena, &rows, &count);
    assert_int_equal(count, 3);
    assert_string_equal(rows[0].section, "dns");
    assert_string_equal(rows[0].nameserver, "one");
    assert_int_equal(rows[0].sent, 12);
    assert_int_equal(rows[0].send_errors, 1);
    assert_int_equal(rows[0].valid, 2);
    assert_int_equal(rows[0].no_such_name, 9);
    assert_int_equal(rows[0].timeouts, 3);
    assert_string_equal(rows[1].nameserver, "tw\\x1b");
    assert_int_equal(rows[1].valid, -1);
    assert_string_equal(rows[2].section, "other");
    assert_int_equal(rows[2].sent, 99);
    count = 0;
    haproxy_resolvers_parse(span_of("Unknown command: 'show resolvers'\n nameserver x:\n\n"), arena,
                            &rows, &count);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_every_version_gives_what_a_check_said),
        cmocka_unit_test(test_stat_columns_in_another_order_are_the_same_rows),
        cmocka_unit_test(test_stat_of_older_versions_leaves_what_they_do_not_tell_unknown),
        cmocka_unit_test(test_stat_tracked_and_agent_are_read),
        cmocka_unit_test(test_resolvers_parse_gives_a_row_for_each_name_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
