#include <stdlib.h>
#include <string.h>

#include "plans/base/wire.h"
#include "tests/unit/cmocka_all.h"

enum color { RED, GREEN, BLUE, COLORS };
struct leaf {
    const char *name;
    int64_t number;
};
struct tree {
    bool flag;
    enum color color;
    int32_t small;
    uint32_t port;
    int64_t number;
    uint64_t large;
    char code[5];
    const char *text, *missing;
    struct span bytes;
    struct leaf first;
    struct leaf pair[2];
    struct leaf *leaves;
    size_t leaf_count;
    const char **words;
    size_t word_count;
};

static const struct wire_field leaf_fields[] = {
    WIRE(struct leaf, name),
    WIRE(struct leaf, number),
};
static const struct wire_shape leaf_shape = WIRE_SHAPE(struct leaf, leaf_fields);
static const struct wire_field tree_fields[] = {
    WIRE(struct tree, flag),
    WIRE_ENUM_OF(struct tree, color, COLORS),
    WIRE(struct tree, small),
    WIRE(struct tree, port),
    WIRE(struct tree, number),
    WIRE(struct tree, large),
    WIRE_CHARS_OF(struct tree, code),
    WIRE(struct tree, text),
    WIRE(struct tree, missing),
    WIRE(struct tree, bytes),
    WIRE_STRUCT_OF(struct tree, first, &leaf_shape),
    WIRE_MANY_OF(struct tree, pair, &leaf_shape),
    WIRE_ARRAY_OF(struct tree, leaves, leaf_count, &leaf_shape),
    WIRE_ARRAY_OF(struct tree, words, word_count, &wire_string_shape),
};
static const struct wire_shape tree_shape = WIRE_SHAPE(struct tree, tree_fields);

static struct span sample(struct arena *arena)
{
    static struct leaf leaves[] = {{"a", -1}, {"", 0}, {NULL, INT64_MIN}};
    static const char *words[] = {"one", "two"};
    const struct tree tree = {
        .flag = true,
        .color = BLUE,
        .small = -5,
        .port = UINT32_MAX,
        .number = INT64_MAX,
        .large = UINT64_MAX,
        .code = "SC--",
        .text = "words",
        .bytes = {"\0\n\xff", 3},
        .first = {"first", 127},
        .pair = {{"p0", 128}, {"p1", -129}},
        .leaves = leaves,
        .leaf_count = 3,
        .words = words,
        .word_count = 2,
    };
    struct text text = text_new(arena);

    wire_write(&text, &tree_shape, &tree);
    return text_span(&text);
}

static void test_wire_read_gives_what_was_written(void **state)
{
    struct arena *arena = arena_new();
    struct span rest = sample(arena);
    struct tree tree = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(wire_read(&rest, &tree_shape, arena, &tree, &err), 0);
    assert_int_equal(rest.len, 0);
    assert_true(tree.flag);
    assert_int_equal(tree.color, BLUE);
    assert_int_equal(tree.small, -5);
    assert_int_equal(tree.port, UINT32_MAX);
    assert_true(tree.number == INT64_MAX);
    assert_true(tree.large == UINT64_MAX);
    assert_string_equal(tree.code, "SC--");
    assert_string_equal(tree.text, "words");
    assert_null(tree.missing);
    assert_int_equal(tree.bytes.len, 3);
    assert_memory_equal(tree.bytes.ptr, "\0\n\xff", 3);
    assert_string_equal(tree.first.name, "first");
    assert_int_equal(tree.first.number, 127);
    assert_int_equal(tree.pair[0].number, 128);
    assert_int_equal(tree.pair[1].number, -129);
    assert_int_equal(tree.leaf_count, 3);
    assert_string_equal(tree.leaves[1].name, "");
    assert_null(tree.leaves[2].name);
    assert_true(tree.leaves[2].number == INT64_MIN);
    assert_int_equal(tree.word_count, 2);
    assert_string_equal(tree.words[1], "two");
    arena_free(arena);
}

static void test_wire_read_of_every_prefix_is_refused(void **state)
{
    struct arena *arena = arena_new();
    struct span whole = sample(arena);

    (void)state;
    for (size_t len = 0; len < whole.len; len++) {
        /* In memory of its own, so that a byte too many is seen. */
        char *copy = malloc(len + 1);
        struct tree tree = {0};
        struct err err = {0};
        memcpy(copy, whole.ptr, len);
        struct span rest = {copy, len};
        assert_int_equal(wire_read(&rest, &tree_shape, arena, &tree, &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
        free(copy);
    }
    arena_free(arena);
}

static void test_wire_read_of_any_bytes_stays_within_them(void **state)
{
    struct arena *arena = arena_new();
    struct span whole = sample(arena);
    size_t refused = 0;

    (void)state;
    for (size_t at = 0; at < whole.len; at++)
        for (unsigned value = 0; value < 256; value++) {
            struct arena *scratch = arena_new();
            char *copy = malloc(whole.len);
            struct tree tree = {0};
            struct err err = {0};
            memcpy(copy, whole.ptr, whole.len);
            copy[at] = (char)value;
            struct span rest = {copy, whole.len};
            if (wire_read(&rest, &tree_shape, scratch, &tree, &err) < 0)
                refused++;
            else
                assert_true(tree.color < COLORS);
            free(copy);
            arena_free(scratch);
        }
    assert_true(refused > 0);
    arena_free(arena);
}

static int read_bytes(struct arena *arena, const char *bytes, size_t len, struct err *err)
{
    struct span rest = {bytes, len};
    struct tree tree = {0};

    return wire_read(&rest, &tree_shape, arena, &tree, err);
}

static void test_wire_read_of_a_huge_count_allocates_nothing(void **state)
{
    struct arena *arena = arena_new();
    static const struct wire_field fields[] = {
        WIRE_ARRAY_OF(struct tree, leaves, leaf_count, &leaf_shape)};
    static const struct wire_shape shape = WIRE_SHAPE(struct tree, fields);
    struct span rest = {"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9};
    struct tree tree = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(wire_read(&rest, &shape, arena, &tree, &err), -1);
    assert_null(tree.leaves);
    arena_free(arena);
}

static void test_wire_read_of_values_that_do_not_fit_is_refused(void **state)
{
    struct arena *arena = arena_new();
    struct err err = {0};

    (void)state;
    assert_int_equal(read_bytes(arena, "\x02", 1, &err), -1); /* a bool of 2 */
    assert_non_null(strstr(err.text, "too large"));
    assert_int_equal(read_bytes(arena, "\x01\x03", 2, &err), -1); /* the fourth of three colors */
    assert_non_null(strstr(err.text, "too large"));
    assert_int_equal(read_bytes(arena, "\x01\x02\xff\xff\xff\xff\x1f", 7, &err), -1);
    assert_non_null(strstr(err.text, "too large"));
    assert_int_equal(
        read_bytes(arena, "\x01\x02\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 13, &err), -1);
    assert_non_null(strstr(err.text, "64 bits"));
    arena_free(arena);
}

static void test_wire_move_leaves_other_members_alone(void **state)
{
    static const struct wire_field fields[] = {
        WIRE(struct tree, port),
        WIRE_ARRAY_OF(struct tree, leaves, leaf_count, &leaf_shape),
    };
    static const struct wire_shape shape = WIRE_SHAPE(struct tree, fields);
    struct leaf leaf = {"x", 1};
    struct tree from = {.port = 7, .number = 9, .leaves = &leaf, .leaf_count = 1};
    struct tree to = {.port = 1, .number = 2, .large = 3};

    (void)state;
    wire_move(&shape, &to, &from);
    assert_int_equal(to.port, 7);
    assert_ptr_equal(to.leaves, &leaf);
    assert_int_equal(to.leaf_count, 1);
    assert_int_equal(to.number, 2);
    assert_int_equal(to.large, 3);
}

static void test_wire_gap_finds_a_forgotten_member(void **state)
{
    static const struct wire_field fields[] = {WIRE(struct leaf, name)};
    static const struct wire_shape shape = WIRE_SHAPE(struct leaf, fields);
    struct arena *arena = arena_new();

    (void)state;
    assert_in_range(wire_gap(&tree_shape, arena), 0, 7);
    assert_in_range(wire_gap(&shape, arena), 8, 8);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_read_gives_what_was_written),
        cmocka_unit_test(test_wire_read_of_every_prefix_is_refused),
        cmocka_unit_test(test_wire_read_of_any_bytes_stays_within_them),
        cmocka_unit_test(test_wire_read_of_a_huge_count_allocates_nothing),
        cmocka_unit_test(test_wire_read_of_values_that_do_not_fit_is_refused),
        cmocka_unit_test(test_wire_move_leaves_other_members_alone),
        cmocka_unit_test(test_wire_gap_finds_a_forgotten_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
