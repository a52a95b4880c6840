#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plans/base/file.h"
#include "policies/conf.h"

static const struct conf_key root_keys[] = {
    {"name", CONF_TEXT}, {"count", CONF_NUMBER}, {"really", CONF_TRUTH}, {"words", CONF_LIST}, {0}};
static const struct conf_key inner_keys[] = {{"low", CONF_NUMBER}, {"words", CONF_LIST}, {0}};
static const struct conf_block blocks[] = {
    {"plain", false, inner_keys}, {"titled", true, inner_keys}, {0}};
static const struct conf_grammar grammar = {root_keys, blocks};

struct fixture {
    struct arena *arena;
    struct err err;
    struct conf conf;
    char dir_name[64];
    int dir;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->arena = arena_new();
    memcpy(fixture->dir_name, "/tmp/hamedic-conf-XXXXXX", sizeof "/tmp/hamedic-conf-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir_name));
    fixture->dir = open(fixture->dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fixture->dir >= 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    (void)unlinkat(fixture->dir, "a.conf", 0);
    (void)unlinkat(fixture->dir, "link.conf", 0);
    (void)close(fixture->dir);
    (void)rmdir(fixture->dir_name);
    arena_free(fixture->arena);
    free(fixture);
    return 0;
}

static int parse(struct fixture *fixture, const char *text)
{
    fixture->err = (struct err){0};
    return conf_parse(span_of(text), "f.conf", &grammar, fixture->arena, &fixture->conf,
                      &fixture->err);
}

static void assert_refused(struct fixture *fixture, const char *text, const char *message)
{
    assert_int_equal(parse(fixture, text), -1);
    assert_int_equal(fixture->err.kind, ERR_INPUT);
    assert_string_equal(fixture->err.text, message);
}

/* Where libconfuse has the word, its exact wording is its own affair. */
static void assert_refused_at(struct fixture *fixture, const char *text, const char *place)
{
    assert_int_equal(parse(fixture, text), -1);
    assert_int_equal(fixture->err.kind, ERR_INPUT);
    if (strncmp(fixture->err.text, place, strlen(place)) != 0)
        fail_msg("'%s' does not begin with '%s'", fixture->err.text, place);
}

static void put_file(struct fixture *fixture, const char *text, size_t len, mode_t mode)
{
    struct err err = {0};

    assert_int_equal(file_put(fixture->dir, "a.conf", (struct span){text, len}, mode, &err), 0);
}

static int read_back(struct fixture *fixture, const char *name, struct span *out_text)
{
    fixture->err = (struct err){0};
    return conf_read(fixture->dir, name, name, fixture->arena, out_text, &fixture->err);
}

/* ---- what is read ---- */

static void test_conf_every_type_is_read_with_its_line(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(parse(fixture, "# a comment with \"quotes\" and {braces}\n"
                                    "name = \"a b, {c} # d\" # behind a value\n"
                                    "count =\n\t42\n"
                                    "really=yes\n"
                                    "words = {\"x/*\", # inside a list\n  y-1.2, \"\"}\n"
                                    "plain { low = 7 }\n"
                                    "titled \"one\" {\n}\n"
                                    "titled \"two\" { words = {a} low = 0 }"),
                     0);
    const struct conf_section *root = &fixture->conf.root;
    assert_int_equal(root->setting_count, 4);
    assert_string_equal(conf_find(root, "name")->text, "a b, {c} # d");
    assert_int_equal(conf_find(root, "name")->line, 2);
    assert_int_equal(conf_find(root, "count")->number, 42);
    assert_int_equal(conf_find(root, "count")->line, 3);
    assert_true(conf_find(root, "really")->truth);
    assert_int_equal(conf_find(root, "words")->line, 6);
    assert_int_equal(conf_find(root, "words")->list.count, 3);
    assert_string_equal(conf_find(root, "words")->list.at[0], "x/*");
    assert_string_equal(conf_find(root, "words")->list.at[1], "y-1.2");
    assert_string_equal(conf_find(root, "words")->list.at[2], "");
    assert_null(conf_find(root, "low"));
    assert_int_equal(fixture->conf.section_count, 3);
    assert_string_equal(fixture->conf.sections[0].name, "plain");
    assert_null(fixture->conf.sections[0].title);
    assert_int_equal(conf_find(&fixture->conf.sections[0], "low")->number, 7);
    assert_string_equal(fixture->conf.sections[1].title, "one");
    assert_int_equal(fixture->conf.sections[1].line, 9);
    assert_int_equal(fixture->conf.sections[1].setting_count, 0);
    assert_int_equal(fixture->conf.sections[2].line, 11);
    assert_string_equal(conf_find(&fixture->conf.sections[2], "words")->list.at[0], "a");
    assert_int_equal(conf_find(&fixture->conf.sections[2], "low")->number, 0);
}

static void test_conf_empty_text_has_no_settings(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(parse(fixture, ""), 0);
    assert_int_equal(parse(fixture, "\n\n# only a comment"), 0);
    assert_int_equal(fixture->conf.root.setting_count, 0);
    assert_int_equal(fixture->conf.section_count, 0);
}

/* ---- what is refused ---- */

static void test_conf_unknown_names_are_refused_with_the_nearest(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, "\nnme = x\n", "f.conf:2: unknown key 'nme' (did you mean 'name'?)");
    assert_refused(fixture, "plain {\n lwo = 1 }",
                   "f.conf:2: unknown key 'lwo' (did you mean 'low'?)");
    assert_refused(fixture, "entirely = 1",
                   "f.conf:1: unknown key 'entirely' (known here: 'name', 'count', 'really', "
                   "'words')");
    assert_refused(fixture, "plain { name = x }",
                   "f.conf:1: unknown key 'name' (known here: 'low', 'words')");
    assert_refused(fixture, "tilted \"x\" { }",
                   "f.conf:1: unknown section 'tilted' (did you mean 'titled'?)");
}

static void test_conf_duplicates_are_refused_with_both_lines(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, "name = a\n\nname = a\n",
                   "f.conf:3: 'name' stands twice: first in f.conf:1");
    assert_refused(fixture, "words = {a}\nwords = {b}\n",
                   "f.conf:2: 'words' stands twice: first in f.conf:1");
    assert_refused(fixture, "plain {\n low = 1\n low = 2 }",
                   "f.conf:3: 'low' stands twice: first in f.conf:2");
    assert_refused(fixture, "plain { low = 1 }\nplain { }",
                   "f.conf:2: plain stands twice: first in f.conf:1");
    assert_refused(fixture, "titled \"x\" { low = 1 }\ntitled \"y\" { }\ntitled \"x\" { low = 2 }",
                   "f.conf:3: titled \"x\" stands twice: first in f.conf:1");
}

static void test_conf_wrong_types_are_refused_with_what_was_expected(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, "\ncount = many",
                   "f.conf:2: 'count' is 'many': expected a whole number, 0 to "
                   "9223372036854775807");
    assert_refused_at(fixture, "count = -1", "f.conf:1: 'count' is '-1': expected");
    assert_refused_at(fixture, "count = 0x10", "f.conf:1: 'count' is '0x10': expected");
    assert_refused_at(fixture, "count = \"\"", "f.conf:1: 'count' is '': expected");
    assert_refused_at(fixture, "count = 9223372036854775808", "f.conf:1: 'count' is");
    assert_int_equal(parse(fixture, "count = 9223372036854775807"), 0);
    assert_refused(fixture, "really = perhaps",
                   "f.conf:1: 'really' is 'perhaps': expected true or false");
    assert_refused(fixture, "name = {a}", "f.conf:1: 'name' takes one value, not a list");
    assert_refused(fixture, "words = {}", "f.conf:1: 'words' has no value: expected at least one");
    assert_refused(fixture, "plain \"t\" { }", "f.conf:1: section 'plain' has no title");
    assert_refused(fixture, "titled { }",
                   "f.conf:1: section 'titled' needs a title in double quotes before '{'");
}

static void test_conf_broken_grammar_is_refused_at_its_line(void **state)
{
    struct fixture *fixture = *state;

    assert_refused_at(fixture, "# c\n# c\nname \"x\"\n", "f.conf:3: ");
    assert_refused_at(fixture, "name =\n", "f.conf:2: ");
    assert_refused_at(fixture, "}\n", "f.conf:1: ");
    assert_refused(fixture, "\nplain {\n",
                   "f.conf:2: section 'plain' is not closed: the file is cut off");
    assert_refused(fixture, "titled \"x\" { low = 1\n# }",
                   "f.conf:1: section 'titled' is not closed: the file is cut off");
    assert_refused_at(fixture, "plain { }\n}\n", "f.conf:2: ");
    assert_refused_at(fixture, "words = {a b}\n", "f.conf:1: ");
    assert_refused_at(fixture, "words = {a\n", "f.conf:2: ");
    assert_refused_at(fixture, "words = {,}\n", "f.conf:1: ");
    assert_refused_at(fixture, "name = a b\n", "f.conf:1: ");
    assert_refused_at(fixture, "plain { plain { } }\n", "f.conf:1: section 'plain' inside of");
    assert_refused_at(fixture, "= x\n", "f.conf:1: expected a key");
    assert_refused_at(fixture, "{ }\n", "f.conf:1: expected the name");
    assert_refused_at(fixture, "name = \"open\nname", "f.conf:1: '\"' is not closed");
    /* The scanner of libconfuse is not left in the middle of a string. */
    assert_int_equal(parse(fixture, "name = fine"), 0);
}

/* A key in quotes would let libconfuse reach "plain|low" from outside: a duplicate that nobody
 * sees. */
static void test_conf_a_quoted_key_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, "plain { low = 1 }\n\"plain|low\" = 2",
                   "f.conf:2: expected a key without quotes before '='");
    assert_refused_at(fixture, "plain|low = 2", "f.conf:1: unexpected '|'");
}

static void test_conf_the_environment_is_never_expanded(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(setenv("HAMEDIC_TEST", "from the environment", 1), 0);
    assert_refused_at(fixture, "name = \"${HAMEDIC_TEST}\"", "f.conf:1: '${' is refused");
    assert_refused_at(fixture, "\nname = ${HAMEDIC_TEST}", "f.conf:2: '${' is refused");
    assert_refused_at(fixture, "name = \"${HAMEDIC_NONE:-x}\"", "f.conf:1: '${' is refused");
    assert_refused_at(fixture, "titled \"${HAMEDIC_TEST}\" { }", "f.conf:1: '${' is refused");
    assert_refused_at(fixture, "# ${HAMEDIC_TEST}", "f.conf:1: '${' is refused");
    assert_int_equal(parse(fixture, "name = \"$HAMEDIC_TEST $ {x}\""), 0);
    assert_string_equal(conf_find(&fixture->conf.root, "name")->text, "$HAMEDIC_TEST $ {x}");
    assert_int_equal(unsetenv("HAMEDIC_TEST"), 0);
}

static void test_conf_what_libconfuse_would_drop_or_change_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_refused_at(fixture, "include(\"/etc/passwd\")", "f.conf:1: unexpected '(': functions");
    assert_refused_at(fixture, "name = 'x'", "f.conf:1: unexpected ''': values stand in");
    assert_refused_at(fixture, "words += {a}", "f.conf:1: unexpected '+': a list");
    assert_refused_at(fixture, "/* c */ name = x", "f.conf:1: unexpected '/'");
    assert_refused_at(fixture, "name = * x", "f.conf:1: unexpected '*'");
    assert_refused_at(fixture, "name = \"a\\0b\"", "f.conf:1: a backslash in quotes");
    assert_refused_at(fixture, "name = \"a\tb\"", "f.conf:1: a tab in quotes");
    assert_refused_at(fixture, "name = a\r\n", "f.conf:1: byte 0x0d");
    assert_refused_at(fixture, "# gr\xc3\xbc\xc3\x9f", "f.conf:1: byte 0xc3");
    assert_refused_at(fixture, "# \x1b[2J", "f.conf:1: byte 0x1b");
    assert_int_equal(conf_parse((struct span){"name = a\n\0name = b", 18}, "f.conf", &grammar,
                                fixture->arena, &fixture->conf, &fixture->err),
                     -1);
    assert_string_equal(fixture->err.text,
                        "f.conf:2: byte 0x00: expected printable ASCII, tab and line feed only");
}

static void test_conf_too_many_sections_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char *text = arena_alloc(fixture->arena, 64 * (CONF_SECTIONS_MAX + 2));
    size_t len = 0;

    for (int i = 0; i <= CONF_SECTIONS_MAX; i++) {
        const char *line = arena_printf(fixture->arena, "titled \"%d\" { }\n", i);
        memcpy(text + len, line, strlen(line));
        len += strlen(line);
    }
    assert_refused(fixture, text, "f.conf:1025: more than 1024 sections");
}

/* ---- the file ---- */

static void test_conf_file_of_the_caller_is_read(void **state)
{
    struct fixture *fixture = *state;
    struct span text;

    put_file(fixture, "name = x\n", 9, 0644);
    assert_int_equal(read_back(fixture, "a.conf", &text), 0);
    assert_true(span_is(text, "name = x\n"));
}

static void test_conf_file_that_others_may_write_is_denied(void **state)
{
    struct fixture *fixture = *state;
    struct span text;

    put_file(fixture, "name = x\n", 9, 0664);
    assert_int_equal(read_back(fixture, "a.conf", &text), -1);
    assert_int_equal(fixture->err.kind, ERR_DENIED);
    assert_string_equal(fixture->err.text,
                        "a.conf: may be written by its group (mode 0664): expected chmod go-w");
    put_file(fixture, "name = x\n", 9, 0602);
    assert_int_equal(read_back(fixture, "a.conf", &text), -1);
    assert_int_equal(fixture->err.kind, ERR_DENIED);
    assert_string_equal(fixture->err.text,
                        "a.conf: may be written by others (mode 0602): expected chmod go-w");
}

static void test_conf_file_of_another_user_is_denied(void **state)
{
    struct fixture *fixture = *state;
    struct span text;

    put_file(fixture, "name = x\n", 9, 0644);
    /* Only root can give a file away; without root the file stays ours and is read. */
    if (fchownat(fixture->dir, "a.conf", 65534, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0) {
        assert_int_not_equal(geteuid(), 0);
        assert_int_equal(read_back(fixture, "a.conf", &text), 0);
        return;
    }
    assert_int_equal(read_back(fixture, "a.conf", &text), -1);
    assert_int_equal(fixture->err.kind, ERR_DENIED);
    assert_string_equal(fixture->err.text,
                        "a.conf: owned by user 65534: expected root or the user who runs hamedic");
}

static void test_conf_links_and_special_files_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct span text;

    put_file(fixture, "name = x\n", 9, 0644);
    assert_int_equal(symlinkat("a.conf", fixture->dir, "link.conf"), 0);
    assert_int_equal(read_back(fixture, "link.conf", &text), -1);
    assert_int_equal(fixture->err.kind, ERR_INPUT);
    assert_int_equal(unlinkat(fixture->dir, "link.conf", 0), 0);
    assert_int_equal(mkfifoat(fixture->dir, "link.conf", 0600), 0);
    assert_int_equal(read_back(fixture, "link.conf", &text), -1);
    assert_int_equal(fixture->err.kind, ERR_INPUT);
    assert_int_equal(read_back(fixture, "absent.conf", &text), -1);
    assert_int_equal(fixture->err.kind, ERR_SYS);
}

static void test_conf_file_larger_than_the_bound_is_refused(void **state)
{
    struct fixture *fixture = *state;
    size_t len = (size_t)300 * 1024;
    char *bytes = arena_alloc(fixture->arena, len + 1);
    struct span text;

    memset(bytes, '#', len);
    put_file(fixture, bytes, len, 0644);
    assert_int_equal(read_back(fixture, "a.conf", &text), -1);
    assert_int_equal(fixture->err.kind, ERR_INPUT);
    put_file(fixture, bytes, CONF_FILE_MAX, 0644);
    assert_int_equal(read_back(fixture, "a.conf", &text), 0);
    assert_int_equal(text.len, CONF_FILE_MAX);
    assert_refused_at(fixture, bytes, "f.conf: 307200 bytes: expected at most 262144");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_conf_every_type_is_read_with_its_line),
        TEST(test_conf_empty_text_has_no_settings),
        TEST(test_conf_unknown_names_are_refused_with_the_nearest),
        TEST(test_conf_duplicates_are_refused_with_both_lines),
        TEST(test_conf_wrong_types_are_refused_with_what_was_expected),
        TEST(test_conf_broken_grammar_is_refused_at_its_line),
        TEST(test_conf_a_quoted_key_is_refused),
        TEST(test_conf_the_environment_is_never_expanded),
        TEST(test_conf_what_libconfuse_would_drop_or_change_is_refused),
        TEST(test_conf_too_many_sections_are_refused),
        TEST(test_conf_file_of_the_caller_is_read),
        TEST(test_conf_file_that_others_may_write_is_denied),
        TEST(test_conf_file_of_another_user_is_denied),
        TEST(test_conf_links_and_special_files_are_refused),
        TEST(test_conf_file_larger_than_the_bound_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
