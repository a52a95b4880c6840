#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "plans/base/digest.h"
#include "plans/base/err.h"
#include "plans/base/escape.h"
#include "plans/base/file.h"
#include "plans/base/text.h"
#include "tests/unit/cmocka_all.h"

/* ---- err ---- */

static void test_err_foreign_bytes_are_escaped(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(err_set(&err, ERR_INPUT, "cannot read '%s'", "a\n\x1b[2J\xff"), -1);
    assert_string_equal(err.text, "cannot read 'a\\x0a\\x1b[2J\\xff'");
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(err.sys, 0);
}

static void test_err_system_error_is_named_and_wrapped(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(err_sys(&err, ENOSPC, "cannot write '%s'", "x"), -1);
    assert_int_equal(err_wrap(&err, "cannot stage '%s'", "y"), -1);
    assert_string_equal(err.text, "cannot stage 'y': cannot write 'x': No space left on device");
    assert_int_equal(err.kind, ERR_SYS);
    assert_int_equal(err.sys, ENOSPC);
}

static void test_err_too_long_text_is_cut_and_says_so(void **state)
{
    char long_text[2 * ERR_TEXT_SIZE];
    struct err err = {0};

    (void)state;
    memset(long_text, '\x01', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    (void)err_set(&err, ERR_BUG, "%s", long_text);
    size_t len = strlen(err.text);
    assert_in_range(len, ERR_TEXT_SIZE / 2, ERR_TEXT_SIZE - 1);
    assert_string_equal(err.text + len - 7, "\\x01...");
}

/* ---- arena ---- */

static void check_memory(struct arena *arena)
{
    for (size_t size = 0; size < 600000; size = size * 2 + 7) {
        unsigned char *first = arena_alloc(arena, size), *second = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)first % 16, 0);
        assert_int_equal((uintptr_t)second % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(first[i] | second[i], 0);
        memset(first, 0xaa, size);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(second[i], 0);
        memset(second, 0xbb, size);
    }
}

static void test_arena_memory_is_zeroed_aligned_and_apart(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();

    (void)state;
    check_memory(arena);
}

static void test_arena_huge_memory_is_the_same_and_goes_where_it_is_adopted(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new(), *huge = arena_new_huge();

    (void)state;
    char *kept = arena_string(huge, "kept");
    for (int i = 0; i < 4; i++) /* more than one page's */
        check_memory(huge);
    arena_adopt(arena, huge);
    check_memory(arena);
    assert_string_equal(kept, "kept");
}

static void test_arena_shared_lives_until_its_last_owner_frees_it(void **state)
{
    struct arena *arena = arena_new();
    struct arena *other = arena_share(arena);

    (void)state;
    char *kept = arena_string(arena, "kept");
    arena_free(arena);
    check_memory(other);
    assert_string_equal(kept, "kept");
    arena_free(other);
}

static void test_arena_huge_piece_is_zeroed_and_apart(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    size_t size = (size_t)5 * 1024 * 1024 + 1;

    (void)state;
    unsigned char *piece = arena_alloc_huge(arena, size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(piece[i], 0);
    memset(piece, 0xff, size);
    check_memory(arena);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(piece[i], 0xff);
}

static void test_arena_pushed_elements_stay_in_order(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    size_t *numbers = NULL, count = 0;

    (void)state;
    for (size_t i = 0; i < 5000; i++)
        ARENA_PUSH(arena, numbers, count) = i * 3;
    assert_int_equal(count, 5000);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(numbers[i], i * 3);
}

static void exhausted_ends_with_7(void)
{
    _exit(7);
}

static void test_arena_exhausted_memory_ends_in_the_handler(void **state)
{
    int status;

    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct arena *arena = arena_new();
        arena_on_exhausted(exhausted_ends_with_7);
        (void)arena_alloc(arena, SIZE_MAX - 8);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

/* ---- span ---- */

static void test_span_numbers_are_bounded_digits(void **state)
{
    static const char *const wrong[] = {
        "", "-1", "+1", " 1", "1 ", "0x10", "1.0", "18446744073709551616", "1e3", "99", "0"};
    uint64_t value = 42;
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (span_to_u64(span_of(wrong[i]), "port", 1, 98, &value, &err) == 0)
            fail_msg("accepted: '%s'", wrong[i]);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_int_equal(value, 42);
    }
    assert_string_equal(err.text, "port '0': expected a whole number from 1 to 98");
    assert_int_equal(span_to_u64((struct span){"1\0002", 3}, "port", 0, 9, &value, &err), -1);
    assert_int_equal(span_to_u64((struct span){NULL, 0}, "port", 0, 9, &value, &err), -1);
    assert_int_equal(span_to_u64(span_of("98"), "port", 1, 98, &value, &err), 0);
    assert_int_equal(value, 98);
    assert_true(span_scan_u64(span_of("18446744073709551615"), &value));
    assert_true(value == UINT64_MAX);
}

static void test_span_signed_numbers(void **state)
{
    int64_t value = 42;

    (void)state;
    assert_true(span_scan_i64(span_of("-9223372036854775807"), &value));
    assert_true(value == -INT64_MAX);
    assert_true(span_scan_i64(span_of("9223372036854775807"), &value));
    assert_true(value == INT64_MAX);
    value = 42;
    assert_false(span_scan_i64(span_of("9223372036854775808"), &value));
    assert_false(span_scan_i64(span_of("--1"), &value));
    assert_false(span_scan_i64(span_of("-"), &value));
    assert_int_equal(value, 42);
}

static void test_span_cut_lines_and_trim(void **state)
{
    struct span rest = span_of("a=b=c"), line;

    (void)state;
    assert_true(span_is(span_cut(&rest, '='), "a"));
    assert_true(span_is(span_cut(&rest, '='), "b"));
    assert_true(span_is(span_cut(&rest, '='), "c"));
    assert_int_equal(rest.len, 0);
    assert_int_equal(span_cut(&rest, '=').len, 0);
    rest = span_of("one\n\nthree");
    assert_true(span_next_line(&rest, &line) && span_is(line, "one"));
    assert_true(span_next_line(&rest, &line) && span_is(line, ""));
    assert_true(span_next_line(&rest, &line) && span_is(line, "three"));
    assert_false(span_next_line(&rest, &line));
    assert_true(span_is(span_trim(span_of(" \t x y\r\n")), "x y"));
    assert_int_equal(span_trim(span_of(" \n")).len, 0);
    assert_true(span_starts_with(span_of("abc"), "ab"));
    assert_false(span_starts_with(span_of("a"), "ab"));
    assert_true(span_ends_with(span_of("abc"), "bc"));
    assert_false(span_ends_with(span_of("c"), "bc"));
}

/* ---- text, escape ---- */

static void test_text_grows_over_any_length(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct text text = text_new(arena);

    (void)state;
    assert_string_equal(text_string(&text), "");
    for (int i = 0; i < 3000; i++)
        text_addf(&text, "%d,", i % 10);
    assert_int_equal(text_span(&text).len, 6000);
    assert_memory_equal(text_string(&text), "0,1,2,3,4,5,6,7,8,9,0,", 22);
    assert_string_equal(text_string(&text) + 5996, "8,9,");
    text_add_span(&text, (struct span){NULL, 0});
    text_add_span(&text, (struct span){"\0x", 2});
    assert_int_equal(text_span(&text).len, 6002);
}

static void test_escape_two_inputs_never_look_alike(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();

    (void)state;
    assert_string_equal(escape_string(arena, "a\\x1b"), "a\\\\x1b");
    assert_string_equal(escape_string(arena, "a\x1b"), "a\\x1b");
    assert_string_equal(escape_span(arena, (struct span){"\0\n\t\x7f\x80~ ", 7}, 100),
                        "\\x00\\x0a\\t\\x7f\\x80~ ");
    assert_string_equal(escape_span(arena, span_of("abcdef"), 4), "abcd... (2 more bytes)");
    assert_true(escape_is_plain(span_of("a b~")));
    assert_false(escape_is_plain(span_of("a\nb")));
    assert_false(escape_is_plain(span_of("\x7f")));
    assert_false(escape_is_plain((struct span){"a\0b", 3}));
}

/* ---- digest ---- */

static void test_digest_is_blake2b_256(void **state)
{
    struct digest empty = digest_bytes((struct span){NULL, 0});
    struct digest abc = digest_bytes(span_of("abc"));

    (void)state;
    /* As `b2sum -l 256` gives them. */
    assert_string_equal(empty.hex,
                        "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    assert_string_equal(abc.hex,
                        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    assert_true(digest_equal(&abc, &abc));
    assert_false(digest_equal(&abc, &empty));
    struct digest keyed = digest_keyed(span_of("key"), span_of("abc"));
    assert_false(digest_equal(&abc, &keyed));
}

static void test_digest_random_hex_differs_each_time(void **state)
{
    char one[33], two[33];
    struct err err = {0};

    (void)state;
    assert_int_equal(digest_random_hex(16, one, &err), 0);
    assert_int_equal(digest_random_hex(16, two, &err), 0);
    assert_int_equal(strlen(one), 32);
    assert_int_equal(strspn(one, "0123456789abcdef"), 32);
    assert_string_not_equal(one, two);
}

/* ---- file ---- */

struct folder {
    struct arena *arena;
    int dir;
    char path[64];
};

static int open_folder(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);

    assert_non_null(folder);
    (void)snprintf(folder->path, sizeof folder->path, "/tmp/hamedic-base-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    folder->dir = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder->dir >= 0);
    folder->arena = arena_new();
    *state = folder;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static int close_folder(void **state)
{
    struct folder *folder = *state;
    int result = nftw(folder->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);

    (void)close(folder->dir);
    arena_free(folder->arena);
    free(folder);
    return result;
}

static size_t entries;
static int count_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)path;
    (void)st;
    (void)type;
    entries += where->level > 0 ? 1 : 0;
    return 0;
}

static void assert_entries(const struct folder *folder, size_t expected)
{
    entries = 0;
    assert_int_equal(nftw(folder->path, count_entry, 8, FTW_PHYS), 0);
    assert_int_equal(entries, expected);
}

static void assert_holds(const struct folder *folder, const char *name, const char *expected)
{
    struct span bytes = {0};
    struct err err = {0};

    if (file_read(folder->dir, name, 1000, folder->arena, &bytes, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(bytes.ptr, expected);
}

static void test_file_create_makes_a_new_one_and_never_overwrites(void **state)
{
    const struct folder *folder = *state;
    struct err err = {0};
    struct stat st;

    assert_int_equal(file_create(folder->dir, "key", span_of("first"), 0600, &err), 0);
    assert_int_equal(fstatat(folder->dir, "key", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(file_create(folder->dir, "key", span_of("second"), 0600, &err), -1);
    assert_int_equal(err.sys, EEXIST);
    assert_holds(folder, "key", "first");
    assert_entries(folder, 1);
}

static void test_file_create_does_not_write_through_a_link(void **state)
{
    const struct folder *folder = *state;
    struct err err = {0};

    assert_int_equal(symlinkat("victim", folder->dir, "key"), 0);
    assert_int_equal(file_create(folder->dir, "key", span_of("x"), 0600, &err), -1);
    assert_int_equal(err.sys, EEXIST);
    assert_int_equal(faccessat(folder->dir, "victim", F_OK, 0), -1);
    assert_entries(folder, 1);
}

static void test_file_put_takes_the_place_of_what_was_there(void **state)
{
    const struct folder *folder = *state;
    struct err err = {0};
    struct stat st;

    assert_int_equal(file_create(folder->dir, "victim", span_of("old"), 0600, &err), 0);
    assert_int_equal(symlinkat("victim", folder->dir, "f"), 0);
    assert_int_equal(file_put(folder->dir, "f", span_of("new"), 0644, &err), 0);
    assert_holds(folder, "f", "new");
    assert_holds(folder, "victim", "old");
    assert_int_equal(fstatat(folder->dir, "f", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_entries(folder, 2);
}

static void test_file_put_into_a_folder_below(void **state)
{
    const struct folder *folder = *state;
    struct err err = {0};

    assert_int_equal(file_put(folder->dir, "no/f", span_of("x"), 0644, &err), -1);
    assert_int_equal(err.sys, ENOENT);
    assert_int_equal(mkdirat(folder->dir, "sub", 0755), 0);
    assert_int_equal(file_put(folder->dir, "sub/f", span_of("x"), 0644, &err), 0);
    assert_holds(folder, "sub/f", "x");
    assert_entries(folder, 2);
}

static void test_file_put_that_fails_leaves_no_trace(void **state)
{
    const struct folder *folder = *state;
    struct rlimit before, small = {10, 10};
    struct err err = {0};

    assert_int_equal(file_create(folder->dir, "f", span_of("old"), 0644, &err), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int put = file_put(folder->dir, "f", span_of("more than ten bytes"), 0644, &err);
    int created = file_create(folder->dir, "g", span_of("more than ten bytes"), 0644, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(put, -1);
    assert_int_equal(created, -1);
    assert_int_equal(err.sys, EFBIG);
    assert_holds(folder, "f", "old");
    assert_entries(folder, 1);
}

static void test_file_read_refuses_links_fifos_folders_and_too_much(void **state)
{
    const struct folder *folder = *state;
    struct span bytes = {0};
    struct err err = {0};
    int fd = -1;

    assert_int_equal(file_create(folder->dir, "f", span_of("12345"), 0644, &err), 0);
    assert_int_equal(symlinkat("f", folder->dir, "link"), 0);
    assert_int_equal(mkfifoat(folder->dir, "fifo", 0600), 0);
    assert_int_equal(mkdirat(folder->dir, "sub", 0700), 0);
    assert_int_equal(file_open(folder->dir, "link", &fd, &err), -1);
    assert_string_equal(err.text, "'link' is a symbolic link, expected a regular file");
    assert_int_equal(file_open(folder->dir, "fifo", &fd, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(file_open(folder->dir, "sub", &fd, &err), -1);
    assert_int_equal(fd, -1);
    assert_int_equal(file_read(folder->dir, "f", 4, folder->arena, &bytes, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(file_read(folder->dir, "f", 5, folder->arena, &bytes, &err), 0);
    assert_int_equal(bytes.len, 5);
    /* A file in /proc tells size 0 and is longer. */
    assert_int_equal(file_read(AT_FDCWD, "/proc/self/status", 3, folder->arena, &bytes, &err), -1);
    assert_int_equal(file_read(AT_FDCWD, "/proc/self/status", 65536, folder->arena, &bytes, &err),
                     0);
    assert_memory_equal(bytes.ptr, "Name:\ttest_base", 15);
}

static void test_file_read_empty_file(void **state)
{
    const struct folder *folder = *state;
    struct span bytes = {"x", 1};
    struct err err = {0};

    assert_int_equal(file_create(folder->dir, "f", span_of(""), 0644, &err), 0);
    assert_int_equal(file_read(folder->dir, "f", 5, folder->arena, &bytes, &err), 0);
    assert_int_equal(bytes.len, 0);
    assert_string_equal(bytes.ptr, "");
}

#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_foreign_bytes_are_escaped),
        cmocka_unit_test(test_err_system_error_is_named_and_wrapped),
        cmocka_unit_test(test_err_too_long_text_is_cut_and_says_so),
        cmocka_unit_test(test_arena_memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(test_arena_huge_memory_is_the_same_and_goes_where_it_is_adopted),
        cmocka_unit_test(test_arena_shared_lives_until_its_last_owner_frees_it),
        cmocka_unit_test(test_arena_huge_piece_is_zeroed_and_apart),
        cmocka_unit_test(test_arena_pushed_elements_stay_in_order),
        cmocka_unit_test(test_arena_exhausted_memory_ends_in_the_handler),
        cmocka_unit_test(test_span_numbers_are_bounded_digits),
        cmocka_unit_test(test_span_signed_numbers),
        cmocka_unit_test(test_span_cut_lines_and_trim),
        cmocka_unit_test(test_text_grows_over_any_length),
        cmocka_unit_test(test_escape_two_inputs_never_look_alike),
        cmocka_unit_test(test_digest_is_blake2b_256),
        cmocka_unit_test(test_digest_random_hex_differs_each_time),
        IN_FOLDER(test_file_create_makes_a_new_one_and_never_overwrites),
        IN_FOLDER(test_file_create_does_not_write_through_a_link),
        IN_FOLDER(test_file_put_takes_the_place_of_what_was_there),
        IN_FOLDER(test_file_put_into_a_folder_below),
        IN_FOLDER(test_file_put_that_fails_leaves_no_trace),
        IN_FOLDER(test_file_read_refuses_links_fifos_folders_and_too_much),
        IN_FOLDER(test_file_read_empty_file),
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
