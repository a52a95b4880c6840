#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>

#include <cmocka.h>

#include "remediations/host/haproxy_api.h"
#include "tests/unit/fixture.h"

/* Of 2.4 only "show proc" was recorded. */
static const char *const versions[] = {"2.2.9-deb11u6", "2.6.12-deb12u4", "2.8.0",
                                       "3.0.0",         "3.0.11-deb13u4", "3.2.26"};
static const char *const proc_versions[] = {
    "2.2.9-deb11u6", "2.4.0", "2.6.12-deb12u4", "2.8.0", "3.0.0", "3.0.11-deb13u4", "3.2.26"};
enum {
    VERSIONS = sizeof versions / sizeof *versions,
    PROC_VERSIONS = sizeof proc_versions / sizeof *proc_versions,
};

/* A copy with nothing behind it, so that a read past the end is seen by the sanitizers. */
static char *exact_copy(struct span bytes, size_t len)
{
    char *copy = malloc(len == 0 ? 1 : len);

    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, bytes.ptr, len);
    return copy;
}

static const struct haproxy_stat *find_row(const struct haproxy_stat *rows, size_t count,
                                           const char *proxy, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].proxy, proxy) == 0 && strcmp(rows[i].name, name) == 0)
            return &rows[i];
    fail_msg("no row %s/%s", proxy, name);
    return NULL;
}

static void test_info_parse_every_version_gives_its_values(void **state)
{
    static const struct {
        const char *prefix;
        int64_t pid, connections, warnings;
    } want[VERSIONS] = {
        {"2.2.9-2+deb11u6", 9336, 153, -1},  {"2.6.12-1+deb12u4", 16269, 165, -1},
        {"2.8.0", 16705, 157, 12},           {"3.0.0", 17066, 157, 12},
        {"3.0.11-1+deb13u4", 9417, 130, 12}, {"3.2.26-1", 3405, 157, 12},
    };

    (void)state;
    for (size_t i = 0; i < VERSIONS; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct haproxy_info info = {0};
        struct err err = {0};
        int64_t value = 0;
        struct span answer = haproxy_fixture(arena, versions[i], "show_info.txt");
        assert_int_equal(haproxy_info_parse(answer, arena, &info, &err), 0);
        assert_true(haproxy_info_number(&info, "Maxconn", &value));
        assert_int_equal(value, 9979);
        assert_true(haproxy_info_number(&info, "Unstoppable Jobs", &value));
        assert_int_equal(value, 0);
        assert_true(haproxy_info_number(&info, "Pid", &value));
        assert_int_equal(value, want[i].pid);
        assert_true(haproxy_info_number(&info, "CumConns", &value));
        assert_int_equal(value, want[i].connections);
        value = -1;
        assert_int_equal(haproxy_info_number(&info, "TotalWarnings", &value),
                         want[i].warnings >= 0);
        assert_int_equal(value, want[i].warnings);
        assert_false(haproxy_info_number(&info, "Version", &value));
        assert_false(haproxy_info_number(&info, "NoSuchKey", &value));
        assert_null(haproxy_info_text(&info, "NoSuchKey", arena));
        assert_memory_equal(haproxy_info_text(&info, "Version", arena), want[i].prefix,
                            strlen(want[i].prefix));
    }
}

static void test_info_parse_cut_off_anywhere_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSIONS; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct span answer = haproxy_fixture(arena, versions[i], "show_info.txt");
        for (size_t len = 0; len < answer.len; len++) {
            struct arena *scratch CLEANUP_ARENA = arena_new();
            struct haproxy_info info = {0};
            struct err err = {0};
            char *copy = exact_copy(answer, len);
            assert_int_equal(haproxy_info_parse((struct span){copy, len}, scratch, &info, &err),
                             -1);
            assert_int_equal(err.kind, ERR_INPUT);
            assert_int_equal(info.field_count, 0);
            free(copy);
        }
    }
}

static void test_info_parse_something_else_is_an_error_that_shows_it(void **state)
{
    static const struct {
        struct span answer;
        const char *shown;
    } cases[] = {
        {{"Permission denied\n\n", 19}, "Permission denied"},
        {{"Unknown command: 'show', but maybe one of\n\n", 43}, "Unknown command"},
        {{"Name\0: HAProxy\n\n", 16}, "Name\\x00"},
        {{"\n\n", 2}, "''"},
        {{"\xff\xfe\x1b[2J\n\n", 8}, "\\xff\\xfe\\x1b[2J"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct haproxy_info info = {0};
        struct err err = {0};
        assert_int_equal(haproxy_info_parse(cases[i].answer, arena, &info, &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_non_null(strstr(err.text, cases[i].shown));
    }
}

static void test_stat_parse_every_version_gives_its_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSIONS; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct haproxy_stat *rows = NULL;
        size_t count = 0;
        struct err err = {0};
        struct span answer = haproxy_fixture(arena, versions[i], "show_stat.txt");
        assert_int_equal(haproxy_stat_parse(answer, arena, &rows, &count, &err), 0);

        const struct haproxy_stat *front = find_row(rows, count, "fe", "FRONTEND");
        assert_int_equal(front->type, STAT_FRONTEND);
        assert_string_equal(front->status, "OPEN");
        assert_int_equal(front->session_limit, 9979);
        assert_int_equal(front->queue, -1);
        assert_null(front->check_status);

        const struct haproxy_stat *refused = find_row(rows, count, "l4", "refused");
        assert_int_equal(refused->type, STAT_SERVER);
        assert_string_equal(refused->status, "DOWN");
        assert_string_equal(refused->check_status, "L4CON");
        assert_string_equal(refused->last_check, "Connection refused");
        assert_string_equal(refused->address, "127.0.0.1:9999");
        assert_int_equal(refused->session_limit, -1);
        assert_int_equal(refused->weight, 1);
        assert_int_equal(refused->connect_errors, 0);
        assert_int_equal(refused->queue_ms, 0);

        const struct haproxy_stat *status = find_row(rows, count, "h", "s500");
        assert_string_equal(status->check_status, "L7STS");
        assert_int_equal(status->check_code, 500);

        const struct haproxy_stat *back = find_row(rows, count, "h", "BACKEND");
        assert_int_equal(back->type, STAT_BACKEND);
    }
}

static void test_stat_parse_running_check_loses_its_mark(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_stat *rows = NULL;
    size_t count = 0;
    struct err err = {0};
    struct span answer = haproxy_fixture(arena, "2.6.12-deb12u4", "show_stat.txt");

    (void)state;
    assert_int_equal(haproxy_stat_parse(answer, arena, &rows, &count, &err), 0);
    assert_string_equal(find_row(rows, count, "h", "slow")->check_status, "L7TOUT");
}

static void test_stat_parse_cut_off_anywhere_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSIONS; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct span answer = haproxy_fixture(arena, versions[i], "show_stat.txt");
        for (size_t len = 0; len < answer.len; len++) {
            struct arena *scratch CLEANUP_ARENA = arena_new();
            struct haproxy_stat *rows = NULL;
            size_t count = 0;
            struct err err = {0};
            char *copy = exact_copy(answer, len);
            assert_int_equal(
                haproxy_stat_parse((struct span){copy, len}, scratch, &rows, &count, &err), -1);
            assert_int_equal(err.kind, ERR_INPUT);
            assert_null(rows);
            free(copy);
        }
    }
}

static int parse_stat(const char *answer, struct arena *arena, struct haproxy_stat **out_rows,
                      size_t *out_count, struct err *err)
{
    return haproxy_stat_parse(span_of(answer), arena, out_rows, out_count, err);
}

static void test_stat_parse_columns_are_found_by_name(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_stat *rows = NULL;
    size_t count = 0;
    struct err err = {0};

    (void)state;
    assert_int_equal(parse_stat("# pxname,brand_new,status,slim,type,svname,\n"
                                "be,x,UP 1/3,7,2,app1,\n\n",
                                arena, &rows, &count, &err),
                     0);
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].name, "app1");
    assert_string_equal(rows[0].status, "UP 1/3");
    assert_int_equal(rows[0].session_limit, 7);
    assert_int_equal(rows[0].sessions, -1);
    assert_null(rows[0].address);
}

static void test_stat_parse_quoted_field_keeps_its_commas_quotes_and_lines(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_stat *rows = NULL;
    size_t count = 0;
    struct err err = {0};

    (void)state;
    assert_int_equal(parse_stat("# pxname,svname,status,type,last_chk,slim,\n"
                                "b,s,DOWN,2,\"a,\"\"b\"\"\nc\",5,\nb,t,UP,2,\"\",6,\n\n",
                                arena, &rows, &count, &err),
                     0);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].last_check, "a,\"b\"\\x0ac");
    assert_int_equal(rows[0].session_limit, 5);
    assert_null(rows[1].last_check);
    assert_int_equal(rows[1].session_limit, 6);
}

static void test_stat_parse_row_of_an_unknown_kind_is_left_out(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_stat *rows = NULL;
    size_t count = 0;
    struct err err = {0};

    (void)state;
    assert_int_equal(parse_stat("# pxname,svname,status,type,\na,b,UP,9,\nc,d,UP,1,\n\n", arena,
                                &rows, &count, &err),
                     0);
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].proxy, "c");
}

static void test_stat_parse_malformed_is_an_error(void **state)
{
    static const struct {
        const char *answer, *shown;
    } cases[] = {
        {"Permission denied\n\n", "Permission denied"},
        {"# pxname,svname,status,\n\n", "no column 'type'"},
        {"# pxname,status,type,\n\n", "no column 'svname'"},
        {"# pxname,svname,type,\n\n", "no column 'status'"},
        {"# pxname,svname,status,type,\na,b,UP\n\n", "3 fields in row 1"},
        {"# pxname,svname,status,type,\na,b,UP,x,\n\n", "'x' is no number"},
        {"# pxname,svname,status,type,slim,\na,b,UP,1,99999999999999999999,\n\n", "column 'slim'"},
        {"# pxname,svname,status,type,\na,\"b,UP,1,\n\n", "row 1"},
        {"# pxname,svname,status,type,\na,\"b\"c,UP,1,\n\n", "row 1"},
        {"", "''"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct haproxy_stat *rows = NULL;
        size_t count = 0;
        struct err err = {0};
        assert_int_equal(parse_stat(cases[i].answer, arena, &rows, &count, &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_non_null(strstr(err.text, cases[i].shown));
    }
}

static void test_answers_of_one_connection_are_each_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSIONS; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct span info_answer = haproxy_fixture(arena, versions[i], "show_info.txt");
        struct span stat_answer = haproxy_fixture(arena, versions[i], "show_stat.txt");
        struct haproxy_info info = {0};
        struct haproxy_stat *rows = NULL;
        size_t count = 0;
        struct err err = {0};
        char *both = arena_alloc(arena, info_answer.len + stat_answer.len);
        memcpy(both, info_answer.ptr, info_answer.len);
        memcpy(both + info_answer.len, stat_answer.ptr, stat_answer.len);
        struct span answer = {both, info_answer.len + stat_answer.len};
        assert_int_equal(haproxy_info_parse(answer, arena, &info, &err), 0);
        assert_int_equal(haproxy_stat_parse(answer, arena, &rows, &count, &err), 0);
        assert_true(info.field_count > 55);
        assert_true(count > 5);
    }
}

static void test_proc_parse_every_version_gives_worker_and_failures(void **state)
{
    static const pid_t workers[PROC_VERSIONS] = {10178, 16151, 16565, 16920, 17304, 10340, 10355};

    (void)state;
    for (size_t i = 0; i < PROC_VERSIONS; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct haproxy_proc proc = {0};
        struct err err = {0};
        struct span answer = haproxy_fixture(arena, proc_versions[i], "master_show_proc.txt");
        assert_int_equal(haproxy_proc_parse(answer, &proc, &err), 0);
        assert_int_equal(proc.worker, workers[i]);
        assert_int_equal(proc.reloads, 0);
        assert_int_equal(proc.failed_reloads, i < 2 ? -1 : 0);
    }
}

/* After a reload, and after one more that failed: 2.2 and 3.2 then have the worker, which goes on,
 * among the old ones, and 3.0 does not. */
static void test_proc_parse_recorded_reloads_are_told(void **state)
{
    static const struct {
        const char *version, *name;
        int64_t reloads, failed;
        pid_t worker;
    } want[] = {
        {"2.2.9-deb11u6", "master_show_proc_reloaded.txt", 1, -1, 23670},
        {"2.2.9-deb11u6", "master_show_proc_failed.txt", 3, -1, 0},
        {"3.0.11-deb13u4", "master_show_proc_reloaded.txt", 1, 0, 23677},
        {"3.0.11-deb13u4", "master_show_proc_failed.txt", 2, 1, 23677},
        {"3.2.26", "master_show_proc_reloaded.txt", 1, 0, 23664},
        {"3.2.26", "master_show_proc_failed.txt", 2, 1, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct haproxy_proc proc = {0};
        struct err err = {0};
        struct span answer = haproxy_fixture(arena, want[i].version, want[i].name);
        assert_int_equal(haproxy_proc_parse(answer, &proc, &err), 0);
        assert_int_equal(proc.reloads, want[i].reloads);
        assert_int_equal(proc.failed_reloads, want[i].failed);
        assert_int_equal(proc.worker, want[i].worker);
    }
}

static void test_proc_parse_failed_reload_with_only_old_workers_has_no_worker(void **state)
{
    static const char answer[] =
        "#<PID>          <type>          <reloads>       <uptime>        <version>      \n"
        "100             master          4 [failed: 2]   0d00h01m01s     3.2.0          \n"
        "# workers\n"
        "# old workers\n"
        "105             worker          2               0d00h01m01s     3.2.0          \n"
        "# programs\n\n";
    struct haproxy_proc proc = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(haproxy_proc_parse(span_of(answer), &proc, &err), 0);
    assert_int_equal(proc.failed_reloads, 2);
    assert_int_equal(proc.reloads, 4);
    assert_int_equal(proc.worker, 0);
}

static void test_proc_parse_programs_do_not_disturb(void **state)
{
    static const char answer[] = "#<PID>          <type>          <reloads>\n"
                                 "100             master          1 [failed: 0]   x  2.6\n"
                                 "# workers\n"
                                 "105             worker          0               x  2.6\n"
                                 "# old workers\n"
                                 "102             worker          1               x  2.6\n"
                                 "# programs\n"
                                 "77              data plane      -               x  -\n\n";
    struct haproxy_proc proc = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(haproxy_proc_parse(span_of(answer), &proc, &err), 0);
    assert_int_equal(proc.worker, 105);
}

static void test_proc_parse_cut_off_anywhere_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < PROC_VERSIONS; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct span answer = haproxy_fixture(arena, proc_versions[i], "master_show_proc.txt");
        for (size_t len = 0; len < answer.len; len++) {
            struct haproxy_proc proc = {0};
            struct err err = {0};
            char *copy = exact_copy(answer, len);
            assert_int_equal(haproxy_proc_parse((struct span){copy, len}, &proc, &err), -1);
            assert_int_equal(err.kind, ERR_INPUT);
            free(copy);
        }
    }
}

static void test_proc_parse_impossible_pid_is_an_error(void **state)
{
    static const char answer[] = "#<PID> <type> <reloads>\n1 master 0 [failed: 0] x y\n# workers\n"
                                 "99999999999 worker 0 x y\n\n";
    struct haproxy_proc proc = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(haproxy_proc_parse(span_of(answer), &proc, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info_parse_every_version_gives_its_values),
        cmocka_unit_test(test_info_parse_cut_off_anywhere_is_an_error),
        cmocka_unit_test(test_info_parse_something_else_is_an_error_that_shows_it),
        cmocka_unit_test(test_stat_parse_every_version_gives_its_rows),
        cmocka_unit_test(test_stat_parse_running_check_loses_its_mark),
        cmocka_unit_test(test_stat_parse_cut_off_anywhere_is_an_error),
        cmocka_unit_test(test_stat_parse_columns_are_found_by_name),
        cmocka_unit_test(test_stat_parse_quoted_field_keeps_its_commas_quotes_and_lines),
        cmocka_unit_test(test_stat_parse_row_of_an_unknown_kind_is_left_out),
        cmocka_unit_test(test_stat_parse_malformed_is_an_error),
        cmocka_unit_test(test_answers_of_one_connection_are_each_found),
        cmocka_unit_test(test_proc_parse_every_version_gives_worker_and_failures),
        cmocka_unit_test(test_proc_parse_recorded_reloads_are_told),
        cmocka_unit_test(test_proc_parse_failed_reload_with_only_old_workers_has_no_worker),
        cmocka_unit_test(test_proc_parse_programs_do_not_disturb),
        cmocka_unit_test(test_proc_parse_cut_off_anywhere_is_an_error),
        cmocka_unit_test(test_proc_parse_impossible_pid_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
