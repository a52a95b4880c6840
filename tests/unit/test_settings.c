#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/settings.h"
#include "plans/base/file.h"

#define CONF_IN_TREE "etc/hamedic/hamedic.conf"

struct fixture {
    char root[64];
    int dir;
    struct host *host;
    struct host_settings settings;
    struct err err;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    memcpy(fixture->root, "/tmp/hamedic-settings-XXXXXX", sizeof "/tmp/hamedic-settings-XXXXXX");
    assert_non_null(mkdtemp(fixture->root));
    fixture->dir = open(fixture->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fixture->dir >= 0);
    assert_int_equal(mkdirat(fixture->dir, "etc", 0755), 0);
    assert_int_equal(mkdirat(fixture->dir, "etc/hamedic", 0755), 0);
    assert_int_equal(host_open(fixture->root, &fixture->host, &fixture->err), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    host_close(fixture->host);
    (void)unlinkat(fixture->dir, CONF_IN_TREE, 0);
    (void)unlinkat(fixture->dir, "other.conf", 0);
    (void)unlinkat(fixture->dir, "etc/hamedic", AT_REMOVEDIR);
    (void)unlinkat(fixture->dir, "etc", AT_REMOVEDIR);
    (void)close(fixture->dir);
    (void)rmdir(fixture->root);
    free(fixture);
    return 0;
}

static int load(struct fixture *fixture, const char *path)
{
    fixture->err = (struct err){0};
    fixture->settings = (struct host_settings){.unit = "untouched"};
    return settings_load(fixture->host, path, &fixture->settings, &fixture->err);
}

static void put(struct fixture *fixture, const char *name, const char *text, mode_t mode)
{
    struct err err = {0};

    assert_int_equal(file_put(fixture->dir, name, span_of(text), mode, &err), 0);
}

static void assert_bad(struct fixture *fixture, const char *text, const char *message)
{
    put(fixture, CONF_IN_TREE, text, 0644);
    assert_int_equal(load(fixture, NULL), -1);
    assert_int_equal(fixture->err.kind, ERR_INPUT);
    assert_string_equal(fixture->err.text, message);
    assert_string_equal(fixture->settings.unit, "untouched");
}

static void test_settings_absent_file_leaves_all_to_be_found(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(load(fixture, NULL), 0);
    assert_null(fixture->settings.unit);
    assert_null(fixture->settings.program);
    assert_int_equal(fixture->settings.config.count, 0);
    assert_null(fixture->settings.stats_socket);
    assert_null(fixture->settings.master_socket);
    assert_null(fixture->settings.pid_file);
    assert_null(fixture->settings.selinux_store);
}

static void test_settings_every_key_is_read(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, CONF_IN_TREE,
        "unit = \"haproxy@edge.service\"\n"
        "program = \"/opt/haproxy/sbin/haproxy\"\n"
        "config = {\"/etc/haproxy/haproxy.cfg\", \"/etc/haproxy/conf.d\"}\n"
        "stats_socket = \"/run/haproxy/admin.sock\"\n"
        "master_socket = \"/run/haproxy-master.sock\"\n"
        "pid_file = \"/run/haproxy.pid\"\n"
        "selinux_store = \"targeted\"\n"
        "logs = {\"/var/log/lb.log\"}\n",
        0644);
    assert_int_equal(load(fixture, NULL), 0);
    assert_string_equal(fixture->settings.unit, "haproxy@edge.service");
    assert_string_equal(fixture->settings.program, "/opt/haproxy/sbin/haproxy");
    assert_int_equal(fixture->settings.config.count, 2);
    assert_string_equal(fixture->settings.config.at[0], "/etc/haproxy/haproxy.cfg");
    assert_string_equal(fixture->settings.config.at[1], "/etc/haproxy/conf.d");
    assert_string_equal(fixture->settings.stats_socket, "/run/haproxy/admin.sock");
    assert_string_equal(fixture->settings.master_socket, "/run/haproxy-master.sock");
    assert_string_equal(fixture->settings.pid_file, "/run/haproxy.pid");
    assert_string_equal(fixture->settings.selinux_store, "targeted");
    assert_int_equal(fixture->settings.logs.count, 1);
    assert_string_equal(fixture->settings.logs.at[0], "/var/log/lb.log");
}

static void test_settings_given_file_is_read_instead(void **state)
{
    struct fixture *fixture = *state;
    char path[128];

    put(fixture, CONF_IN_TREE, "unit = \"a.service\"\n", 0644);
    put(fixture, "other.conf", "unit = \"b.service\"\n", 0644);
    (void)snprintf(path, sizeof path, "%s/other.conf", fixture->root);
    assert_int_equal(load(fixture, path), 0);
    assert_string_equal(fixture->settings.unit, "b.service");
    /* It was asked for: its absence is an error. */
    assert_int_equal(unlinkat(fixture->dir, "other.conf", 0), 0);
    assert_int_equal(load(fixture, path), -1);
    assert_int_equal(fixture->err.kind, ERR_SYS);
}

static void test_settings_bad_values_are_refused_with_their_line(void **state)
{
    struct fixture *fixture = *state;

    assert_bad(fixture, "\nunits = \"x.service\"\n",
               SETTINGS_FILE ":2: unknown key 'units' (did you mean 'unit'?)");
    assert_bad(fixture, "unit = haproxy",
               SETTINGS_FILE ":1: 'unit' is 'haproxy': expected a unit such as "
                             "\"haproxy.service\"");
    assert_bad(fixture, "unit = \"../x.service\"",
               SETTINGS_FILE ":1: 'unit' is '../x.service': expected a unit such as "
                             "\"haproxy.service\"");
    assert_bad(fixture, "program = haproxy",
               SETTINGS_FILE ":1: 'program' is 'haproxy': expected an absolute path");
    assert_bad(fixture, "config = {\"/a.cfg\", \"b.cfg\"}",
               SETTINGS_FILE ":1: 'config' is 'b.cfg': expected an absolute path");
    assert_bad(fixture, "selinux_store = \"../../tmp\"",
               SETTINGS_FILE ":1: 'selinux_store' is '../../tmp': expected a name such as "
                             "\"targeted\"");
    assert_bad(fixture, "pid_file = \"\"",
               SETTINGS_FILE ":1: 'pid_file' is '': expected an absolute path");
}

static void test_settings_file_that_others_may_write_is_denied(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, CONF_IN_TREE, "unit = \"a.service\"\n", 0666);
    assert_int_equal(load(fixture, NULL), -1);
    assert_int_equal(fixture->err.kind, ERR_DENIED);
    assert_string_equal(fixture->err.text, SETTINGS_FILE
                        ": may be written by others (mode 0666): expected chmod go-w");
}

/* A link in the tree cannot bring in a file of this machine. */
static void test_settings_link_out_of_the_tree_stays_in_it(void **state)
{
    struct fixture *fixture = *state;
    char target[128];

    put(fixture, "other.conf", "unit = \"b.service\"\n", 0644);
    (void)snprintf(target, sizeof target, "%s/other.conf", fixture->root);
    assert_int_equal(symlinkat(target, fixture->dir, CONF_IN_TREE), 0);
    assert_int_equal(load(fixture, NULL), 0);
    assert_null(fixture->settings.unit);
    assert_int_equal(unlinkat(fixture->dir, CONF_IN_TREE, 0), 0);
    assert_int_equal(symlinkat("/other.conf", fixture->dir, CONF_IN_TREE), 0);
    assert_int_equal(load(fixture, NULL), 0);
    assert_string_equal(fixture->settings.unit, "b.service");
}

static void test_settings_directory_in_its_place_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(mkdirat(fixture->dir, CONF_IN_TREE, 0755), 0);
    assert_int_equal(load(fixture, NULL), -1);
    assert_int_equal(fixture->err.kind, ERR_SYS);
    assert_int_equal(unlinkat(fixture->dir, CONF_IN_TREE, AT_REMOVEDIR), 0);
}

static void test_settings_target_is_an_address_and_perhaps_a_port(void **state)
{
    static const struct {
        const char *text, *address;
        uint32_t port;
    } cases[] = {
        {"10.0.0.1", "10.0.0.1", 0},
        {"10.0.0.1:443", "10.0.0.1", 443},
        {"10.0.0.1:65535", "10.0.0.1", 65535},
        {"2001:db8::1", "2001:db8::1", 0},
        {"[2001:db8::1]", NULL, 0},
        {"[2001:db8::1]:443", "2001:db8::1", 443},
        /* The same address, however it is written. */
        {"2001:0DB8:0:0:0:0:0:1", "2001:db8::1", 0},
        {"[2001:0DB8::0001]:8443", "2001:db8::1", 8443},
        {"::", "::", 0},
        {"1::1:443", "1::1:443", 0}, /* an address, not a port behind one */
        {"::ffff:10.0.0.1", "::ffff:10.0.0.1", 0},
        {"", NULL, 0},
        {":", NULL, 0},
        {":443", NULL, 0},
        {"10.0.0.1:", NULL, 0},
        {"10.0.0.1:0", NULL, 0},
        {"10.0.0.1:65536", NULL, 0},
        {"10.0.0.1:+80", NULL, 0},
        {"10.0.0.1: 80", NULL, 0},
        {"10.0.0.1:80x", NULL, 0},
        {"10.0.0.1:99999999999999999999", NULL, 0},
        {"10.0.0:80", NULL, 0},
        {"10.0.0.256", NULL, 0},
        {"010.0.0.1", NULL, 0},
        {"[10.0.0.1:80", NULL, 0},
        {"[]:80", NULL, 0},
        {"[", NULL, 0},
        {"]:80", NULL, 0},
        {"www.example.com:443", NULL, 0},
        {"10.0.0.1\n:80", NULL, 0},
        {"fe80::1%eth0", NULL, 0},
    };
    struct arena *arena CLEANUP_ARENA = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct host_settings settings = {.target = "before", .target_port = 7};
        struct err err = {0};
        int done = settings_take_target(cases[i].text, arena, &settings, &err);
        if ((done == 0) != (cases[i].address != NULL))
            fail_msg("'%s' gives %d", cases[i].text, done);
        if (done < 0) {
            assert_int_equal(err.kind, ERR_INPUT);
            assert_string_equal(settings.target, "before");
            assert_int_equal(settings.target_port, 7);
            continue;
        }
        assert_string_equal(settings.target, cases[i].address);
        assert_int_equal(settings.target_port, cases[i].port);
    }
}

static void test_settings_target_of_any_length_is_bounded(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct host_settings settings = {.target = NULL};
    struct err err = {0};
    char text[5000];

    (void)state;
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(settings_take_target(text, arena, &settings, &err), -1);
    assert_in_range(strlen(err.text), 1, sizeof err.text - 1);
    assert_null(settings.target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_settings_absent_file_leaves_all_to_be_found),
        TEST(test_settings_every_key_is_read),
        TEST(test_settings_given_file_is_read_instead),
        TEST(test_settings_bad_values_are_refused_with_their_line),
        TEST(test_settings_file_that_others_may_write_is_denied),
        TEST(test_settings_link_out_of_the_tree_stays_in_it),
        TEST(test_settings_directory_in_its_place_is_refused),
        cmocka_unit_test(test_settings_target_is_an_address_and_perhaps_a_port),
        cmocka_unit_test(test_settings_target_of_any_length_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
