#include "remediations/host/unpack.h"

#include <spawn.h>
#include <sys/wait.h>

#include "tests/unit/scratch.h"

extern char **environ;

enum { LINES = 20000, STEP = 5000 };

struct packed {
    struct scratch scratch;
    struct span text;
};

/* Some 1.2 MiB that do not repeat too well. */
static struct span make_text(struct arena *arena)
{
    char *bytes = arena_alloc(arena, (size_t)LINES * 80);
    size_t len = 0;

    for (unsigned i = 0; i < LINES; i++)
        len += (size_t)snprintf(bytes + len, 80, "line %u of a log, with some noise %08x\n", i,
                                i * 2654435761u);
    return (struct span){bytes, len};
}

static void pack(const struct packed *packed, const char *name, const char *const *command)
{
    posix_spawn_file_actions_t actions;
    char path[512];
    int status;
    pid_t pid;

    (void)snprintf(path, sizeof path, "%s/%s", packed->scratch.path, name);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(
        posix_spawn_file_actions_addopen(&actions, 1, path, O_WRONLY | O_CREAT | O_APPEND, 0644),
        0);
    union {
        const char *const *in;
        char *const *out;
    } arguments = {.in = command};
    assert_int_equal(posix_spawnp(&pid, command[0], &actions, NULL, arguments.out, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    (void)posix_spawn_file_actions_destroy(&actions);
}

#define PACK(packed, name, ...) pack(packed, name, (const char *const[]){__VA_ARGS__, NULL})

static int setup(void **state)
{
    static struct packed packed;
    char path[512];

    scratch_open(&packed.scratch);
    packed.text = make_text(packed.scratch.arena);
    scratch_write(&packed.scratch, "plain", packed.text.ptr);
    (void)snprintf(path, sizeof path, "%s/plain", packed.scratch.path);
    PACK(&packed, "gz", "gzip", "-c", path);
    PACK(&packed, "zst", "zstd", "-q", "-c", path);
    PACK(&packed, "xz", "xz", "-c", path);
    *state = &packed;
    return 0;
}

static int teardown(void **state)
{
    struct packed *packed = *state;

    scratch_close(&packed->scratch);
    return 0;
}

/* All that comes out, in pieces of an odd size; *err tells how it ended. */
static struct span unpack_all(const struct packed *packed, const char *name, struct err *err)
{
    char *bytes = arena_alloc(packed->scratch.arena, packed->text.len * 3);
    struct unpack *unpack CLEANUP_UNPACK = NULL;
    size_t len = 0, got = 1;
    int fd CLEANUP_FD = -1;

    *err = (struct err){0};
    assert_int_equal(file_open(packed->scratch.dir, name, &fd, err), 0);
    if (unpack_open(fd, name, &unpack, err) < 0)
        return (struct span){bytes, 0};
    while (got > 0) {
        assert_true(len + STEP <= packed->text.len * 3);
        if (unpack_read(unpack, bytes + len, STEP, &got, err) < 0) {
            struct err again = {0};
            assert_int_equal(unpack_read(unpack, bytes + len, STEP, &got, &again), -1);
            assert_string_equal(again.text, err->text);
            break;
        }
        len += got;
    }
    return (struct span){bytes, len};
}

static void put_bytes(const struct packed *packed, const char *name, struct span bytes)
{
    struct err err = {0};

    assert_int_equal(file_put(packed->scratch.dir, name, bytes, 0644, &err), 0);
}

static struct span get_bytes(const struct packed *packed, const char *name)
{
    struct err err = {0};
    struct span bytes;

    assert_int_equal(
        file_read(packed->scratch.dir, name, 1 << 24, packed->scratch.arena, &bytes, &err), 0);
    return bytes;
}

static const char *const names[] = {"gz", "zst", "xz"};
enum { NAMES = 3 };

static void test_unpack_each_kind_gives_what_was_packed(void **state)
{
    const struct packed *packed = *state;
    struct err err;

    for (size_t i = 0; i < NAMES; i++) {
        /* The name says nothing: it is the same bytes under another. */
        put_bytes(packed, "other.log", get_bytes(packed, names[i]));
        assert_true(span_equal(unpack_all(packed, "other.log", &err), packed->text));
        assert_int_equal(err.kind, ERR_NONE);
    }
    assert_true(span_equal(unpack_all(packed, "plain", &err), packed->text));
    put_bytes(packed, "empty", (struct span){"", 0});
    assert_int_equal(unpack_all(packed, "empty", &err).len, 0);
    assert_int_equal(err.kind, ERR_NONE);
}

static void test_unpack_members_that_follow_give_one_stream(void **state)
{
    const struct packed *packed = *state;
    struct err err;

    for (size_t i = 0; i < NAMES; i++) {
        struct span one = get_bytes(packed, names[i]);
        char *two = arena_alloc(packed->scratch.arena, one.len * 2);
        memcpy(two, one.ptr, one.len);
        memcpy(two + one.len, one.ptr, one.len);
        put_bytes(packed, "two", (struct span){two, one.len * 2});
        struct span all = unpack_all(packed, "two", &err);
        assert_int_equal(err.kind, ERR_NONE);
        assert_int_equal(all.len, packed->text.len * 2);
        assert_memory_equal(all.ptr + packed->text.len, packed->text.ptr, packed->text.len);
    }
}

static void test_unpack_truncated_says_where_after_what_came_before(void **state)
{
    const struct packed *packed = *state;
    struct err err;

    for (size_t i = 0; i < NAMES; i++) {
        struct span whole = get_bytes(packed, names[i]);
        put_bytes(packed, "cut", (struct span){whole.ptr, whole.len - whole.len / 3});
        struct span some = unpack_all(packed, "cut", &err);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_non_null(strstr(err.text, "it ends in the middle"));
        assert_non_null(strstr(err.text, arena_printf(packed->scratch.arena, "at byte %zu",
                                                      whole.len - whole.len / 3)));
        assert_true(some.len > 0 && some.len < packed->text.len);
        assert_memory_equal(some.ptr, packed->text.ptr, some.len);
    }
}

/* Each byte in turn would take long: some forty of them. */
static void test_unpack_damaged_never_gives_other_bytes_and_no_error(void **state)
{
    const struct packed *packed = *state;
    struct err err;

    for (size_t i = 0; i < NAMES; i++) {
        struct span whole = get_bytes(packed, names[i]);
        char *bytes = arena_copy(packed->scratch.arena, whole.ptr, whole.len);
        size_t told = 0, tried = 0;
        for (size_t at = 10; at < whole.len; at += whole.len / 40, tried++) {
            bytes[at] = (char)(bytes[at] ^ 0x55);
            put_bytes(packed, "bad", (struct span){bytes, whole.len});
            struct span some = unpack_all(packed, "bad", &err);
            told += err.kind != ERR_NONE;
            if (err.kind == ERR_NONE)
                assert_true(span_equal(some, packed->text));
            bytes[at] = (char)(bytes[at] ^ 0x55);
        }
        /* zstd(1) adds a checksum; gzip and xz always have one. */
        assert_true(told + 1 >= tried);
    }
}

static void test_unpack_what_follows_that_is_no_member_is_told(void **state)
{
    const struct packed *packed = *state;
    struct err err;

    for (size_t i = 0; i < NAMES; i++) {
        struct span whole = get_bytes(packed, names[i]);
        char *bytes = arena_alloc(packed->scratch.arena, whole.len + 100);
        memcpy(bytes, whole.ptr, whole.len);
        memset(bytes + whole.len, 'x', 100);
        put_bytes(packed, "more", (struct span){bytes, whole.len + 100});
        assert_true(span_equal(unpack_all(packed, "more", &err), packed->text));
        assert_int_equal(err.kind, ERR_INPUT);
    }
    /* Zeros behind gzip's last member are padding. */
    struct span whole = get_bytes(packed, "gz");
    char *bytes = arena_alloc(packed->scratch.arena, whole.len + 1000);
    memcpy(bytes, whole.ptr, whole.len);
    put_bytes(packed, "padded", (struct span){bytes, whole.len + 1000});
    assert_true(span_equal(unpack_all(packed, "padded", &err), packed->text));
    assert_int_equal(err.kind, ERR_NONE);
}

/* Zeros, packed: 1.2 GiB in some 40 KiB of zstd. */
static void test_unpack_bomb_ends_at_the_bound(void **state)
{
    static char buffer[1 << 20];
    const struct packed *packed = *state;
    struct unpack *unpack CLEANUP_UNPACK = NULL;
    struct err err = {0};
    uint64_t all = 0;
    char path[512];
    size_t got = 1;
    int fd CLEANUP_FD = -1;

    (void)snprintf(path, sizeof path, "%s/zeros", packed->scratch.path);
    int zeros CLEANUP_FD = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(ftruncate(zeros, ((off_t)5 << 30) / 4), 0);
    PACK(packed, "bomb", "zstd", "-q", "-c", path);
    assert_int_equal(file_open(packed->scratch.dir, "bomb", &fd, &err), 0);
    assert_int_equal(unpack_open(fd, "bomb", &unpack, &err), 0);
    assert_int_equal(unpack_kind(unpack), UNPACK_ZSTD);
    while (unpack_read(unpack, buffer, sizeof buffer, &got, &err) == 0 && got > 0)
        all += got;
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.text, "250 times its size"));
    assert_true(all >= UNPACK_FREE_MAX && all < UNPACK_FREE_MAX + ((uint64_t)64 << 20));
}

/* A frame whose header asks for a window of 1 GiB. */
static void test_unpack_window_beyond_the_bound_is_refused(void **state)
{
    static const char frame[] = {0x28,       (char)0xb5, 0x2f, (char)0xfd, 0x00,
                                 (char)0xa0, 0x01,       0x00, 0x00};
    const struct packed *packed = *state;
    struct err err;

    put_bytes(packed, "wide", (struct span){frame, sizeof frame});
    assert_int_equal(unpack_all(packed, "wide", &err).len, 0);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.text, "memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unpack_each_kind_gives_what_was_packed),
        cmocka_unit_test(test_unpack_members_that_follow_give_one_stream),
        cmocka_unit_test(test_unpack_truncated_says_where_after_what_came_before),
        cmocka_unit_test(test_unpack_damaged_never_gives_other_bytes_and_no_error),
        cmocka_unit_test(test_unpack_what_follows_that_is_no_member_is_told),
        cmocka_unit_test(test_unpack_bomb_ends_at_the_bound),
        cmocka_unit_test(test_unpack_window_beyond_the_bound_is_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
