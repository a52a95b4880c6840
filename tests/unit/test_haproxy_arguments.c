#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "remediations/host/haproxy_process.h"

static struct haproxy_command parse(struct arena *arena, const char *line, const char *directory,
                                    bool inside)
{
    struct strings words = {0};
    struct haproxy_command command;
    struct span rest = span_of(line);

    while (rest.len > 0) {
        struct span word = span_cut(&rest, ' ');
        strings_add(&words, arena, arena_copy(arena, word.ptr, word.len));
    }
    haproxy_command_parse(&words, directory, inside, arena, &command);
    return command;
}

static const char *joined(struct arena *arena, const struct strings *strings)
{
    const char *all = "";

    for (size_t i = 0; i < strings->count; i++)
        all = arena_printf(arena, "%s%s%s", all, i == 0 ? "" : " ", strings->at[i]);
    return all;
}

static void test_command_parse_debian_unit_gives_its_parts(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_command command =
        parse(arena,
              "/usr/sbin/haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid -S "
              "/run/haproxy-master.sock,mode,600",
              "/", true);

    (void)state;
    assert_true(command.serves);
    assert_true(command.master_worker);
    assert_string_equal(joined(arena, &command.config), "/etc/haproxy/haproxy.cfg");
    assert_string_equal(joined(arena, &command.arguments), "-Ws");
    assert_string_equal(command.pid_file, "/run/haproxy.pid");
    assert_string_equal(command.master_socket, "/run/haproxy-master.sock");
    assert_int_equal(command.maxconn, 0);
}

static void test_command_parse_injected_arguments_are_not_the_operators(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_command command = parse(
        arena, "haproxy -sf 12 13 -x sockpair@3 -W -f a.cfg -f conf.d -n 400 -dW", "/srv/h", true);

    (void)state;
    assert_string_equal(joined(arena, &command.config), "/srv/h/a.cfg /srv/h/conf.d");
    assert_string_equal(joined(arena, &command.arguments), "-W -n 400 -dW");
    assert_string_equal(joined(arena, &command.replaces), "12 13");
    assert_int_equal(command.maxconn, 400);
}

static void test_command_parse_files_behind_two_dashes_follow_the_f_ones(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_command command = parse(arena, "haproxy -f 1 -D -- ./2 /3 -c", "/d", true);

    (void)state;
    assert_string_equal(joined(arena, &command.config), "/d/1 /d/2 /3 /d/-c");
    assert_true(command.serves);
}

static void test_command_parse_letters_behind_f_are_ignored_as_haproxy_does(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_command command = parse(arena, "haproxy -fignored real.cfg", "/", true);

    (void)state;
    assert_string_equal(joined(arena, &command.config), "/real.cfg");
}

static void test_command_parse_directory_is_followed_once(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();

    (void)state;
    /* A running process stands in that directory already. */
    struct haproxy_command running = parse(arena, "haproxy -C conf -f a", "/srv/conf", true);
    assert_string_equal(running.directory, "/srv/conf");
    assert_string_equal(joined(arena, &running.config), "/srv/conf/a");
    assert_string_equal(joined(arena, &running.arguments), "-C /srv/conf");
    struct haproxy_command unit = parse(arena, "haproxy -f a -C conf", "/srv", false);
    assert_string_equal(joined(arena, &unit.config), "/srv/conf/a");
    struct haproxy_command chrooted = parse(arena, "haproxy -C /etc/h -f a", "/var/lib/h", true);
    assert_string_equal(joined(arena, &chrooted.config), "/etc/h/a");
}

static void test_command_parse_checks_and_versions_do_not_serve(void **state)
{
    static const char *const lines[] = {"haproxy -c -f x", "haproxy -f x -c",  "haproxy -v",
                                        "haproxy -vv",     "haproxy -cc true", "haproxy -Ws -c -q"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        assert_false(parse(arena, lines[i], "/", true).serves);
    }
}

static void test_command_parse_master_socket_of_every_kind(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();

    (void)state;
    assert_string_equal(
        parse(arena, "haproxy -S ipv4@127.0.0.1:99,level,admin -f x", "/", true).master_socket,
        "127.0.0.1:99");
    assert_string_equal(parse(arena, "haproxy -S abns@m -f x", "/", true).master_socket, "abns@m");
    assert_null(parse(arena, "haproxy -S fd@3 -f x", "/", true).master_socket);
    assert_true(parse(arena, "haproxy -S fd@3 -f x", "/", true).has_master_api);
    assert_false(parse(arena, "haproxy -f x", "/", true).has_master_api);
    assert_string_equal(
        parse(arena, "haproxy -S unix@run/m,level,admin -f x", "/r", true).master_socket,
        "/r/run/m");
}

static void test_command_parse_option_without_its_word_is_survived(void **state)
{
    static const char *const lines[] = {"haproxy -f", "haproxy -C", "haproxy -n",   "haproxy -S",
                                        "haproxy -",  "haproxy --", "haproxy -n x", "haproxy"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct haproxy_command command = parse(arena, lines[i], "/", true);
        assert_int_equal(command.config.count, 0);
        assert_int_equal(command.maxconn, 0);
        assert_string_equal(command.directory, "/");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_parse_debian_unit_gives_its_parts),
        cmocka_unit_test(test_command_parse_injected_arguments_are_not_the_operators),
        cmocka_unit_test(test_command_parse_files_behind_two_dashes_follow_the_f_ones),
        cmocka_unit_test(test_command_parse_letters_behind_f_are_ignored_as_haproxy_does),
        cmocka_unit_test(test_command_parse_directory_is_followed_once),
        cmocka_unit_test(test_command_parse_checks_and_versions_do_not_serve),
        cmocka_unit_test(test_command_parse_master_socket_of_every_kind),
        cmocka_unit_test(test_command_parse_option_without_its_word_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
