#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "remediations/host/haproxy_cfg.h"

static struct cfg *parse(const char *text, struct arena *arena)
{
    struct cfg_file file = {"/e/a.cfg", span_of(text)};
    struct cfg *cfg = NULL;
    struct err err = {0};

    if (cfg_parse(&file, 1, NULL, arena, &cfg, &err) < 0)
        fail_msg("%s", err.text);
    return cfg;
}

static void assert_set(const char *text, const char *target, const char *value,
                       const char *expected)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct cfg *cfg = parse(text, arena);
    struct cfg_file file;
    struct strings diff;
    struct err err = {0};

    if (cfg_set_maxconn(cfg, NULL, target, value, arena, &file, &diff, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(arena_copy(arena, file.bytes.ptr, file.bytes.len), expected);
    assert_string_equal(file.path, "/e/a.cfg");
    assert_true(diff.count > 0);
}

static void assert_set_refused(const char *text, const char *target, const char *value,
                               const char *part)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct cfg *cfg = parse(text, arena);
    struct cfg_file file;
    struct strings diff;
    struct err err = {0};

    assert_int_equal(cfg_set_maxconn(cfg, NULL, target, value, arena, &file, &diff, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    if (strstr(err.text, part) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, part);
}

static void test_cfg_set_maxconn_changes_one_token(void **state)
{
    (void)state;
    assert_set("global\r\n\tmaxconn\t 5\"0\"#c\r\n", "global", "7",
               "global\r\n\tmaxconn\t 7#c\r\n");
    assert_set("global\n maxconn 0 # none\n", "global", "7", "global\n maxconn 7 # none\n");
    assert_set("global\n maxconn 0\n maxconn 5\n", "global", "7",
               "global\n maxconn 0\n maxconn 7\n");
    assert_set("frontend f\n maxconn 1\n maxconn 2 \nbackend f\n", "frontend/f", "30",
               "frontend f\n maxconn 1\n maxconn 30 \nbackend f\n");
    assert_set("backend b\n server s 1:1 maxconn 3 maxconn 4 check\n", "server/b/s", "50",
               "backend b\n server s 1:1 maxconn 3 maxconn 50 check\n");
    assert_set("backend b\n default-server maxconn 3\n server s 1:1\n", "default-server/b", "5",
               "backend b\n default-server maxconn 5\n server s 1:1\n");
    assert_set("defaults\n maxconn 3\nfrontend f\n", "defaults", "5",
               "defaults\n maxconn 5\nfrontend f\n");
}

static void test_cfg_set_maxconn_absent_is_put_where_a_person_would(void **state)
{
    (void)state;
    assert_set(
        "global\n\tlog /dev/log local0\n\tdaemon\n\n\tca-base /etc\n\ndefaults\n\tmode http\n",
        "global", "9",
        "global\n\tlog /dev/log local0\n\tdaemon\n\tmaxconn 9\n\n\tca-base /etc\n\ndefaults\n"
        "\tmode http\n");
    assert_set("global\nfrontend f\n  bind :1\n", "global", "9",
               "global\n  maxconn 9\nfrontend f\n  bind :1\n");
    assert_set("global\r\n   daemon\r\n", "global", "9", "global\r\n   daemon\r\n   maxconn 9\r\n");
    assert_set("frontend f\n  # why\n  bind :1\n  mode tcp\n  default_backend b\nbackend b\n",
               "frontend/f", "9",
               "frontend f\n  # why\n  bind :1\n  mode tcp\n  maxconn 9\n  default_backend "
               "b\nbackend b\n");
    assert_set("frontend f\n  default_backend b\nbackend b\n", "frontend/f", "9",
               "frontend f\n  maxconn 9\n  default_backend b\nbackend b\n");
    assert_set("global\n.if defined(X)\n daemon\n.endif\n", "global", "9",
               "global\n maxconn 9\n.if defined(X)\n daemon\n.endif\n");
}

static void test_cfg_set_maxconn_without_global_makes_one(void **state)
{
    (void)state;
    assert_set("# lb\n\n# web\nfrontend f\n  bind :1\n", "global", "9",
               "# lb\n\nglobal\n  maxconn 9\n\n# web\nfrontend f\n  bind :1\n");
    assert_set("# lb\nfrontend f\n", "global", "9", "# lb\nglobal\n    maxconn 9\n\nfrontend f\n");
}

static void test_cfg_set_maxconn_server_word_goes_before_a_comment(void **state)
{
    (void)state;
    assert_set("backend b\n server s 1:1 check # prod\n", "server/b/s", "9",
               "backend b\n server s 1:1 check maxconn 9 # prod\n");
    assert_set("backend b\n server s 1:1#c\n", "server/b/s", "9",
               "backend b\n server s 1:1 maxconn 9#c\n");
    assert_set("backend b\r\n\tserver s 1:1\r\n", "server/b/s", "9",
               "backend b\r\n\tserver s 1:1 maxconn 9\r\n");
    assert_set("backend b\n server s 1:1 \"\" x\n", "server/b/s", "9",
               "backend b\n server s 1:1 maxconn 9 \"\" x\n");
    assert_set("backend b\n default-server check # c\n server s 1:1\n", "default-server/b", "9",
               "backend b\n default-server check maxconn 9 # c\n server s 1:1\n");
    assert_set("backend b\n mode http\n\n   server s 1:1\n", "default-server/b", "9",
               "backend b\n mode http\n\n   default-server maxconn 9\n   server s 1:1\n");
    assert_set("backend b\n mode http\n balance first\n", "default-server/b", "9",
               "backend b\n mode http\n default-server maxconn 9\n balance first\n");
}

static void test_cfg_set_maxconn_empty_value_removes_our_word_or_line(void **state)
{
    (void)state;
    assert_set("global\n daemon\n maxconn 5\n\n", "global", "", "global\n daemon\n\n");
    assert_set("global\n maxconn 5  # why\n", "global", "", "global\n # why\n");
    assert_set("backend b\n server s 1:1  maxconn 5 check # c\n", "server/b/s", "",
               "backend b\n server s 1:1 check # c\n");
    assert_set("backend b\n server s 1:1 maxconn 5\r\n", "server/b/s", "",
               "backend b\n server s 1:1\r\n");
    assert_set("backend b\n default-server maxconn 5\n server s 1:1\n", "default-server/b", "",
               "backend b\n server s 1:1\n");
    assert_set("backend b\n default-server check maxconn 5\n", "default-server/b", "",
               "backend b\n default-server check\n");
    assert_set_refused("global\n daemon\n", "global", "", "no maxconn");
}

static void test_cfg_set_maxconn_that_would_not_win_is_refused(void **state)
{
    (void)state;
    assert_set_refused("backend b\n server s 1:1 minconn 50\n", "server/b/s", "9", "minconn 50");
    assert_set_refused("backend b\n default-server minconn 50\n server s 1:1 maxconn 60\n",
                       "server/b/s", "9", "/e/a.cfg:2");
    assert_set_refused("global\n", "global", "0", "maxconn");
    assert_set_refused("global\n", "global", "99999999999", "maxconn");
    assert_set_refused("global\n", "global", "12 x", "maxconn");
}

static void test_cfg_set_maxconn_diff_shows_the_lines_and_their_neighbours(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct cfg *cfg = parse("global\n a\n b\n maxconn 5\n\tc\n d\n e\n", arena);
    struct cfg_file file;
    struct strings diff;
    struct err err = {0};
    static const char *const expected[] = {"  a",         "  b",   "- maxconn 5",
                                           "+ maxconn 6", " \\tc", "  d"};

    (void)state;
    assert_int_equal(cfg_set_maxconn(cfg, NULL, "global", "6", arena, &file, &diff, &err), 0);
    assert_int_equal(diff.count, 6);
    for (size_t i = 0; i < diff.count; i++)
        assert_string_equal(diff.at[i], expected[i]);
    cfg = parse("global\n a\n\n", arena);
    assert_int_equal(cfg_set_maxconn(cfg, NULL, "global", "6", arena, &file, &diff, &err), 0);
    assert_int_equal(diff.count, 4);
    assert_string_equal(diff.at[1], "  a");
    assert_string_equal(diff.at[2], "+ maxconn 6");
    assert_string_equal(diff.at[3], " ");
}

static void test_cfg_set_stats_socket_adds_and_removes_a_line(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct cfg *cfg = parse("global\n  daemon\n\ndefaults\n", arena);
    struct cfg_file file;
    struct strings diff;
    struct err err = {0};
    static const char with[] =
        "global\n  daemon\n  stats socket /run/h/a.sock mode 600 level admin\n\ndefaults\n";

    (void)state;
    assert_int_equal(cfg_set_stats_socket(cfg, "/run/h/a.sock", NULL, arena, &file, &diff, &err),
                     0);
    assert_string_equal(arena_copy(arena, file.bytes.ptr, file.bytes.len), with);
    cfg = parse(with, arena);
    assert_int_equal(cfg_set_stats_socket(cfg, "/run/h/a.sock", NULL, arena, &file, &diff, &err),
                     -1);
    assert_non_null(strstr(err.text, "/e/a.cfg:3"));
    assert_int_equal(cfg_set_stats_socket(cfg, "", "/run/h/a.sock", arena, &file, &diff, &err), 0);
    assert_string_equal(arena_copy(arena, file.bytes.ptr, file.bytes.len),
                        "global\n  daemon\n\ndefaults\n");
    assert_int_equal(cfg_set_stats_socket(cfg, "", "/run/h/b.sock", arena, &file, &diff, &err), -1);
    cfg = parse("defaults\n", arena);
    assert_int_equal(cfg_set_stats_socket(cfg, "/run/h/a.sock", NULL, arena, &file, &diff, &err),
                     0);
    assert_string_equal(
        arena_copy(arena, file.bytes.ptr, file.bytes.len),
        "global\n    stats socket /run/h/a.sock mode 600 level admin\n\ndefaults\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cfg_set_maxconn_changes_one_token),
        cmocka_unit_test(test_cfg_set_maxconn_absent_is_put_where_a_person_would),
        cmocka_unit_test(test_cfg_set_maxconn_without_global_makes_one),
        cmocka_unit_test(test_cfg_set_maxconn_server_word_goes_before_a_comment),
        cmocka_unit_test(test_cfg_set_maxconn_empty_value_removes_our_word_or_line),
        cmocka_unit_test(test_cfg_set_maxconn_that_would_not_win_is_refused),
        cmocka_unit_test(test_cfg_set_maxconn_diff_shows_the_lines_and_their_neighbours),
        cmocka_unit_test(test_cfg_set_stats_socket_adds_and_removes_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
