#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "remediations/host/haproxy_cfg.h"
#include "remediations/host/haproxy_process.h"

static struct cfg *parse_files(const char *const *texts, size_t count, struct arena *arena)
{
    static const char *const names[] = {"/e/a.cfg", "/e/b.cfg", "/e/c.cfg"};
    struct cfg_file files[3];
    struct cfg *cfg = NULL;
    struct err err = {0};

    for (size_t i = 0; i < count; i++)
        files[i] = (struct cfg_file){names[i], span_of(texts[i])};
    if (cfg_parse(files, count, NULL, arena, &cfg, &err) < 0)
        fail_msg("%s", err.text);
    return cfg;
}

static struct cfg *parse(const char *text, struct arena *arena)
{
    return parse_files(&text, 1, arena);
}

static void assert_refused(struct span bytes, const char *expected)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct cfg_file file = {"/e/a.cfg", bytes};
    struct cfg *cfg = NULL;
    struct err err = {0};

    assert_int_equal(cfg_parse(&file, 1, NULL, arena, &cfg, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    if (strstr(err.text, expected) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, expected);
}

/* The effective value of a target, or "none", or "!" and why it is refused. */
static const char *value_of(const struct cfg *cfg, const char *target, struct arena *arena)
{
    struct cfg_slot slot;
    struct err err = {0};

    if (cfg_find_maxconn(cfg, NULL, target, arena, &slot, &err) < 0) {
        assert_int_equal(err.kind, ERR_INPUT);
        return arena_printf(arena, "!%s", err.text);
    }
    return slot.value == NULL ? "none" : slot.value;
}

static void assert_value(const char *text, const char *target, const char *expected)
{
    struct arena *arena CLEANUP_ARENA = arena_new();

    assert_string_equal(value_of(parse(text, arena), target, arena), expected);
}

static void assert_find_refused(const char *text, const char *target, const char *part)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const char *shown = value_of(parse(text, arena), target, arena);

    if (shown[0] != '!' || strstr(shown, part) == NULL)
        fail_msg("'%s' does not say '%s'", shown, part);
}

static void test_cfg_find_global_first_one_that_is_not_0_wins(void **state)
{
    (void)state;
    assert_value("global\n maxconn 7\n maxconn 9\nglobal\n maxconn 11\n", "global", "7");
    assert_value("global\n maxconn 0\n maxconn 9\n", "global", "9");
    assert_value("global\n maxconn 0\n", "global", "none");
    assert_value("global\n\\x6d\\x61xconn 5\"0\"#c\n", "global", "50");
    assert_value("global\r\n\tmaxconn\t12\r\n", "global", "12");
    assert_value("frontend f\n maxconn 3\n", "global", "none");
    assert_value("global\n maxconn 12abc\n", "global", "12");
}

static void test_cfg_find_global_across_files_first_file_wins(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const char *texts[] = {"defaults\n", "global\n maxconn 5\n", "global\n maxconn 6\n"};
    struct cfg_slot slot;
    struct err err = {0};

    (void)state;
    struct cfg *cfg = parse_files(texts, 3, arena);
    assert_int_equal(cfg_find_maxconn(cfg, NULL, "global", arena, &slot, &err), 0);
    assert_string_equal(slot.value, "5");
    assert_string_equal(slot.file->path, "/e/b.cfg");
    assert_int_equal(slot.token.line, 2);
}

static void test_cfg_find_global_command_line_is_named(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy haproxy = {.argument_maxconn = 400};
    struct cfg_slot slot;
    struct err err = {0};

    (void)state;
    struct cfg *cfg = parse("global\n maxconn 5\n", arena);
    assert_int_equal(cfg_find_maxconn(cfg, &haproxy, "global", arena, &slot, &err), 0);
    assert_non_null(slot.overridden_by);
    assert_non_null(strstr(slot.overridden_by, "-n 400"));
}

static void test_cfg_find_proxy_last_one_wins_and_defaults_are_inherited(void **state)
{
    (void)state;
    assert_value("frontend f\n maxconn 3\n maxconn 4\n", "frontend/f", "4");
    assert_value("defaults\n maxconn 8\nfrontend f\n", "frontend/f", "8");
    assert_value("defaults\n maxconn 8\ndefaults\nfrontend f\n", "frontend/f", "none");
    assert_value("defaults\n maxconn 8\nfrontend f\n maxconn 0\n", "frontend/f", "none");
    assert_value("defaults a\n maxconn 8\ndefaults b\n maxconn 9\nlisten l from a\n", "listen/l",
                 "8");
    assert_value("defaults a\n maxconn 8\ndefaults b from a\nlisten l\n", "listen/l", "8");
    assert_value("defaults a\n maxconn 8\ndefaults from a\nlisten l\n", "defaults", "8");
    assert_value("frontend f\ndefaults\n maxconn 8\n", "frontend/f", "none");
    assert_value("defaults d\n maxconn 8\n", "defaults/d", "8");
    assert_value("frontend x\n maxconn 3\nbackend x\n fullconn 8\n", "frontend/x", "3");
}

static void test_cfg_find_server_default_server_applies_only_after_it(void **state)
{
    static const char text[] = "defaults\n default-server maxconn 2\n"
                               "backend b\n server s0 1:1\n default-server maxconn 5\n"
                               " server s1 1:1\n default-server inter 1s maxconn 6\n"
                               " server s2 1:1\n server s3 1:1 maxconn 7 maxconn 8\n"
                               " server s4 1:1 maxconn 0\n server s5 1:1 cookie maxconn check\n"
                               " server s6 1:1 source 1.2.3.4 interface maxconn maxconn 9\n"
                               " server s7 1:1 minconn 20\n server s8 1:1 \"\" maxconn 5\n";

    (void)state;
    assert_value(text, "server/b/s0", "2");
    assert_value(text, "server/b/s1", "5");
    assert_value(text, "server/b/s2", "6");
    assert_value(text, "server/b/s3", "8");
    assert_value(text, "server/b/s4", "none");
    assert_value(text, "server/b/s5", "6");
    assert_value(text, "server/b/s6", "9");
    assert_value(text, "server/b/s7", "20");
    assert_value(text, "server/b/s8", "6");
}

static void test_cfg_find_default_server_ambiguous_is_refused(void **state)
{
    (void)state;
    assert_value("backend b\n default-server check\n default-server maxconn 4\n server s 1:1\n",
                 "default-server/b", "4");
    assert_value("backend b\n default-server maxconn 4 maxconn 5\n", "default-server/b", "5");
    assert_find_refused("backend b\n server s 1:1\n default-server maxconn 4\n server t 1:1\n",
                        "default-server/b", "/e/a.cfg:3");
}

static void test_cfg_find_what_cannot_be_edited_is_refused_with_file_and_line(void **state)
{
    (void)state;
    assert_find_refused("global\n.if defined(X)\n maxconn 5\n.endif\n", "global", "/e/a.cfg:3");
    assert_find_refused("global\n.if defined(X)\n maxconn 5\n.endif\n maxconn 6\n", "global",
                        "(.if)");
    assert_find_refused("frontend f\n.if defined(X)\n maxconn 5\n.else\n maxconn 6\n.endif\n",
                        "frontend/f", "/e/a.cfg:5");
    assert_find_refused(".if defined(X)\nfrontend f\n.endif\n maxconn 5\n", "frontend/f", "(.if)");
    assert_find_refused("frontend g\n.if defined(X)\nfrontend f\n.endif\n maxconn 5\n",
                        "frontend/f", "(.if)");
    assert_find_refused("backend b\n.if defined(X)\n server s 1:1\n.endif\n", "server/b/s",
                        "/e/a.cfg:3");
    assert_find_refused("global\n setenv M 5\n maxconn \"$M\"\n", "global", "variable");
    assert_find_refused("backend b\n server-template s 1-3 1:1\n", "server/b/s2",
                        "server-template");
    assert_find_refused("frontend f\nfrontend f\n", "frontend/f", "/e/a.cfg:1 and /e/a.cfg:2");
    assert_find_refused("backend b\n server s 1:1\n server s 1:2\n", "server/b/s", "a.cfg:3");
    assert_find_refused("defaults\ndefaults\n", "defaults", "two sections");
    assert_find_refused("defaults d\n", "defaults", "no section");
    assert_find_refused("backend b\n", "server/b/s", "no server");
    assert_find_refused("backend b\n server-template s 1-3 1:1\n", "server/b/s4", "no server");
    assert_find_refused("frontend b\n", "server/b/s", "no backend");
    assert_find_refused("backend b\nlisten b\n", "default-server/b", "listen");
    assert_find_refused("global\n", "backend/b", "bad target");
    assert_find_refused("global\n", "server/b", "bad target");
    assert_find_refused("global\n", "frontend/a b", "bad target");
    /* What comes behind the one that counts changes nothing. */
    assert_value("global\n maxconn 6\n.if defined(X)\n maxconn 5\n.endif\n", "global", "6");
    assert_value("frontend f\n.if defined(X)\n maxconn 5\n.endif\n maxconn 6\n", "frontend/f", "6");
}

static void test_cfg_parse_variables_of_global_are_honoured_in_order(void **state)
{
    static const char text[] =
        "frontend \"$N\"\nglobal\n setenv N one\n presetenv N two\n"
        " presetenv M three\nfrontend \"$N\"\n maxconn 1\n"
        "frontend \"$M\"\n maxconn 3\nglobal\n unsetenv N\n"
        "frontend \"x$N\"\n maxconn 4\nglobal\n setenv N five\n resetenv M\n"
        "frontend \"y${N-six}\"\n maxconn 6\nfrontend \"z${M-six}\"\n maxconn 7\n";

    (void)state;
    assert_value(text, "frontend/one", "1");
    assert_value(text, "frontend/three", "3");
    assert_value(text, "frontend/x", "4");
    assert_value(text, "frontend/ysix", "6");
    assert_value(text, "frontend/zthree", "7");
}

static void test_cfg_parse_stats_sockets_by_what_they_are_asked_by(void **state)
{
    static const struct {
        const char *text, *endpoint;
    } cases[] = {{"/run/a.sock", "/run/a.sock"},
                 {"unix@/run/a.sock", "/run/a.sock"},
                 {"127.0.0.1:9999", "127.0.0.1:9999"},
                 {"ipv4@10.0.0.1:1", "10.0.0.1:1"},
                 {"*:9999", "127.0.0.1:9999"},
                 {":9999", "127.0.0.1:9999"},
                 {"0.0.0.0:9999", "127.0.0.1:9999"},
                 {"ipv6@:9999", "[::1]:9999"},
                 {"[::]:9999", "[::1]:9999"},
                 {"ipv6@[2001:db8::1]:9999", "[2001:db8::1]:9999"},
                 {"[::1]:9999", "[::1]:9999"},
                 {"127.0.0.1:9990-9999", NULL},
                 {"127.0.0.1", NULL},
                 {"localhost:9999", NULL},
                 {"abns@x", "abns@x"},
                 {"abnsz@x", "abnsz@x"},
                 {"fd@4", NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct cfg *cfg = parse(
            arena_printf(arena, "global\n stats socket %s level admin\n", cases[i].text), arena);
        const char *endpoint = cfg->global.stats_sockets[0].endpoint;

        if (cases[i].endpoint == NULL)
            assert_null(endpoint);
        else
            assert_string_equal(endpoint, cases[i].endpoint);
    }
}

static void test_only_a_path_leads_into_another_network(void **state)
{
    static const struct {
        const char *socket;
        bool everywhere;
    } cases[] = {{"/run/a.sock", true}, {"127.0.0.1:9999", false}, {"abns@x", false}};
    const struct host host = {.live = true};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct cfg *cfg =
            parse(arena_printf(arena, "global\n stats socket %s\n", cases[i].socket), arena);
        struct haproxy here = {.running = true, .same_network = true};
        struct haproxy there = {.running = true, .same_network = false};

        haproxy_choose_stats_socket(&host, cfg, &here);
        haproxy_choose_stats_socket(&host, cfg, &there);
        assert_string_equal(here.stats_socket, cases[i].socket);
        assert_int_equal(there.stats_socket != NULL, cases[i].everywhere);
    }
}

static void test_cfg_parse_model_holds_binds_servers_and_sockets(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct cfg *cfg =
        parse("global\n stats socket /run/a.sock mode 600 level admin\n stats socket ipv4@*:9999\n"
              " stats maxconn 20\n nbthread 3\n no strict-limits\n"
              "listen l\n bind *:80,[::1]:8000-8003 maxconn 9 shards 4\n bind unix@/run/x.sock\n"
              " option splice-auto\n server a 10.0.0.1:80 check port 81 agent-check agent-port 82 "
              "backup\n"
              " server b [2001:db8::1]:443 no-check disabled\n server c app.example:8080\n"
              " server d /run/app.sock\n server-template t 2-5 10.0.0.9:80 check\n"
              "peers p\n bind :10000\n peer x 1.2.3.4:10000\n server y\n",
              arena);

    (void)state;
    assert_int_equal(cfg->global.stats_socket_count, 2);
    assert_string_equal(cfg->global.stats_sockets[0].path, "/run/a.sock");
    assert_string_equal(cfg->global.stats_sockets[0].level, "admin");
    assert_string_equal(cfg->global.stats_sockets[0].mode, "600");
    assert_string_equal(cfg->global.stats_sockets[0].endpoint, "/run/a.sock");
    assert_null(cfg->global.stats_sockets[1].path);
    assert_string_equal(cfg->global.stats_sockets[1].endpoint, "127.0.0.1:9999");
    assert_int_equal(cfg->global.stats_maxconn.value, 20);
    assert_int_equal(cfg->global.nbthread.value, 3);
    assert_int_equal(cfg->global.strict_limits, CFG_STRICT_OFF);

    const struct cfg_proxy *proxy = cfg_find_proxy(cfg, CFG_LISTEN, "l");
    assert_non_null(proxy);
    assert_int_equal(proxy->bind_count, 3);
    assert_string_equal(proxy->binds[0].address, "0.0.0.0");
    assert_int_equal(proxy->binds[0].port_low, 80);
    assert_int_equal(proxy->binds[0].maxconn.value, 9);
    assert_string_equal(proxy->binds[1].address, "::1");
    assert_int_equal(proxy->binds[1].port_high, 8003);
    assert_int_equal(proxy->binds[1].shards, 4);
    assert_true(proxy->binds[2].is_unix);
    assert_string_equal(proxy->binds[2].address, "/run/x.sock");
    assert_true(proxy->splice);
    assert_int_equal(proxy->server_count, 5);
    const struct cfg_server *servers = proxy->servers;
    assert_string_equal(servers[0].address, "10.0.0.1");
    assert_int_equal(servers[0].port, 80);
    assert_true(servers[0].check && servers[0].agent_check && servers[0].backup);
    assert_int_equal(servers[0].check_ports, 2);
    assert_string_equal(servers[1].address, "2001:db8::1");
    assert_true(servers[1].disabled);
    assert_false(servers[1].check);
    assert_null(servers[2].address);
    assert_int_equal(servers[2].port, 8080);
    assert_true(servers[3].is_unix);
    assert_ptr_equal(cfg_find_server(proxy, "t3"), &servers[4]);
    assert_null(cfg_find_server(proxy, "t6"));
    assert_int_equal(cfg->extra_binds, 1);
    assert_int_equal(cfg->peer_count, 2);
}

static void test_cfg_parse_names_who_manages_the_file(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();

    (void)state;
    assert_string_equal(parse("# _version=12\n\nglobal\n", arena)->managed_by,
                        "HAProxy Data Plane API");
    assert_string_equal(parse("#\n# Ansible managed\nglobal\n", arena)->managed_by, "Ansible");
    assert_string_equal(parse("# This file is managed by Puppet\nglobal\n", arena)->managed_by,
                        "Puppet");
    assert_null(parse("global\n # Ansible managed\n", arena)->managed_by);
    assert_null(parse("# our load balancer\nglobal\n", arena)->managed_by);
}

static void test_cfg_parse_bad_files_are_refused_with_file_and_line(void **state)
{
    (void)state;
    assert_refused((struct span){"global\n a\0b\n", 12}, "/e/a.cfg:2: a NUL byte");
    assert_refused((struct span){"global\n #\0\n", 11}, "/e/a.cfg:2: a NUL byte");
    assert_refused(span_of("global\n maxconn 5"), "/e/a.cfg:2: the last line is cut off");
    assert_refused(span_of("\xef\xbb\xbfglobal\n"), "byte order mark");
    assert_refused(span_of("\n maxconn 5\n"), "/e/a.cfg:2: 'maxconn' stands before any section");
    assert_refused(span_of("global\n daemon \"\n"), "/e/a.cfg:2: open quote");
    assert_refused(span_of("global\n.what\n"), "unknown directive");
    assert_refused(span_of("global\n.endif\n"), "lone '.endif'");
    assert_refused(span_of("global\n.if a\n.else\n.elif b\n"), "/e/a.cfg:4: '.elif' after '.else'");
    assert_refused(span_of("global\n.if a\n"), "/e/a.cfg:2: the file ends inside '.if'");
}

static void test_cfg_parse_huge_input_is_refused_or_read_in_one_pass(void **state)
{
    enum { LINE = 10 * 1024 * 1024, SECTIONS = 10000, SECTION_LEN = 48 };
    struct arena *arena CLEANUP_ARENA = arena_new();
    char *line = arena_alloc(arena, LINE + 1);

    (void)state;
    memset(line, 'x', LINE);
    memcpy(line, "global\n", 7);
    line[LINE - 1] = '\n';
    assert_refused((struct span){line, LINE}, "/e/a.cfg:2: line of 10485752 bytes, expected");
    assert_refused((struct span){"", HOST_FILE_MAX + 1}, "expected at most");

    char *text = arena_alloc(arena, SECTIONS * SECTION_LEN + 1);
    for (size_t i = 0, at = 0; i < SECTIONS; i++)
        at += (size_t)snprintf(text + at, SECTION_LEN, "backend b%zu\n server s 1:1 maxconn %zu\n",
                               i, i + 1);
    struct cfg *cfg = parse(text, arena);
    assert_int_equal(cfg->proxy_count, SECTIONS);
    assert_string_equal(value_of(cfg, "server/b9999/s", arena), "10000");
}

/* Whatever the bytes are, reading ends and touches nothing it should not (this is for the
 * sanitizers). */
static void test_cfg_parse_random_changes_never_crash(void **state)
{
    static const char base[] =
        "# top\nglobal\n\tmaxconn 100\r\n setenv A \"b c\"\n.if defined(A)\n nbthread 2\n.endif\n"
        "defaults d\n default-server maxconn 5 check\nfrontend f from d\n bind *:80-90,[::]:1\n"
        " maxconn \"${B-7}\"\nbackend b\n server s\\x31 1.1.1.1:80 maxconn 9 # c\n"
        " server-template t 1-3 'h':80\npeers p\n bind \"$A\":1\n";
    static const char *const targets[] = {"global", "defaults/d", "frontend/f", "server/b/s1",
                                          "default-server/b"};
    static const char bytes[] = "\"'\\$#{}[]-*.\n\r\t x0\0,:/=";
    unsigned seed = 12345;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        char *text = arena_copy(arena, base, sizeof base - 1);
        struct cfg_file file = {"/e/a.cfg", {text, sizeof base - 1}};
        struct cfg_file changed;
        struct strings diff;
        struct cfg *cfg = NULL;
        struct err err = {0};
        for (int flips = 0; flips < 1 + round % 5; flips++) {
            seed = seed * 1103515245u + 12345u;
            size_t at = (seed >> 8) % (sizeof base - 1);
            seed = seed * 1103515245u + 12345u;
            text[at] =
                round % 3 == 0 ? (char)(seed >> 16) : bytes[(seed >> 16) % (sizeof bytes - 1)];
        }
        if (cfg_parse(&file, 1, NULL, arena, &cfg, &err) < 0) {
            assert_int_equal(err.kind, ERR_INPUT);
            continue;
        }
        for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
            if (cfg_set_maxconn(cfg, NULL, targets[i], "77", arena, &changed, &diff, &err) < 0)
                assert_int_equal(err.kind, ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cfg_find_global_first_one_that_is_not_0_wins),
        cmocka_unit_test(test_cfg_find_global_across_files_first_file_wins),
        cmocka_unit_test(test_cfg_find_global_command_line_is_named),
        cmocka_unit_test(test_cfg_find_proxy_last_one_wins_and_defaults_are_inherited),
        cmocka_unit_test(test_cfg_find_server_default_server_applies_only_after_it),
        cmocka_unit_test(test_cfg_find_default_server_ambiguous_is_refused),
        cmocka_unit_test(test_cfg_find_what_cannot_be_edited_is_refused_with_file_and_line),
        cmocka_unit_test(test_cfg_parse_variables_of_global_are_honoured_in_order),
        cmocka_unit_test(test_cfg_parse_stats_sockets_by_what_they_are_asked_by),
        cmocka_unit_test(test_only_a_path_leads_into_another_network),
        cmocka_unit_test(test_cfg_parse_model_holds_binds_servers_and_sockets),
        cmocka_unit_test(test_cfg_parse_names_who_manages_the_file),
        cmocka_unit_test(test_cfg_parse_bad_files_are_refused_with_file_and_line),
        cmocka_unit_test(test_cfg_parse_huge_input_is_refused_or_read_in_one_pass),
        cmocka_unit_test(test_cfg_parse_random_changes_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
