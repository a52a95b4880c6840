#include <string.h>

#include "plans/base/json.h"
#include "tests/unit/cmocka_all.h"

static struct json *parsed(const char *text)
{
    struct json *root = NULL;
    struct err err = {0};

    if (json_parse(span_of(text), 8, &root, &err) < 0)
        fail_msg("%s", err.text);
    return root;
}

static void assert_refused(struct span text, const char *part)
{
    struct json *root = NULL;
    struct err err = {0};

    if (json_parse(text, 3, &root, &err) == 0)
        fail_msg("accepted, expected: %s", part);
    assert_null(root);
    assert_int_equal(err.kind, ERR_INPUT);
    if (strstr(err.text, part) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, part);
}

static void test_json_malformed_documents_are_refused(void **state)
{
    (void)state;
    assert_refused(span_of(""), "line 1, column 0");
    assert_refused(span_of("3"), "expected");
    assert_refused(span_of("{\"a\":1,\n\"a\":2}"), "line 2, column 3: duplicate object key");
    assert_refused(span_of("{\"a\":1} {}"), "end of file expected");
    assert_refused(span_of("{\"a\":1"), "line 1");
    assert_refused(span_of("{\"a\":\"x"), "line 1");
    assert_refused(span_of("{\"a\":\"\\u0000\"}"), "a NUL character is not allowed");
    assert_refused(span_of("{\"a\":\"\xc3\"}"), "line 1");
    assert_refused(span_of("{\"a\":\"\xed\xa0\x80\"}"), "line 1");
    assert_refused(span_of("{\"a\":99999999999999999999}"), "too big integer");
    assert_refused(span_of("{\"a\":1,}"), "line 1");
    assert_refused(span_of("// no\n{}"), "line 1");
    assert_refused((struct span){"{}\0", 3}, "line 1");
    assert_refused((struct span){"{\"a\":\"x\0y\"}", 11}, "line 1");
    assert_refused((struct span){NULL, 0}, "line 1");
}

static void test_json_depth_is_bounded_outside_strings_only(void **state)
{
    (void)state;
    assert_refused(span_of("[[\n[[]]]]"), "line 2: nested too deep: expected at most 3 levels");
    json_free(parsed("[[[[[[[[]]]]]]]]"));
    json_free(parsed("[\"[[[[[[[[[[\", \"\\\"[[[[[[[[[\\\\\", \"{{{{{{{{{{\"]"));
}

static void test_json_values_are_read_with_their_types_and_bounds(void **state)
{
    struct json *root CLEANUP_JSON = parsed(
        "{\"s\":\"four\",\"n\":null,\"i\":-7,\"b\":true,\"o\":{\"k\":1},\"l\":[1,\"two\",{}]}");
    const struct json *inner = NULL;
    const char *string = NULL;
    struct err err = {0};
    int64_t number = 0;
    bool truth = false;

    (void)state;
    assert_int_equal(json_get_string(root, "", "s", 4, &string, &err), 0);
    assert_string_equal(string, "four");
    assert_int_equal(json_get_string_or_null(root, "", "n", 4, &string, &err), 0);
    assert_null(string);
    assert_int_equal(json_get_string_or_null(root, "", "absent", 4, &string, &err), 0);
    assert_null(string);
    assert_int_equal(json_get_int(root, "", "i", -7, 7, &number, &err), 0);
    assert_int_equal(number, -7);
    assert_int_equal(json_get_bool(root, "", "b", &truth, &err), 0);
    assert_true(truth);
    assert_int_equal(json_get_object(root, "", "o", &inner, &err), 0);
    assert_true(json_is_object(inner));
    assert_int_equal(json_get_array(root, "", "l", 3, &inner, &err), 0);
    assert_int_equal(json_count(inner), 3);
    assert_string_equal(json_string_value(json_at(inner, 1)), "two");
    assert_null(json_string_value(json_at(inner, 0)));
    assert_null(json_at(inner, 3));
    assert_true(json_has(root, "s"));
    assert_false(json_has(root, "n"));
    assert_true(json_has_key(root, "n"));
    assert_false(json_has_key(root, "absent"));
}

static void test_json_errors_name_path_and_expectation(void **state)
{
    static const char *const known[] = {"s", "i", NULL};
    struct json *root CLEANUP_JSON = parsed("{\"s\":\"four\",\"i\":8,\"l\":[1,2]}");
    const struct json *inner = NULL;
    const char *string = NULL;
    struct err err = {0};
    int64_t number = 0;
    bool truth = false;

    (void)state;
    assert_int_equal(json_get_string(root, "a[3]", "s", 3, &string, &err), -1);
    assert_string_equal(err.text, "a[3].s: expected at most 3 bytes, found 4");
    assert_int_equal(json_get_string(root, "", "i", 3, &string, &err), -1);
    assert_string_equal(err.text, "i: expected a string, found a whole number");
    assert_int_equal(json_get_string(root, "", "x", 3, &string, &err), -1);
    assert_string_equal(err.text, "x: expected a string, but it is missing");
    assert_int_equal(json_get_int(root, "", "i", 0, 7, &number, &err), -1);
    assert_string_equal(err.text, "i: expected a whole number from 0 to 7, found 8");
    assert_int_equal(json_get_bool(root, "", "i", &truth, &err), -1);
    assert_int_equal(json_get_object(root, "", "l", &inner, &err), -1);
    assert_string_equal(err.text, "l: expected an object, found an array");
    assert_int_equal(json_get_array(root, "", "l", 1, &inner, &err), -1);
    assert_string_equal(err.text, "l: expected at most 1 elements, found 2");
    assert_int_equal(json_check_keys(root, "top", known, &err), -1);
    assert_string_equal(err.text, "top.l: unknown key");
    assert_int_equal(err.kind, ERR_INPUT);
    assert_null(string);
    assert_null(inner);
}

static void test_json_written_keys_keep_their_order_in_ascii(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct json *root CLEANUP_JSON = json_object();
    struct json *list = json_array();

    (void)state;
    json_append(list, json_string(NULL));
    json_append(list, json_int(INT64_MIN));
    json_append(list, json_bool(false));
    json_set_string(root, "z", "a\"\\/\n\x1b\x7f\x7f\xc3\xa4\xf0\x9f\x98\x80");
    json_set_int(root, "a", 5);
    json_set_bool(root, "m", true);
    json_set(root, "b", list);
    assert_string_equal(json_write(root, true, arena),
                        "{\n"
                        "  \"z\": \"a\\\"\\\\/\\n\\u001B\\u007F\\u007F\\u00E4\\uD83D\\uDE00\",\n"
                        "  \"a\": 5,\n"
                        "  \"m\": true,\n"
                        "  \"b\": [\n"
                        "    null,\n"
                        "    -9223372036854775808,\n"
                        "    false\n"
                        "  ]\n"
                        "}\n");
    assert_string_equal(json_write(root, false, arena),
                        "{\"z\":\"a\\\"\\\\/\\n\\u001B\\u007F\\u007F\\u00E4\\uD83D\\uDE00\","
                        "\"a\":5,\"m\":true,\"b\":[null,-9223372036854775808,false]}");
}

static void test_json_bytes_that_are_no_utf8_are_shown(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct json *root CLEANUP_JSON = json_object();

    (void)state;
    json_set_string(root, "a", "x\xff\x1b");
    assert_string_equal(json_write(root, false, arena), "{\"a\":\"x\\\\xff\\\\x1b\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_malformed_documents_are_refused),
        cmocka_unit_test(test_json_depth_is_bounded_outside_strings_only),
        cmocka_unit_test(test_json_values_are_read_with_their_types_and_bounds),
        cmocka_unit_test(test_json_errors_name_path_and_expectation),
        cmocka_unit_test(test_json_written_keys_keep_their_order_in_ascii),
        cmocka_unit_test(test_json_bytes_that_are_no_utf8_are_shown),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
