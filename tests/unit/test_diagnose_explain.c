/* Each row of the table of causes has all its texts, in the form in which they are shown. */
#include <string.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/explain.h"
#include "tests/unit/cmocka_all.h"

enum { WIDTH = 80, LINE_MAX = 52, WORDS_LEAST = 12 };
static const struct render_style plain = {.width = WIDTH};

static void assert_words(const struct cause *cause, const char *what, const char *words)
{
    if (words == NULL || strlen(words) < WORDS_LEAST) {
        fail_msg("%s: explain.%s is missing: see struct explanation in diagnose.h", cause->slug,
                 what);
        return;
    }
    for (const char *byte = words; *byte != '\0'; byte++)
        if (*byte < 0x20 || *byte > 0x7e)
            fail_msg("%s: explain.%s has a byte that is not shown", cause->slug, what);
    if (words[strlen(words) - 1] == '.' || strstr(words, "  ") != NULL)
        fail_msg("%s: explain.%s ends in a full stop or has two blanks", cause->slug, what);
}

static void test_explain_every_row_has_every_text(void **state)
{
    const struct cause *cause;

    (void)state;
    assert_true(causes_count() > 20);
    for (size_t i = 0; (cause = causes_at(i)) != NULL; i++) {
        const struct explanation *explain = &cause->explain;

        assert_words(cause, "line", explain->line);
        assert_words(cause, "means", explain->means);
        assert_words(cause, "proof", explain->proof);
        assert_words(cause, "repair", explain->repair);
        assert_words(cause, "cost", explain->cost);
        if (strlen(explain->line) > LINE_MAX)
            fail_msg("%s: explain.line is longer than %d", cause->slug, LINE_MAX);
    }
}

static void test_explain_unlike_names_other_causes_that_exist(void **state)
{
    const struct cause *cause;

    (void)state;
    for (size_t i = 0; (cause = causes_at(i)) != NULL; i++) {
        const struct unlike *unlike = cause->explain.unlike;

        if (unlike[0].slug == NULL)
            fail_msg("%s: explain.unlike is empty: what is it often taken for?", cause->slug);
        for (size_t k = 0; k < CAUSE_UNLIKE_MAX && unlike[k].slug != NULL; k++) {
            if (causes_find(unlike[k].slug) == NULL || strcmp(unlike[k].slug, cause->slug) == 0)
                fail_msg("%s: explain.unlike: no other cause '%s'", cause->slug, unlike[k].slug);
            assert_words(cause, "unlike.how", unlike[k].how);
        }
    }
}

static void test_causes_each_slug_stands_once(void **state)
{
    const struct cause *cause;

    (void)state;
    for (size_t i = 0; (cause = causes_at(i)) != NULL; i++) {
        assert_ptr_equal(causes_find(cause->slug), cause);
        assert_non_null(cause->look);
    }
    assert_null(causes_find("backend"));
    assert_null(causes_find(""));
}

static void assert_fits(const char *slug, const struct text *text)
{
    struct span rest = text_span(text), line;

    while (span_next_line(&rest, &line))
        if (line.len > WIDTH)
            fail_msg("%s: %zu columns: %.*s", slug, line.len, (int)line.len, line.ptr);
}

static void test_explain_cause_shows_all_of_it_within_the_width(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const struct cause *cause;

    (void)state;
    for (size_t i = 0; (cause = causes_at(i)) != NULL; i++) {
        struct text text = text_new(arena);

        explain_cause(&plain, cause, &text);
        assert_fits(cause->slug, &text);
        assert_ptr_equal(strstr(text_string(&text), cause->slug), text_string(&text));
        for (size_t k = 0; k < CAUSE_UNLIKE_MAX && cause->explain.unlike[k].slug != NULL; k++)
            assert_non_null(strstr(text_string(&text), cause->explain.unlike[k].slug));
    }
}

static void test_explain_list_has_a_line_for_each_cause(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct text text = text_new(arena);
    struct span rest, line;
    size_t lines = 0;

    (void)state;
    explain_list(&plain, &text);
    assert_fits("the list", &text);
    rest = text_span(&text);
    while (span_next_line(&rest, &line))
        lines++;
    assert_int_equal(lines, causes_count());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain_every_row_has_every_text),
        cmocka_unit_test(test_explain_unlike_names_other_causes_that_exist),
        cmocka_unit_test(test_causes_each_slug_stands_once),
        cmocka_unit_test(test_explain_cause_shows_all_of_it_within_the_width),
        cmocka_unit_test(test_explain_list_has_a_line_for_each_cause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
