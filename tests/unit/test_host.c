#include <errno.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_read_through_dots_beside_a_renamer_succeeds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
