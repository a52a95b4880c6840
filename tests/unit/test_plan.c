#include <stdlib.h>
#include <string.h>

#include "plans/plan.h"
#include "tests/unit/cmocka_all.h"

static int make_arena(void **state)
{
    *state = arena_new();
    return 0;
}

static int drop_arena(void **state)
{
    arena_free(*state);
    return 0;
}

static void test_plan_words_lead_back_to_their_values(void **state)
{
    enum risk risk = RISK_LOW;
    enum impact impact = IMPACT_NONE;
    enum action action = ACTION_NO_OP;
    enum finding_state finding_state = FINDING_PROVEN;
    enum severity severity = SEVERITY_NOTICE;

    (void)state;
    assert_true(risk_from_word(risk_word(RISK_HIGH), &risk));
    assert_int_equal(risk, RISK_HIGH);
    assert_true(impact_from_word(impact_word(IMPACT_RESTART), &impact));
    assert_int_equal(impact, IMPACT_RESTART);
    assert_true(action_from_word("no-op", &action));
    assert_int_equal(action, ACTION_NO_OP);
    assert_true(action_from_word(action_word(ACTION_DELETE), &action));
    assert_int_equal(action, ACTION_DELETE);
    assert_true(finding_state_from_word("possible", &finding_state));
    assert_int_equal(finding_state, FINDING_POSSIBLE);
    assert_true(severity_from_word("critical", &severity));
    assert_int_equal(severity, SEVERITY_CRITICAL);
    assert_false(risk_from_word("High", &risk));
    assert_false(severity_from_word("", &severity));
    assert_int_equal(risk, RISK_HIGH);
}

static void test_plan_strings_are_copied_and_found(void **state)
{
    struct arena *arena = *state;
    struct strings strings = {0};
    char word[8] = "one";

    strings_add(&strings, arena, word);
    memset(word, 'x', 3);
    strings_addf(&strings, arena, "%d and %s", 2, "three");
    assert_int_equal(strings.count, 2);
    assert_string_equal(strings.at[0], "one");
    assert_true(strings_have(&strings, "2 and three"));
    assert_false(strings_have(&strings, "two"));
    char *longer = arena_alloc(arena, 1001);
    memset(longer, 'y', 1000);
    strings_addf(&strings, arena, "%s", longer);
    assert_string_equal(strings.at[2], longer);
}

static void test_plan_impact_is_the_highest_of_what_changes(void **state)
{
    struct change changes[3] = {
        {.action = ACTION_UPDATE, .impact = IMPACT_NONE},
        {.action = ACTION_NO_OP, .impact = IMPACT_RESTART},
        {.action = ACTION_DELETE, .impact = IMPACT_RELOAD},
    };
    struct plan plan = {.changes = changes, .change_count = 3};

    (void)state;
    assert_int_equal(plan_impact(&plan), IMPACT_RELOAD);
    assert_int_equal(plan_effective_changes(&plan), 2);
    plan.change_count = 0;
    assert_int_equal(plan_impact(&plan), IMPACT_NONE);
}

static void test_plan_address_is_kind_and_target(void **state)
{
    static const char *const wrong[] = {
        "",         "selinux.port", "selinux.port:",   ":tcp/80",        "port:tcp/80",
        ".port:x",  "selinux.:x",   "selinux..port:x", "Selinux.port:x", "selinux.port:a b",
        "a.b:\x7f", "a.b:\xc3\xa4", "a b.c:x",         "a.b\n:x",
    };
    struct arena *arena = *state;
    const char *kind = NULL, *target = NULL;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (address_split(arena, wrong[i], &kind, &target))
            fail_msg("accepted: '%s'", wrong[i]);
        assert_null(kind);
    }
    assert_true(address_split(arena, "haproxy.maxconn:server/be:a/s", &kind, &target));
    assert_string_equal(kind, "haproxy.maxconn");
    assert_string_equal(target, "server/be:a/s");
}

static void test_plan_wish_is_address_and_value(void **state)
{
    static const struct {
        const char *text, *address, *value;
    } good[] = {
        {"sysctl.dropin:net.core.somaxconn=4096", "sysctl.dropin:net.core.somaxconn", "4096"},
        {"selinux.boolean:haproxy_connect_any=", "selinux.boolean:haproxy_connect_any", ""},
        {"sysctl.dropin:net.ipv4.ip_local_port_range=1024 65535",
         "sysctl.dropin:net.ipv4.ip_local_port_range", "1024 65535"},
        {"a.b:x=1 y=2", "a.b:x", "1 y=2"},
        {"a.b:x=y=z", "a.b:x=y", "z"},
    };
    static const char *const wrong[] = {
        "", "=", "a.b:=1", "a.b=1", "net.core.somaxconn=1", "a.b:x", "a.b:x=\n", "a.b:x=\xff",
    };
    struct arena *arena = *state;
    struct err err = {0};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct wish wish;
        if (wish_parse(arena, good[i].text, &wish, &err) < 0)
            fail_msg("%s", err.text);
        assert_string_equal(wish.address, good[i].address);
        assert_string_equal(wish.value, good[i].value);
        assert_int_equal(wish.source, WISH_OPERATOR);
        assert_true(strings_have(&wish.why, "wish"));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct wish wish = {.value = "untouched"};
        if (wish_parse(arena, wrong[i], &wish, &err) == 0)
            fail_msg("accepted: '%s'", wrong[i]);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_string_equal(wish.value, "untouched");
    }
}

static void test_plan_time_is_written_and_read_back(void **state)
{
    static const int64_t times[] = {0, 951782400, 1795338842, 4102444799, 253402300799};
    struct arena *arena = *state;
    int64_t seconds = -1;

    assert_string_equal(time_text(arena, 1795338842), "2026-11-22T09:14:02Z");
    assert_string_equal(time_text(arena, 951782400), "2000-02-29T00:00:00Z");
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_true(time_from_text(time_text(arena, times[i]), &seconds));
        assert_int_equal(seconds, times[i]);
    }
    assert_string_equal(time_text(arena, -1), "1970-01-01T00:00:00Z");
    assert_string_equal(time_text(arena, INT64_MAX), "9999-12-31T23:59:59Z");
}

static void test_plan_time_that_is_none_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "2026-11-22T09:14:02",
        "2026-11-22 09:14:02Z",
        "2026-11-22T09:14:02+00:00",
        "2026-11-22T09:14:02Z ",
        "2026-11-31T09:14:02Z",
        "2026-02-29T09:14:02Z",
        "2026-13-01T09:14:02Z",
        "2026-00-01T09:14:02Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T09:60:02Z",
        "2026-11-22T09:14:60Z",
        "1969-12-31T23:59:59Z",
        "+026-11-22T09:14:02Z",
        "2026-11-22T09:14:-2Z",
    };
    int64_t seconds = 42;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (time_from_text(wrong[i], &seconds))
            fail_msg("accepted: '%s'", wrong[i]);
    assert_int_equal(seconds, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_words_lead_back_to_their_values),
        cmocka_unit_test(test_plan_strings_are_copied_and_found),
        cmocka_unit_test(test_plan_impact_is_the_highest_of_what_changes),
        cmocka_unit_test(test_plan_address_is_kind_and_target),
        cmocka_unit_test(test_plan_wish_is_address_and_value),
        cmocka_unit_test(test_plan_time_is_written_and_read_back),
        cmocka_unit_test(test_plan_time_that_is_none_is_refused),
    };

    return cmocka_run_group_tests_name("plan", tests, make_arena, drop_arena);
}
