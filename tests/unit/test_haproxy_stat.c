#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <fcntl.h>

#include <cmocka.h>

#include "plans/base/text.h"
#include "remediations/host/haproxy_api.h"
#include "tests/unit/fixture.h"

static const char *const versions[] = {"2.2.9-deb11u6", "2.6.12-deb12u4", "2.8.0",
                                       "3.0.0",         "3.0.11-deb13u4", "3.2.26"};
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
    struct span rest = haproxy_fixture(arena, version, "show_stat.txt"), line;

    table->arena = arena;
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

/* The same three servers: each version has its own words for what their checks met. */
static void test_stat_words_of_a_check_are_each_versions_own(void **state)
{
    static const char nothing[] = "TCPCHK got an empty response at step 1",
                      reset[] = "Connection reset by peer";
    static const struct {
        const char *garbage, *garbage_said, *close, *close_said, *rst_said;
        int64_t garbage_ms;
    } want[VERSIONS] = {
        {"L7RSP", nothing, "L7RSP", nothing, reset, 4},
        {"L7RSP", NULL, "L7RSP", NULL, reset, 0},
        {"L7TOUT", NULL, "SOCKERR", NULL, reset, 699},
        {"L7TOUT", NULL, "SOCKERR", NULL, reset, 699},
        {"L7TOUT", NULL, "SOCKERR", NULL, "ECONNRESET returned by OS (Connection reset by peer)",
         699},
        {"SOCKERR", NULL, "SOCKERR", NULL, "ECONNRESET returned by OS (Connection reset by peer)",
         4},
    };

    (void)state;
    for (size_t i = 0; i < VERSIONS; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct haproxy_stat *rows;
        size_t count;

        parse(arena, haproxy_fixture(arena, versions[i], "show_stat.txt"), &rows, &count);
        const struct haproxy_stat *row = row_of(rows, count, "garbage");
        assert_string_equal(row->check_status, want[i].garbage);
        assert_text(row->last_check, want[i].garbage_said);
        assert_int_equal(row->check_ms, want[i].garbage_ms);
        row = row_of(rows, count, "close");
        assert_string_equal(row->check_status, want[i].close);
        assert_text(row->last_check, want[i].close_said);
        row = row_of(rows, count, "rst");
        assert_string_equal(row->check_status, "SOCKERR");
        assert_text(row->last_check, want[i].rst_said);
        assert_string_equal(row_of(rows, count, "refused")->check_status, "L4CON");
        assert_string_equal(row_of(rows, count, "bh")->check_status, "L4TOUT");
    }
}

/* While the next check runs, what the last one said is gone: only its status and time stay. */
static void test_stat_running_check_tells_no_code_and_no_words(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_stat *rows;
    size_t count;

    (void)state;
    parse(arena, haproxy_fixture(arena, "3.2.26", "show_stat_checking.txt"), &rows, &count);
    const struct haproxy_stat *row = row_of(rows, count, "s500");
    assert_string_equal(row->check_status, "L7STS");
    assert_string_equal(row->check_description, "Layer7 wrong status");
    assert_int_equal(row->check_code, 0);
    assert_null(row->last_check);
    row = row_of(rows, count, "rst");
    assert_string_equal(row->check_status, "SOCKERR");
    assert_int_equal(row->check_ms, 6);
    assert_int_equal(row->check_code, -1);
    assert_null(row->last_check);
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
        const struct table *table = read_table(arena, "2.6.12-deb12u4");
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

static void assert_resolver(const struct haproxy_resolver *row, const char *section,
                            const char *nameserver, int64_t sent, int64_t valid,
                            int64_t no_such_name, int64_t send_errors)
{
    assert_string_equal(row->section, section);
    assert_string_equal(row->nameserver, nameserver);
    assert_int_equal(row->sent, sent);
    assert_int_equal(row->valid, valid);
    assert_int_equal(row->no_such_name, no_such_name);
    assert_int_equal(row->send_errors, send_errors);
    /* None of them counts the questions that nobody answered. */
    assert_int_equal(row->timeouts, 0);
    assert_int_equal(row->refused, 0);
}

/* "one" answers, "silent" does not, "closed" is a port that nobody listens to; 3.0 and later have
 * the host's own as section "default". */
static void test_resolvers_recorded_every_version_tells_who_answers(void **state)
{
    static const struct {
        const char *version;
        int64_t sent, valid, no_such_name, closed_sent, closed_errors, lost_sent;
        bool has_default;
    } want[] = {
        {"2.2.9-deb11u6", 18, 8, 10, 16, 2, 8, false},
        {"3.0.11-deb13u4", 17, 8, 9, 14, 3, 8, true},
        {"3.2.26", 18, 8, 10, 18, 0, 8, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct haproxy_resolver *rows = NULL;
        size_t count = 0;

        haproxy_resolvers_parse(haproxy_fixture(arena, want[i].version, "show_resolvers.txt"),
                                arena, &rows, &count);
        assert_int_equal(count, want[i].has_default ? 5 : 4);
        assert_resolver(&rows[0], "dns", "one", want[i].sent, want[i].valid, want[i].no_such_name,
                        0);
        assert_resolver(&rows[1], "dns", "silent", want[i].sent, 0, 0, 0);
        assert_resolver(&rows[2], "dns", "closed", want[i].closed_sent, 0, 0,
                        want[i].closed_errors);
        assert_resolver(&rows[3], "lost", "silent", want[i].lost_sent, 0, 0, 0);
        if (want[i].has_default)
            assert_resolver(&rows[4], "default", "127.0.0.53", 0, 0, 0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_every_version_gives_what_a_check_said),
        cmocka_unit_test(test_stat_words_of_a_check_are_each_versions_own),
        cmocka_unit_test(test_stat_running_check_tells_no_code_and_no_words),
        cmocka_unit_test(test_stat_columns_in_another_order_are_the_same_rows),
        cmocka_unit_test(test_stat_of_older_versions_leaves_what_they_do_not_tell_unknown),
        cmocka_unit_test(test_stat_tracked_and_agent_are_read),
        cmocka_unit_test(test_resolvers_parse_gives_a_row_for_each_name_server),
        cmocka_unit_test(test_resolvers_recorded_every_version_tells_who_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
