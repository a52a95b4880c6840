/* A build without libsemanage: what needs it says so, what needs only files still works. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plans/base/file.h"
#include "remediations/host/selinux.h"
#include "remediations/remediation.h"

extern const struct remediation selinux_boolean;
extern const struct remediation selinux_port;

struct fixture {
    char dir[64];
    struct host *host;
    struct arena *arena;
    struct err err;
};

static const char *const folders[] = {"etc",
                                      "etc/selinux",
                                      "etc/selinux/default",
                                      "var",
                                      "var/lib",
                                      "var/lib/selinux",
                                      "var/lib/selinux/default",
                                      "etc/selinux/default/policy",
                                      "var/lib/selinux/default/active"};
static const char *const files[][2] = {
    {"etc/selinux/config", "SELINUXTYPE=default\n"},
    {"etc/selinux/default/policy/policy.33", "policy"},
    {"var/lib/selinux/default/active/policy.kern", "policy"},
    {"var/lib/selinux/default/semanage.trans.LOCK", ""},
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    memcpy(fixture->dir, "/tmp/hamedic-test-XXXXXX", sizeof "/tmp/hamedic-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    fixture->arena = arena_new();
    assert_return_code(host_open(fixture->dir, &fixture->host, &fixture->err), 0);
    for (size_t at = 0; at < sizeof folders / sizeof folders[0]; at++)
        assert_return_code(mkdirat(fixture->host->root, folders[at], 0755), 0);
    for (size_t at = 0; at < sizeof files / sizeof files[0]; at++)
        assert_return_code(
            file_put(fixture->host->root, files[at][0], span_of(files[at][1]), 0644, &fixture->err),
            0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    for (size_t at = 0; at < sizeof files / sizeof files[0]; at++)
        (void)unlinkat(fixture->host->root, files[at][0], 0);
    for (size_t at = sizeof folders / sizeof folders[0]; at-- > 0;)
        (void)unlinkat(fixture->host->root, folders[at], AT_REMOVEDIR);
    host_close(fixture->host);
    (void)rmdir(fixture->dir);
    arena_free(fixture->arena);
    free(fixture);
    return 0;
}

static void test_semanage_open_without_the_library_is_unsupported(void **state)
{
    struct fixture *fixture = *state;
    struct semanage *store = NULL;

    assert_int_equal(semanage_open(fixture->host, &store, &fixture->err), -1);
    assert_int_equal(fixture->err.kind, ERR_UNSUPPORTED);
    assert_string_equal(fixture->err.text, "this hamedic was built without libsemanage");
    assert_int_equal(semanage_repair(fixture->host, NULL, &fixture->err), -1);
    assert_int_equal(fixture->err.kind, ERR_UNSUPPORTED);
}

static void test_semanage_rows_without_the_library_are_unsupported(void **state)
{
    struct fixture *fixture = *state;
    struct haproxy haproxy = {0};
    struct scene scene = {.host = fixture->host, .haproxy = &haproxy};
    struct wish wish = {.address = "selinux.boolean:haproxy_connect_any", .value = "on"};
    struct change change;

    assert_int_equal(selinux_boolean.plan(&scene, &wish, fixture->arena, &change, &fixture->err),
                     -1);
    assert_int_equal(fixture->err.kind, ERR_UNSUPPORTED);
    wish = (struct wish){.address = "selinux.port:tcp/8888", .value = "http_port_t"};
    assert_int_equal(selinux_port.plan(&scene, &wish, fixture->arena, &change, &fixture->err), -1);
    assert_int_equal(fixture->err.kind, ERR_UNSUPPORTED);
}

static void test_semanage_check_without_the_library_tells_a_damaged_store(void **state)
{
    struct fixture *fixture = *state;
    enum semanage_condition condition = SEMANAGE_NONE;

    assert_return_code(semanage_check(fixture->host, fixture->arena, &condition, &fixture->err), 0);
    assert_int_equal(condition, SEMANAGE_SOUND);
    assert_return_code(
        file_put(fixture->host->root, files[1][0], span_of("other"), 0644, &fixture->err), 0);
    assert_return_code(semanage_check(fixture->host, fixture->arena, &condition, &fixture->err), 0);
    assert_int_equal(condition, SEMANAGE_NOT_INSTALLED);
}

static void test_selinux_store_name_without_the_library_is_told(void **state)
{
    struct fixture *fixture = *state;
    const char *name = NULL;

    assert_return_code(selinux_store_name(fixture->host, fixture->arena, &name, &fixture->err), 0);
    assert_string_equal(name, "default");
    assert_int_equal(selinux_mode(fixture->host), SELINUX_OFF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_semanage_open_without_the_library_is_unsupported),
        TEST(test_semanage_rows_without_the_library_are_unsupported),
        TEST(test_semanage_check_without_the_library_tells_a_damaged_store),
        TEST(test_selinux_store_name_without_the_library_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
