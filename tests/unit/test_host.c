#include <errno.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "remediations/host/host.h"
#include "tests/unit/scratch.h"

enum { READS = 3000, RAW_TRIES = 500000 };

struct renamer {
    const struct scratch *scratch;
    atomic_bool stop;
};

/* Renames somewhere else on the machine: what makes the kernel give ".." up with EAGAIN. */
static void *rename_on(void *argument)
{
    struct renamer *renamer = argument;

    while (!atomic_load(&renamer->stop)) {
        (void)renameat(renamer->scratch->dir, "a", renamer->scratch->dir, "b");
        (void)renameat(renamer->scratch->dir, "b", renamer->scratch->dir, "a");
    }
    return NULL;
}

static bool kernel_gives_up(const struct host *host)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};

    for (int i = 0; i < RAW_TRIES; i++) {
        int fd =
            (int)syscall(SYS_openat2, host->root, "/etc/sysctl.d/99-sysctl.conf", &how, sizeof how);
        if (fd < 0)
            return errno == EAGAIN;
        (void)close(fd);
    }
    return false;
}

static void test_host_read_through_dots_beside_a_renamer_succeeds(void **state)
{
    struct scratch scratch;
    struct renamer renamer = {.scratch = &scratch};
    struct host *host = NULL;
    struct err err = {0};
    pthread_t thread;

    (void)state;
    scratch_open(&scratch);
    scratch_write(&scratch, "a", "");
    assert_int_equal(mkdirat(scratch.dir, "root", 0755), 0);
    assert_int_equal(mkdirat(scratch.dir, "root/etc", 0755), 0);
    assert_int_equal(mkdirat(scratch.dir, "root/etc/sysctl.d", 0755), 0);
    scratch_write(&scratch, "root/etc/sysctl.conf", "x = 1\n");
    assert_int_equal(symlinkat("../sysctl.conf", scratch.dir, "root/etc/sysctl.d/99-sysctl.conf"),
                     0);
    assert_int_equal(host_open(arena_printf(scratch.arena, "%s/root", scratch.path), &host, &err),
                     0);
    assert_int_equal(pthread_create(&thread, NULL, rename_on, &renamer), 0);
    bool seen = kernel_gives_up(host);
    int failed = 0;
    for (int i = 0; i < READS; i++) {
        struct arena *arena = arena_new();
        struct span bytes;
        bool exists;
        failed +=
            host_read(host, "/etc/sysctl.d/99-sysctl.conf", 4096, arena, &exists, &bytes, &err) < 0;
        arena_free(arena);
    }
    atomic_store(&renamer.stop, true);
    (void)pthread_join(thread, NULL);
    host_close(host);
    scratch_close(&scratch);
    assert_true(seen); /* what the test is about really happened */
    assert_int_equal(failed, 0);
}

/* user::rwx, user:1:PERMISSIONS, group::r-x, mask::rwx, other::r-x (linux/posix_acl_xattr.h) */
static void let_user_one(int dir, unsigned char permissions)
{
    const unsigned char acl[] = {
        2,  0, 0,           0,                     /* version */
        1,  0, 7,           0, 255, 255, 255, 255, /* user:: */
        2,  0, permissions, 0, 1,   0,   0,   0,   /* user:1: */
        4,  0, 5,           0, 255, 255, 255, 255, /* group:: */
        16, 0, 7,           0, 255, 255, 255, 255, /* mask:: */
        32, 0, 5,           0, 255, 255, 255, 255, /* other:: */
    };

    assert_int_equal(fsetxattr(dir, "system.posix_acl_access", acl, sizeof acl, 0), 0);
}

/* The mode is the same 0775 for both, and the group is root's. */
static void test_host_open_parent_an_access_list_that_lets_others_write_is_refused(void **state)
{
    struct scratch scratch;
    struct host *host = NULL;
    struct err err = {0};
    const char *name;

    (void)state;
    scratch_open(&scratch);
    assert_int_equal(mkdirat(scratch.dir, "etc", 0755), 0);
    int etc = openat(scratch.dir, "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(host_open(scratch.path, &host, &err), 0);
    int dir = -1;
    let_user_one(etc, 5);
    assert_int_equal(host_open_parent(host, "/etc/x", false, &dir, &name, &err), 0);
    assert_int_equal(close(dir), 0);
    let_user_one(etc, 7);
    assert_int_equal(host_open_parent(host, "/etc/x", false, &dir, &name, &err), -1);
    assert_int_equal(err.kind, ERR_DENIED);
    assert_string_equal(err.text,
                        "directory '/etc' may be written by others than root (its access list)");
    assert_int_equal(close(etc), 0);
    host_close(host);
    scratch_close(&scratch);
}

static void test_host_open_parent_below_a_root_that_others_may_write_is_refused(void **state)
{
    struct scratch scratch;
    struct host *host = NULL;
    struct err err = {0};
    const char *name;
    int dir = -1;

    (void)state;
    scratch_open(&scratch);
    assert_int_equal(host_open(scratch.path, &host, &err), 0);
    assert_int_equal(fchmod(scratch.dir, 01777), 0);
    assert_int_equal(host_open_parent(host, "/x", false, &dir, &name, &err), -1);
    assert_int_equal(err.kind, ERR_DENIED);
    host_close(host);
    scratch_close(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_read_through_dots_beside_a_renamer_succeeds),
        cmocka_unit_test(test_host_open_parent_an_access_list_that_lets_others_write_is_refused),
        cmocka_unit_test(test_host_open_parent_below_a_root_that_others_may_write_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
