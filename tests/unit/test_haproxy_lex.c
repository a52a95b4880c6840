#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "remediations/host/haproxy_lex.h"

static const struct lex_position here = {"/etc/haproxy/a.cfg", 7, {"fe", 2}};

/* The values of the words, each between < and >; "!" and the reason for a line that is refused. */
static const char *words_of(const char *line, struct arena *arena)
{
    const char *at[] = {"NAME=web1", "LIST= a  b", "EMPTY=", "SPACED=a b", "NAME=second"};
    struct strings environment = {at, sizeof at / sizeof at[0]};
    struct lex *lex = lex_new(arena, &environment);
    struct lex_words words;
    struct err err = {0};
    const char *shown = "";

    if (lex_line(lex, span_of(line), &here, &words, &err) < 0) {
        assert_int_equal(err.kind, ERR_INPUT);
        return arena_printf(arena, "!%s", err.text);
    }
    for (size_t i = 0; i < words.count; i++)
        shown = arena_printf(arena, "%s<%.*s>", shown, (int)words.at[i].value.len,
                             words.at[i].value.ptr);
    return shown;
}

static void assert_words(const char *line, const char *expected)
{
    struct arena *arena CLEANUP_ARENA = arena_new();

    assert_string_equal(words_of(line, arena), expected);
}

static void assert_refused(const char *line, const char *part)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const char *shown = words_of(line, arena);

    assert_int_equal(shown[0], '!');
    assert_non_null(strstr(shown, part));
}

static void test_lex_line_plain_words_are_cut_at_blanks(void **state)
{
    (void)state;
    assert_words("\tmaxconn \v\f 50  ", "<maxconn><50>");
    assert_words("", "");
    assert_words("   ", "");
    assert_words("# comment", "");
}

static void test_lex_line_comment_begins_anywhere_outside_quotes(void **state)
{
    (void)state;
    assert_words("maxconn 50#c", "<maxconn><50>");
    assert_words("a \"#b\" '#c' \\#d # e", "<a><#b><#c><#d>");
}

static void test_lex_line_quotes_join_inside_words(void **state)
{
    (void)state;
    assert_words("max\"con\"n 5\"0\"", "<maxconn><50>");
    assert_words("a'b c'd \"e 'f\" 'g \"h'", "<ab cd><e 'f><g \"h>");
}

static void test_lex_line_escapes_as_haproxy(void **state)
{
    (void)state;
    assert_words("\\x6d\\x61xconn 9", "<maxconn><9>");
    assert_words("a\\ b \\\\ \\q \\$x \"\\$x\" '\\x41'", "<a b><\\><\\q><\\$x><$x><\\x41>");
    assert_words("a\\tb", "<a\tb>");
    assert_words("a\\x00b c", "<a><c>");
    assert_words("end\\", "<end\\>");
}

static void test_lex_line_carriage_return_ends_the_line_but_behind_a_blank(void **state)
{
    (void)state;
    assert_words("maxconn 5\r", "<maxconn><5>");
    assert_words("maxconn 5\r 6", "<maxconn><5>");
    assert_words("maxconn 5 \r 6", "<maxconn><5><6>");
    assert_refused("a \"b\rc\"", "open quote");
}

static void test_lex_line_variables_expand_in_double_quotes_only(void **state)
{
    (void)state;
    assert_words("$NAME '$NAME' \"$NAME\" \"x${NAME}y\"", "<$NAME><$NAME><web1><xweb1y>");
    assert_words("a \"$NONE\" b", "<a>");
    assert_words("a \"${NONE-def}\" \"${EMPTY-def}x\" \"${NAME-def}\"", "<a><def><x><web1>");
    assert_words("a \"${SPACED}\" \"${SPACED[*]}c\"", "<a><a b><a><bc>");
    assert_words("a x\"${LIST[*]}\"", "<a><x><a><b>");
    assert_words("\"$.FILE\" \"$.LINE\" \"${.SECTION}\"", "</etc/haproxy/a.cfg><7><fe>");
}

static void test_lex_line_empty_word_ends_the_words(void **state)
{
    (void)state;
    assert_words("server a 1:80 \"\" maxconn 5", "<server><a><1:80>");
    assert_words("\"\" maxconn 5", "");
}

static void test_lex_line_malformed_is_refused_with_the_reason(void **state)
{
    (void)state;
    assert_refused("a \"b", "closing double quote");
    assert_refused("a 'b", "closing single quote");
    assert_refused("a \\x4", "hexadecimal");
    assert_refused("a \\xg1", "hexadecimal");
    assert_refused("\"${NAME\"", "expected '}'");
    assert_refused("\"${NAME-x\"", "expected '}'");
    assert_refused("\"$1\"", "variable");
    assert_refused("\"$\"", "variable");
    assert_refused("\"${NAME[1]}\"", "[*]");
    assert_refused("\"$.WHAT\"", "pseudo variable");
}

static void test_lex_line_sixty_four_words_are_the_most(void **state)
{
    char line[2 * 70 + 1] = "";

    (void)state;
    struct arena *arena CLEANUP_ARENA = arena_new();
    for (size_t i = 0; i < 64; i++)
        memcpy(line + 2 * i, "w ", 3);
    assert_non_null(strstr(words_of(line, arena), "too many words"));
    line[2 * 64 - 1] = '\0'; /* HAProxy counts what is behind a blank at the end */
    assert_null(strstr(words_of(line, arena), "too many words"));
}

static void test_lex_line_place_is_of_the_raw_word(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct lex *lex = lex_new(arena, NULL);
    struct lex_words words;
    struct err err = {0};

    (void)state;
    assert_int_equal(lex_line(lex, span_of(" max\"conn\" \\x35\"0\"#x"), &here, &words, &err), 0);
    assert_int_equal(words.count, 2);
    assert_int_equal(words.at[0].offset, 1);
    assert_int_equal(words.at[0].len, 9);
    assert_int_equal(words.at[1].offset, 11);
    assert_int_equal(words.at[1].len, 7);
    assert_false(words.at[1].variable);
    assert_true(span_is(words.at[1].value, "50"));
}

static void test_lex_line_variables_that_blow_up_are_refused(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct lex *lex = lex_new(arena, NULL);
    struct lex_words words;
    struct err err = {0};
    char *big = arena_alloc(arena, 60001);
    char line[200] = "\"";

    (void)state;
    memset(big, 'x', 60000);
    lex_set_variable(lex, span_of("B"), span_of(big), false);
    for (size_t i = 0; i < 40; i++)
        memcpy(line + 1 + 3 * i, "$B-", 4);
    memcpy(line + 1 + 3 * 40, "\"", 2);
    assert_int_equal(lex_line(lex, span_of(line), &here, &words, &err), -1);
    assert_non_null(strstr(err.text, "expanded"));
}

static void test_lex_line_many_lines_of_long_variables_are_bounded(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct lex *lex = lex_new(arena, NULL);
    struct lex_words words;
    struct err err = {0};
    char *big = arena_alloc(arena, 1000001);
    size_t lines = 0;

    (void)state;
    memset(big, 'x', 1000000);
    lex_set_variable(lex, span_of("B"), span_of(big), false);
    while (lines < 1000 && lex_line(lex, span_of("\"$B\""), &here, &words, &err) == 0)
        lines++;
    assert_int_equal(lines, 268);
    assert_int_equal(err.kind, ERR_INPUT);
}

static void test_lex_keep_variables_forgets_all_others_for_good(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct lex *lex = lex_new(arena, NULL);
    const struct lex_word kept = {.value = {"A", 1}};

    (void)state;
    for (int round = 0; round < 2; round++) {
        lex_set_variable(lex, span_of("A"), span_of("1"), false);
        lex_set_variable(lex, span_of("B"), span_of("2"), false);
        lex_keep_variables(lex, &kept, 1, false);
        assert_true(lex_has_variable(lex, span_of("A")));
        assert_false(lex_has_variable(lex, span_of("B")));
    }
    lex_keep_variables(lex, NULL, 0, false);
    assert_false(lex_has_variable(lex, span_of("A")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lex_line_plain_words_are_cut_at_blanks),
        cmocka_unit_test(test_lex_line_comment_begins_anywhere_outside_quotes),
        cmocka_unit_test(test_lex_line_quotes_join_inside_words),
        cmocka_unit_test(test_lex_line_escapes_as_haproxy),
        cmocka_unit_test(test_lex_line_carriage_return_ends_the_line_but_behind_a_blank),
        cmocka_unit_test(test_lex_line_variables_expand_in_double_quotes_only),
        cmocka_unit_test(test_lex_line_empty_word_ends_the_words),
        cmocka_unit_test(test_lex_line_malformed_is_refused_with_the_reason),
        cmocka_unit_test(test_lex_line_sixty_four_words_are_the_most),
        cmocka_unit_test(test_lex_line_place_is_of_the_raw_word),
        cmocka_unit_test(test_lex_line_variables_that_blow_up_are_refused),
        cmocka_unit_test(test_lex_line_many_lines_of_long_variables_are_bounded),
        cmocka_unit_test(test_lex_keep_variables_forgets_all_others_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
