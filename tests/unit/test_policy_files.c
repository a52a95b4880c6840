#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/rules.h"
#include "policy_fixture.h"

static const char *const shipped[] = {"default.conf", "strict.conf", "ci.conf"};
enum { SHIPPED = sizeof shipped / sizeof *shipped };

static void test_policy_files_all_load_and_differ(void **state)
{
    static const struct {
        const char *name;
        int64_t lifetime;
        int64_t approvals[3];
        bool person[3];
    } expected[SHIPPED] = {{"default", 86400, {1, 1, 2}, {true, true, false}},
                           {"strict", 28800, {2, 2, 2}, {false, false, false}},
                           {"ci", 259200, {1, 1, 2}, {false, false, false}}};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < SHIPPED; i++) {
        fixture_load_shipped(fixture, shipped[i]);
        assert_string_equal(policy_name(fixture->policy), expected[i].name);
        assert_int_equal(policy_plan_lifetime(fixture->policy), expected[i].lifetime);
        for (int risk = RISK_LOW; risk <= RISK_HIGH; risk++) {
            assert_int_equal(policy_approvals_for(fixture->policy, (enum risk)risk),
                             expected[i].approvals[risk]);
            assert_int_equal(policy_person_suffices(fixture->policy, (enum risk)risk),
                             expected[i].person[risk]);
        }
    }
}

/* Is line `number` (from 1) a comment? */
static bool is_comment(struct span text, size_t number)
{
    struct span line = {0};

    for (size_t i = 0; i < number; i++)
        assert_true(span_next_line(&text, &line));
    return span_starts_with(span_trim(line), "# ");
}

static void assert_explained(const char *file, struct span text, const struct conf_section *section)
{
    for (size_t i = 0; i < section->setting_count; i++)
        if (section->settings[i].line < 2 || !is_comment(text, section->settings[i].line - 1))
            fail_msg("%s:%zu: no comment above", file, section->settings[i].line);
}

static void test_policy_files_every_line_is_explained(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < SHIPPED; i++) {
        struct span text = fixture_shipped(fixture, shipped[i]);
        struct conf conf;
        assert_int_equal(
            conf_parse(text, shipped[i], &rules_grammar, fixture->arena, &conf, &fixture->err), 0);
        assert_explained(shipped[i], text, &conf.root);
        assert_true(conf.section_count > 10);
        for (size_t j = 0; j < conf.section_count; j++) {
            if (!is_comment(text, conf.sections[j].line - 1))
                fail_msg("%s:%zu: no comment above", shipped[i], conf.sections[j].line);
            assert_explained(shipped[i], text, &conf.sections[j]);
        }
    }
}

/* ---- damaged files: loaded, or refused with the file's name; never a crash ---- */

struct damage {
    struct fixture *fixture;
    size_t loaded, refused;
};

static void load_damaged(struct damage *damage, struct span text)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct policy policy = {.arena = arena};
    struct err err = {0};
    struct conf conf;

    if (conf_parse(text, "p.conf", &rules_grammar, arena, &conf, &err) == 0 &&
        rules_read(&policy, &conf, 1, &err) == 0 && rules_check(&policy, &err) == 0) {
        damage->loaded++;
        return;
    }
    damage->refused++;
    assert_int_equal(err.kind, ERR_INPUT);
    if (strncmp(err.text, "p.conf:", 7) != 0 || err.text[7] < '1' || err.text[7] > '9')
        fail_msg("'%s' names no line", err.text);
}

static void test_policy_files_without_one_line_load_or_are_refused(void **state)
{
    struct damage damage = {.fixture = *state};

    for (size_t i = 0; i < SHIPPED; i++) {
        struct span text = fixture_shipped(damage.fixture, shipped[i]);
        struct span rest = text, line;
        size_t start = 0;
        while (span_next_line(&rest, &line)) {
            size_t end =
                (size_t)(rest.len == 0 ? text.ptr + text.len - text.ptr : rest.ptr - text.ptr);
            char *shorter = arena_copy(damage.fixture->arena, text.ptr, text.len);
            memmove(shorter + start, text.ptr + end, text.len - end);
            load_damaged(&damage, (struct span){shorter, text.len - (end - start)});
            start = end;
        }
    }
    /* Comments can go, brackets cannot. */
    assert_true(damage.loaded > 100);
    assert_true(damage.refused > 100);
}

static void test_policy_files_cut_off_are_refused(void **state)
{
    struct damage damage = {.fixture = *state};

    for (size_t i = 0; i < SHIPPED; i++) {
        struct span text = fixture_shipped(damage.fixture, shipped[i]);
        for (size_t len = 0; len < text.len; len += 17)
            load_damaged(&damage, (struct span){text.ptr, len});
    }
    assert_true(damage.refused > 1000);
}

static void test_policy_files_with_flipped_bytes_load_or_are_refused(void **state)
{
    static const unsigned char flips[] = {0x01, 0x04, 0x10, 0x20, 0x7f, 0x80, 0xff};
    struct damage damage = {.fixture = *state};
    size_t turn = 0;

    for (size_t i = 0; i < SHIPPED; i++) {
        struct span text = fixture_shipped(damage.fixture, shipped[i]);
        char *bytes = arena_copy(damage.fixture->arena, text.ptr, text.len);
        for (size_t at = 0; at < text.len; at += 5) {
            char kept = bytes[at];
            bytes[at] = (char)((unsigned char)kept ^ flips[turn++ % sizeof flips]);
            load_damaged(&damage, (struct span){bytes, text.len});
            bytes[at] = kept;
        }
    }
    assert_true(damage.loaded > 500);
    assert_true(damage.refused > 500);
}

/* Signs of the grammar in every place where they could do harm. */
static void test_policy_files_with_signs_put_in_load_or_are_refused(void **state)
{
    static const char *const signs[] = {"{", "}", "\"", "=", ",", "\n", "#", "\\", "${HOME}", "0"};
    struct damage damage = {.fixture = *state};
    size_t turn = 0;
    struct span text = fixture_shipped(damage.fixture, shipped[0]);
    char *bytes = arena_alloc(damage.fixture->arena, text.len + 16);

    for (size_t at = 0; at < text.len; at += 7) {
        const char *sign = signs[turn++ % (sizeof signs / sizeof *signs)];
        size_t len = strlen(sign);
        memcpy(bytes, text.ptr, at);
        memcpy(bytes + at, sign, len);
        memcpy(bytes + at + len, text.ptr + at, text.len - at);
        load_damaged(&damage, (struct span){bytes, text.len + len});
    }
    assert_true(damage.loaded > 100);
    assert_true(damage.refused > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        TEST(test_policy_files_all_load_and_differ),
        TEST(test_policy_files_every_line_is_explained),
        TEST(test_policy_files_without_one_line_load_or_are_refused),
        TEST(test_policy_files_cut_off_are_refused),
        TEST(test_policy_files_with_flipped_bytes_load_or_are_refused),
        TEST(test_policy_files_with_signs_put_in_load_or_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
