#include "agent/logs/files.h"

#include <errno.h>
#include <time.h>

#include "agent/logs/clock.h"
#include "plans/base/text.h"
#include "tests/unit/scratch.h"

static void test_log_files_is_rotated_knows_the_names_of_logrotate(void **state)
{
    static const char *const yes[] = {
        "haproxy.log.1",          "haproxy.log.2.gz",          "haproxy.log.14.zst",
        "haproxy.log.3.xz",       "haproxy.log-20261128",      "haproxy.log-20261128.gz",
        "haproxy.log-2026112810", "haproxy.log.2026-11-28.gz", "haproxy.log-20261128-1795846372.xz",
        "haproxy.1.log",          "haproxy-20261128.log",      "haproxy-20261128.log.gz",
    };
    static const char *const no[] = {
        "haproxy.log",    "haproxy.log.gz",    "haproxy.log.old",      "haproxy.log.1.bak",
        "haproxy-2.log",  "haproxy-admin.log", "haproxy.log.",         "haproxy.log~",
        "xhaproxy.log.1", "haproxy.logx",      "haproxy.log.1.gz.tmp", "haproxy.log.swp",
        "aproxy.log.1",   "haproxy",
    };

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        if (!log_files_is_rotated("haproxy.log", yes[i]))
            fail_msg("%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        if (log_files_is_rotated("haproxy.log", no[i]))
            fail_msg("%s", no[i]);
    assert_true(log_files_is_rotated("haproxy", "haproxy.1"));
}

/* ---- a folder of logs: each is said to have been written `ago` hours ago ---- */

struct folder {
    struct scratch scratch;
    int64_t now;
};

static void put(const struct folder *folder, const char *name, int ago)
{
    struct timespec times[2] = {{folder->now - (time_t)ago * 3600, 0},
                                {folder->now - (time_t)ago * 3600, 0}};

    scratch_write(&folder->scratch, name, name);
    assert_int_equal(utimensat(folder->scratch.dir, name, times, 0), 0);
}

static int setup(void **state)
{
    static struct folder folder;

    scratch_open(&folder.scratch);
    folder.now = (int64_t)time(NULL);
    put(&folder, "haproxy.log", 0);
    put(&folder, "haproxy.log.1", 10);
    put(&folder, "haproxy.log.2.gz", 34);
    put(&folder, "haproxy.log-20261101.xz", 58);
    put(&folder, "haproxy-2.log", 1);
    put(&folder, "other.log", 1);
    *state = &folder;
    return 0;
}

static int teardown(void **state)
{
    struct folder *folder = *state;

    scratch_close(&folder->scratch);
    return 0;
}

static const char *path_of(const struct folder *folder, const char *name)
{
    return arena_printf(folder->scratch.arena, "%s/%s", folder->scratch.path, name);
}

static int64_t hours_ago(const struct folder *folder, int hours)
{
    return (folder->now - (int64_t)hours * 3600) * 1000;
}

/* The names in the order in which they were opened, parted by blanks. */
static const char *opened(const struct folder *folder, const struct log_files *files)
{
    struct text text = text_new(folder->scratch.arena);

    for (size_t i = 0; i < files->count; i++)
        text_addf(&text, "%s%s", i == 0 ? "" : " ",
                  files->at[i].name + strlen(folder->scratch.path) + 1);
    return text_string(&text);
}

static void test_log_files_open_goes_back_as_far_as_since(void **state)
{
    static const struct {
        int hours;
        const char *names;
        size_t unread;
    } cases[] = {
        {0, "haproxy.log", 3},
        {5, "haproxy.log", 3},
        {12, "haproxy.log haproxy.log.1", 2},
        {40, "haproxy.log haproxy.log.1 haproxy.log.2.gz", 1},
        {1000, "haproxy.log haproxy.log.1 haproxy.log.2.gz haproxy.log-20261101.xz", 0},
    };
    const struct folder *folder = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct log_files files CLEANUP_LOG_FILES = {0};
        struct err err = {0};
        int64_t since = cases[i].hours == 0 ? LOG_NO_TIME : hours_ago(folder, cases[i].hours);
        assert_int_equal(log_files_open(NULL, path_of(folder, "haproxy.log"), since,
                                        folder->scratch.arena, &files, &err),
                         0);
        assert_string_equal(opened(folder, &files), cases[i].names);
        assert_int_equal(files.unread, cases[i].unread);
        assert_int_equal(files.notes.count, 0);
    }
}

static void test_log_files_open_takes_each_file_once(void **state)
{
    static const char *const names[] = {"haproxy.log.1", "haproxy.log", "haproxy.log.2.gz"};
    const struct folder *folder = *state;
    struct log_files files CLEANUP_LOG_FILES = {0};
    struct err err = {0};

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(log_files_open(NULL, path_of(folder, names[i]), hours_ago(folder, 1000),
                                        folder->scratch.arena, &files, &err),
                         0);
    assert_int_equal(files.count, 4);
}

static void test_log_files_open_of_a_rotated_away_log_is_its_rotated_ones(void **state)
{
    const struct folder *folder = *state;
    struct log_files files CLEANUP_LOG_FILES = {0};
    struct err err = {0};

    assert_int_equal(unlinkat(folder->scratch.dir, "haproxy.log", 0), 0);
    assert_int_equal(log_files_open(NULL, path_of(folder, "haproxy.log"), hours_ago(folder, 20),
                                    folder->scratch.arena, &files, &err),
                     0);
    assert_string_equal(opened(folder, &files), "haproxy.log.1");
    assert_int_equal(log_files_open(NULL, path_of(folder, "haproxy.log"), LOG_NO_TIME,
                                    folder->scratch.arena, &files, &err),
                     -1);
    assert_int_equal(err.sys, ENOENT);
}

static void test_log_files_open_waits_for_nothing_and_opens_files_only(void **state)
{
    const struct folder *folder = *state;
    struct log_files files CLEANUP_LOG_FILES = {0};
    struct err err = {0};

    assert_int_equal(mkfifoat(folder->scratch.dir, "pipe.log", 0600), 0);
    assert_int_equal(mkdirat(folder->scratch.dir, "dir.log", 0700), 0);
    assert_int_equal(log_files_open(NULL, path_of(folder, "pipe.log"), LOG_NO_TIME,
                                    folder->scratch.arena, &files, &err),
                     -1);
    assert_non_null(strstr(err.text, "a named pipe"));
    assert_int_equal(log_files_open(NULL, path_of(folder, "dir.log"), LOG_NO_TIME,
                                    folder->scratch.arena, &files, &err),
                     -1);
    assert_non_null(strstr(err.text, "a directory"));
    /* Among the rotated ones they are passed over, and said. */
    assert_int_equal(mkfifoat(folder->scratch.dir, "haproxy.log.4", 0600), 0);
    assert_int_equal(symlinkat("/etc/shadow", folder->scratch.dir, "haproxy.log.5"), 0);
    assert_int_equal(log_files_open(NULL, path_of(folder, "haproxy.log"), hours_ago(folder, 1),
                                    folder->scratch.arena, &files, &err),
                     0);
    assert_string_equal(opened(folder, &files), "haproxy.log");
    assert_int_equal(files.notes.count, 2);
}

static void test_log_files_open_follows_a_link_of_our_own_only(void **state)
{
    const struct folder *folder = *state;
    struct log_files files CLEANUP_LOG_FILES = {0};
    struct err err = {0};

    assert_int_equal(mkdirat(folder->scratch.dir, "links", 0700), 0);
    assert_int_equal(symlinkat("../haproxy.log", folder->scratch.dir, "links/here.log"), 0);
    assert_int_equal(log_files_open(NULL, path_of(folder, "links/here.log"), hours_ago(folder, 12),
                                    folder->scratch.arena, &files, &err),
                     0);
    assert_int_equal(files.count, 2); /* with what it was rotated to, where it really stands */
    if (geteuid() != 0)
        return;
    assert_int_equal(
        fchownat(folder->scratch.dir, "links/here.log", 1000, 1000, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(log_files_open(NULL, path_of(folder, "links/here.log"), LOG_NO_TIME,
                                    folder->scratch.arena, &files, &err),
                     -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.text, "a link of uid 1000"));
}

/* ---- where a host's logs stand ---- */

static const char *found(const struct folder *folder, const struct host *host)
{
    struct text text = text_new(folder->scratch.arena);
    struct strings paths = {0};
    struct err err = {0};

    assert_int_equal(log_files_find(host, folder->scratch.arena, &paths, &err), 0);
    for (size_t i = 0; i < paths.count; i++)
        text_addf(&text, "%s ", paths.at[i]);
    return text_string(&text);
}

static void test_log_files_find_in_a_tree(void **state)
{
    const struct folder *folder = *state;
    struct host *host CLEANUP_HOST = NULL;
    struct log_files files CLEANUP_LOG_FILES = {0};
    struct err err = {0};

    assert_int_equal(mkdirat(folder->scratch.dir, "var", 0755), 0);
    assert_int_equal(mkdirat(folder->scratch.dir, "var/log", 0755), 0);
    assert_int_equal(host_open(folder->scratch.path, &host, &err), 0);
    assert_string_equal(found(folder, host), "");
    scratch_write(&folder->scratch, "var/log/haproxy.log", "x");
    scratch_write(&folder->scratch, "var/log/haproxy.log.1", "x");
    assert_int_equal(mkdirat(folder->scratch.dir, "var/log/haproxy", 0755), 0);
    scratch_write(&folder->scratch, "var/log/haproxy/a.log", "x");
    scratch_write(&folder->scratch, "var/log/haproxy/a-20261128.log", "x");
    scratch_write(&folder->scratch, "var/log/haproxy/b.txt", "x");
    assert_string_equal(found(folder, host), "/var/log/haproxy.log /var/log/haproxy/a.log ");
    /* A link cannot lead out of the tree. */
    assert_int_equal(symlinkat("/etc/passwd", folder->scratch.dir, "var/log/haproxy/c.log"), 0);
    assert_int_equal(log_files_open(host, "/var/log/haproxy/c.log", LOG_NO_TIME,
                                    folder->scratch.arena, &files, &err),
                     -1);
    assert_int_equal(log_files_open(host, "/var/log/haproxy.log", hours_ago(folder, 1),
                                    folder->scratch.arena, &files, &err),
                     0);
    assert_int_equal(files.count, 2);

    strings_add(&host->settings.logs, folder->scratch.arena, "/srv/lb.log");
    assert_string_equal(found(folder, host), "/srv/lb.log ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_files_is_rotated_knows_the_names_of_logrotate),
        cmocka_unit_test_setup_teardown(test_log_files_open_goes_back_as_far_as_since, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_log_files_open_takes_each_file_once, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_log_files_open_of_a_rotated_away_log_is_its_rotated_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_files_open_waits_for_nothing_and_opens_files_only,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_files_open_follows_a_link_of_our_own_only, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_log_files_find_in_a_tree, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
