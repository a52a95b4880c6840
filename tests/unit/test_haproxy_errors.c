#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>

#include <cmocka.h>

#include "plans/base/text.h"
#include "remediations/host/haproxy_errors.h"
#include "tests/unit/fixture.h"

static struct span fixture(struct arena *arena, const char *name)
{
    return haproxy_fixture(arena, "2.6.12-deb12u4", name);
}

struct result {
    struct haproxy_capture *rows;
    size_t count;
    int done;
    struct err err;
};

/* From a copy with nothing behind it, so that a read past the end is seen by the sanitizers. */
static struct result parse(struct arena *arena, struct span answer, size_t asked)
{
    struct result result = {.rows = NULL};
    char *copy = malloc(answer.len == 0 ? 1 : answer.len);

    assert_non_null(copy);
    if (answer.len > 0)
        memcpy(copy, answer.ptr, answer.len);
    result.done = haproxy_errors_parse((struct span){copy, answer.len}, asked, arena, &result.rows,
                                       &result.count, &result.err);
    free(copy);
    return result;
}

/* `old` is there once. */
static struct span change(struct arena *arena, struct span answer, const char *old,
                          const char *new_text)
{
    const char *at = memmem(answer.ptr, answer.len, old, strlen(old));
    struct text text = text_new(arena);

    assert_non_null(at);
    text_add_span(&text, (struct span){answer.ptr, (size_t)(at - answer.ptr)});
    text_add(&text, new_text);
    at += strlen(old);
    text_add_span(&text, (struct span){at, answer.len - (size_t)(at - answer.ptr)});
    return text_span(&text);
}

static void assert_fails(struct span answer, size_t asked, const char *shown)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct result result = parse(arena, answer, asked);

    assert_int_equal(result.done, -1);
    assert_int_equal(result.err.kind, ERR_INPUT);
    assert_int_equal(result.count, 0);
    assert_null(result.rows);
    if (strstr(result.err.text, shown) == NULL)
        fail_msg("'%s' says nothing of '%s'", result.err.text, shown);
}

static void test_errors_parse_recorded_gives_sides_and_beginnings(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct result result = parse(arena, fixture(arena, "show_errors.txt"), 1);

    (void)state;
    assert_int_equal(result.done, 0);
    assert_int_equal(result.count, 4);
    const struct haproxy_capture *row = &result.rows[0];
    assert_false(row->is_response);
    assert_int_equal(row->begins, CAPTURE_PROXY);
    assert_string_equal(row->proxy, "web");
    assert_null(row->other);
    assert_null(row->server);
    assert_string_equal(row->client, "127.0.0.1:36962");
    assert_int_equal(row->length, 65);
    assert_int_equal(row->position, 19);
    assert_string_equal(row->time, "29/Nov/2026:23:22:33");
    assert_int_equal(row->age, 0);
    row = &result.rows[1];
    assert_true(row->is_response);
    assert_int_equal(row->begins, CAPTURE_OTHER);
    assert_string_equal(row->proxy, "app");
    assert_string_equal(row->other, "web");
    assert_string_equal(row->server, "one");
    assert_int_equal(row->length, 47);
    assert_int_equal(row->position, 4);
    /* "PROXY" behind two empty lines is no header. */
    assert_int_equal(result.rows[2].begins, CAPTURE_OTHER);
    assert_string_equal(result.rows[3].server, "two");
}

static void test_errors_parse_several_answers_gives_each_message_once(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span answer = fixture(arena, "show_errors_asked.txt");
    struct result result = parse(arena, answer, 5);

    (void)state;
    assert_int_equal(result.done, 0);
    assert_int_equal(result.count, 3);
    assert_int_equal(result.rows[0].begins, CAPTURE_PROXY);
    assert_string_equal(result.rows[0].proxy, "web");
    assert_int_equal(result.rows[1].begins, CAPTURE_TLS);
    assert_string_equal(result.rows[1].proxy, "api");
    assert_int_equal(result.rows[1].length, 211);
    /* An answer to a check has no client. */
    assert_true(result.rows[2].is_response);
    assert_null(result.rows[2].other);
    assert_null(result.rows[2].client);
    assert_fails(answer, 4, "Total events");
    assert_fails(answer, 6, "cut off");
}

/* Requests to two frontends, and an answer to a check and one to a client. Where no frontend is, as
 * with a check, 2.2 writes "(null)", 2.6 "<NONE>", and 3.0 and 3.2 have one of their own. */
static void test_errors_parse_every_version_tells_a_check_from_a_client(void **state)
{
    static const struct {
        const char *version, *written, *time, *clients[3];
        int64_t position, age;
    } want[] = {
        {"2.2.9-deb11u6",
         "frontend (null) (#-1)",
         "30/Nov/2026:04:11:23",
         {"127.0.0.1:47588", "127.0.0.1:49742", "127.0.0.1:52828"},
         0,
         7},
        {"3.0.11-deb13u4",
         "frontend CHECKS-FE (#-1)",
         "30/Nov/2026:04:11:25",
         {"127.0.0.1:47604", "127.0.0.1:49752", "127.0.0.1:49726"},
         7,
         7},
        {"3.2.26",
         "frontend CHECKS-FE (#-1)",
         "30/Nov/2026:04:11:25",
         {"127.0.0.1:47602", "127.0.0.1:49746", "127.0.0.1:49722"},
         7,
         7},
    };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct span answer = haproxy_fixture(arena, want[i].version, "show_errors.txt");
        struct result result = parse(arena, answer, 1);

        assert_int_equal(result.done, 0);
        assert_int_equal(result.count, 4);
        const struct haproxy_capture *row = &result.rows[0];
        assert_false(row->is_response);
        assert_int_equal(row->begins, CAPTURE_PROXY);
        assert_string_equal(row->proxy, "web");
        assert_null(row->other);
        assert_null(row->server);
        assert_string_equal(row->client, want[i].clients[0]);
        assert_int_equal(row->length, 65);
        assert_int_equal(row->position, 19);
        row = &result.rows[1];
        assert_false(row->is_response);
        assert_int_equal(row->begins, CAPTURE_OTHER);
        assert_string_equal(row->proxy, "api");
        assert_string_equal(row->client, want[i].clients[1]);
        assert_int_equal(row->length, 32);
        assert_int_equal(row->position, 7);
        row = &result.rows[2];
        assert_non_null(memmem(answer.ptr, answer.len, want[i].written, strlen(want[i].written)));
        assert_true(row->is_response);
        assert_string_equal(row->proxy, "app");
        assert_string_equal(row->server, "garbage");
        assert_null(row->other);
        assert_null(row->client);
        assert_int_equal(row->length, 11);
        assert_int_equal(row->position, want[i].position);
        assert_string_equal(row->time, want[i].time);
        assert_int_equal(row->age, want[i].age);
        row = &result.rows[3];
        assert_true(row->is_response);
        assert_string_equal(row->proxy, "mail");
        assert_string_equal(row->server, "two");
        assert_string_equal(row->other, "api");
        assert_string_equal(row->client, want[i].clients[2]);
        assert_int_equal(row->length, 47);
    }
    /* 2.6 has it among what was asked for one by one. */
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span asked = fixture(arena, "show_errors_asked.txt");
    assert_non_null(memmem(asked.ptr, asked.len, "frontend <NONE> (#-1), server one", 33));
    assert_null(parse(arena, asked, 5).rows[2].other);
}

static void test_errors_parse_cut_off_anywhere_is_an_error(void **state)
{
    static const char *const others[] = {"2.2.9-deb11u6", "3.0.11-deb13u4", "3.2.26"};
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span one = fixture(arena, "show_errors.txt");
    struct span several = fixture(arena, "show_errors_asked.txt");

    (void)state;
    for (size_t len = 0; len < one.len; len++)
        assert_fails((struct span){one.ptr, len}, 1, "show errors");
    for (size_t len = 0; len < several.len; len++)
        assert_fails((struct span){several.ptr, len}, 5, "show errors");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct span other = haproxy_fixture(arena, others[i], "show_errors.txt");
        for (size_t len = 0; len < other.len; len++)
            assert_fails((struct span){other.ptr, len}, 1, "show errors");
    }
}

static void test_errors_parse_a_byte_less_anywhere_is_never_another_message(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span answer = fixture(arena, "show_errors.txt");
    struct result whole = parse(arena, answer, 1);

    (void)state;
    for (size_t i = 0; i < answer.len; i++) {
        struct arena *scratch CLEANUP_ARENA = arena_new();
        struct text text = text_new(scratch);
        text_add_span(&text, (struct span){answer.ptr, i});
        text_add_span(&text, (struct span){answer.ptr + i + 1, answer.len - i - 1});
        struct result result = parse(scratch, text_span(&text), 1);
        if (result.done < 0)
            continue;
        /* A digit less, or a letter of a name, or of what is not looked at. */
        assert_int_equal(result.count, whole.count);
        for (size_t k = 0; k < whole.count; k++) {
            assert_int_equal(result.rows[k].is_response, whole.rows[k].is_response);
            assert_int_equal(result.rows[k].length, whole.rows[k].length);
        }
    }
}

static void test_errors_parse_unknown_lines_of_a_message_are_skipped(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span answer = fixture(arena, "show_errors_asked.txt");
    struct span more = change(arena, answer, "  H1 msg state MSG_RQBEFORE(0), H1 msg flags",
                              "  H4 something: 0x1\n  else\n  H1 flags");
    struct result result = parse(arena, more, 5);

    (void)state;
    assert_int_equal(result.done, 0);
    assert_int_equal(result.count, 3);
    /* An unknown line at another place is another form. */
    assert_fails(change(arena, answer, " \n[", "something new\n \n["), 5, "something new");
    assert_fails(change(arena, answer, "  buffer starts", "  something new\n  buffer starts"), 5,
                 "something new");
}

static void test_errors_parse_interrupted_message_is_taken_as_far_as_it_goes(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span answer = fixture(arena, "show_errors.txt");
    struct span cut = change(arena, answer, "  00054  Host: a\\r\\n\n  00063  \\r\\n\n",
                             "  WARNING! update detected on this snapshot, dump interrupted. "
                             "Please re-check!\n");
    struct result result = parse(arena, cut, 1);

    (void)state;
    assert_int_equal(result.done, 0);
    assert_int_equal(result.count, 4);
    assert_int_equal(result.rows[0].begins, CAPTURE_PROXY);
    /* Without that word it is not whole. */
    assert_fails(change(arena, answer, "  00054  Host: a\\r\\n\n  00063  \\r\\n\n", ""), 1,
                 "not whole");
}

static void test_errors_parse_something_else_is_an_error_that_shows_it(void **state)
{
    static const struct {
        const char *old, *new_text, *shown;
    } cases[] = {
        {"  00038  GET", "  00039  GET", "not whole"},
        {"  00038  GET", "  0038  GET", "not whole"},
        {"\\xFF", "\\xfF", "not whole"},
        {"\\xFF", "\\q", "not whole"},
        {"\\xFF", "\xff", "not whole"},
        {"len 65", "len 64", "not whole"},
        {"len 65", "len -65", "len -65"},
        {"len 65", "len 99999999999999999999", "len 9999"},
        {"29/Nov/2026:23:22:33.823] frontend web", "29/Nov/2026:24:22:33.823] frontend web", "web"},
        {"29/Nov/2026:23:22:33.823] frontend web", "29/nov/2026:23:22:33.823] frontend web", "web"},
        {"frontend web (#2): invalid", "sideend web (#2): invalid", "sideend"},
        {"frontend web (#2): invalid request", "frontend web (#2): invalid response", "web"},
        {"frontend web (#2): invalid", "frontend <NONE> (#2): invalid", "NONE"},
    };
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span answer = fixture(arena, "show_errors.txt");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(change(arena, answer, cases[i].old, cases[i].new_text), 1, cases[i].shown);
    assert_fails(span_of("Permission denied\n\n"), 1, "Permission denied");
    assert_fails(span_of("No such proxy.\n\n"), 1, "No such proxy");
    assert_fails(span_of("\x1b[2J\n\n"), 1, "\\x1b[2J");
    assert_fails(span_of("\n\n"), 1, "show errors");
}

static void test_errors_parse_none_gives_none(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct result result =
        parse(arena, span_of("Total events captured on [01/Jan/2026:00:00:00.000] : 0\n\n"), 1);

    (void)state;
    assert_int_equal(result.done, 0);
    assert_int_equal(result.count, 0);
}

static void test_errors_parse_age_is_by_its_own_clock(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span answer = fixture(arena, "show_errors.txt");
    struct span later = change(arena, answer, "captured on [29/Nov/2026:23:22:33",
                               "captured on [30/Nov/2026:00:22:34");
    struct span earlier = change(arena, answer, "captured on [29/Nov/2026:23:22:33",
                                 "captured on [29/Nov/2026:23:22:32");

    (void)state;
    assert_int_equal(parse(arena, later, 1).rows[0].age, 3601);
    assert_int_equal(parse(arena, earlier, 1).rows[0].age, -1);
}

static void test_errors_parse_what_stands_for_no_address_is_not_shown(void **state)
{
    static const char *const others[] = {":0", "\x1b[2J:0", "$(reboot):1", "", "localhost:80"};
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span answer = fixture(arena, "show_errors.txt");

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct result result = parse(arena, change(arena, answer, "127.0.0.1:36962", others[i]), 1);
        assert_int_equal(result.done, 0);
        assert_null(result.rows[0].client);
    }
    assert_string_equal(
        parse(arena, change(arena, answer, "127.0.0.1:36962", "2001:db8::1:80"), 1).rows[0].client,
        "2001:db8::1:80");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_parse_recorded_gives_sides_and_beginnings),
        cmocka_unit_test(test_errors_parse_several_answers_gives_each_message_once),
        cmocka_unit_test(test_errors_parse_every_version_tells_a_check_from_a_client),
        cmocka_unit_test(test_errors_parse_cut_off_anywhere_is_an_error),
        cmocka_unit_test(test_errors_parse_a_byte_less_anywhere_is_never_another_message),
        cmocka_unit_test(test_errors_parse_unknown_lines_of_a_message_are_skipped),
        cmocka_unit_test(test_errors_parse_interrupted_message_is_taken_as_far_as_it_goes),
        cmocka_unit_test(test_errors_parse_something_else_is_an_error_that_shows_it),
        cmocka_unit_test(test_errors_parse_none_gives_none),
        cmocka_unit_test(test_errors_parse_age_is_by_its_own_clock),
        cmocka_unit_test(test_errors_parse_what_stands_for_no_address_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
