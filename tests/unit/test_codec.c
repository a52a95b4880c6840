#include <stdlib.h>

#include "tests/unit/cmocka_all.h"
#include "tests/unit/sample_plan.h"

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

/* `text` with the first `from` replaced by `to`; that it was there is asserted. */
static struct span replaced(struct arena *arena, struct span text, const char *from, const char *to)
{
    const char *at = strstr(text.ptr, from);

    if (at == NULL)
        fail_msg("the sample has no %s", from);
    return span_of(
        arena_printf(arena, "%.*s%s%s", (int)(at - text.ptr), text.ptr, to, at + strlen(from)));
}

static void assert_refused(struct arena *arena, struct span text, const char *message)
{
    struct plan plan;
    struct err err = {0};

    memset(&plan, 0x5a, sizeof plan);
    struct plan untouched = plan;
    if (codec_read_plan(text, arena, &plan, &err) == 0)
        fail_msg("read without an error, expected: %s", message);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.text, message);
    assert_memory_equal(&plan, &untouched, sizeof plan);
}

static void test_codec_full_plan_is_read_back_to_the_same_bytes(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena), again;
    struct err err = {0};
    struct span text = codec_write_plan(&plan, arena);

    if (codec_read_plan(text, arena, &again, &err) < 0)
        fail_msg("%s", err.text);
    struct span twice = codec_write_plan(&again, arena);
    assert_string_equal(twice.ptr, text.ptr);
    assert_int_equal(twice.len, text.len);
    assert_string_equal(again.id, plan.id);
    assert_int_equal(again.created, plan.created);
    assert_int_equal(again.finding_count, 2);
    assert_int_equal(again.findings[0].severity, SEVERITY_CRITICAL);
    assert_string_equal(again.findings[0].evidence[1].source, "policy");
    assert_int_equal(again.findings[0].evidence[1].time, SAMPLE_TIME + 1);
    assert_null(again.findings[0].settle);
    assert_int_equal(again.change_count, 2);
    assert_null(again.changes[0].before.persistent);
    assert_string_equal(again.changes[1].before.runtime, "");
    assert_string_equal(again.changes[1].touched[0].digest, SAMPLE_DIGEST);
    assert_int_equal(again.changes[1].impact, IMPACT_RELOAD);
    assert_string_equal(again.not_checked.at[0], plan.not_checked.at[0]);
}

static void test_codec_empty_draft_is_read_back(void **state)
{
    struct arena *arena = *state;
    struct plan plan = {.id = "00000000000000000000000000000000", .draft = true, .tree = true};
    struct plan again;
    struct err err = {0};

    plan.host.name = plan.agent = plan.policy.name = "x";
    plan.policy.digest = SAMPLE_DIGEST;
    if (codec_read_plan(codec_write_plan(&plan, arena), arena, &again, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(again.draft);
    assert_true(again.tree);
    assert_null(again.host.lineage);
    assert_null(again.haproxy);
    assert_int_equal(again.change_count, 0);
}

static void test_codec_foreign_bytes_are_written_as_visible_ascii(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena), again;
    struct err err = {0};

    plan.findings[0].summary = "a\x1b[2J\x7f\xe2\x80\xae\tb\\n";
    struct span text = codec_write_plan(&plan, arena);
    for (size_t i = 0; i < text.len; i++)
        assert_true(text.ptr[i] == '\n' || (text.ptr[i] >= 0x20 && text.ptr[i] <= 0x7e));
    assert_int_equal(codec_read_plan(text, arena, &again, &err), 0);
    assert_string_equal(again.findings[0].summary, "a\\x1b[2J\\x7f\\xe2\\x80\\xae\\tb\\\\n");
}

static void test_codec_malformed_values_are_named_with_their_path(void **state)
{
    static const struct {
        const char *from, *to, *message;
    } cases[] = {
        {"plan/1", "plan/2", "schema: expected \"hamedic/plan/1\", found \"hamedic/plan/2\""},
        {"\"7f3a", "\"7f3",
         "id: expected 32 lower-case hex digits, found "
         "\"7f39c0123456789abcdef0123456789\""},
        {"\"7f3a", "\"7F3a",
         "id: expected 32 lower-case hex digits, found "
         "\"7F3a9c0123456789abcdef0123456789\""},
        {"\"draft\": false", "\"draft\": 0", "draft: expected true or false, found a whole number"},
        {"\"draft\": false,", "", "draft: expected true or false, but it is missing"},
        {"\"lineage\": \"aa55aa55aa55aa55\",", "",
         "host.lineage: expected a string or null, but it is missing"},
        {"\"name\": \"lb01\"", "\"name\": null", "host.name: expected a string, found null"},
        {"\"name\": \"lb01\"", "\"name\": \"lb01\", \"root\": 1", "host.root: unknown key"},
        {"\"agent\":", "\"agent2\":", "agent2: unknown key"},
        {"2026-11-22", "2026-11-31",
         "created: expected a time such as \"2026-11-22T09:14:02Z\", "
         "found \"2026-11-31T09:14:02Z\""},
        {"\"expires\": \"2026", "\"expires\": \"2025",
         "expires: expected a time not before created"},
        {"\"risk\": \"medium\"", "\"risk\": \"tiny\"",
         "risk: expected low, medium or high, found \"tiny\""},
        {"\"approvals\": 1", "\"approvals\": -1",
         "approvals: expected a whole number from 0 to 64, found -1"},
        {"\"approvals\": 1", "\"approvals\": 1.0",
         "approvals: expected a whole number, found a fraction"},
        {"\"proven\"", "\"sure\"",
         "findings[0].state: expected proven or possible, found \"sure\""},
        {"\"source\": \"policy\"", "\"source\": {}",
         "findings[0].evidence[1].source: expected a string, found an object"},
        {"\"selinux.port\"", "\"selinux.boolean\"",
         "changes[0].kind: expected \"selinux.port\" as in its address, "
         "found \"selinux.boolean\""},
        {"\"target\": \"tcp/8888\"", "\"target\": \"tcp/8889\"",
         "changes[0].target: expected \"tcp/8888\" as in its address, found \"tcp/8889\""},
        {"\"selinux.port:tcp/8888\"", "\"selinux.port\"",
         "changes[0].address: expected KIND:TARGET, found \"selinux.port\""},
        {"\"create\"", "\"create\", \"delete\"",
         "changes[0].actions: expected at most 1 elements, found 2"},
        {"\"create\"", "",
         "changes[0].actions: expected an array of one word: create, update, delete or no-op"},
        {"\"blake2b\": \"absent\"", "\"blake2b\": \"abs\"",
         "changes[0].digest[0].blake2b: expected 64 hex digits or \"absent\", found \"abs\""},
        {"\"backend-selinux\"\n      ]", "\"backend-selinux\", null\n      ]",
         "changes[0].why[1]: expected a string of at most 4096 bytes"},
        {"backend-selinux", "backend\\u001bselinux", "findings[0].cause: expected printable ASCII"},
        {"every request", "every\\u202erequest",
         "findings[0].consequences[0]: expected printable ASCII"},
    };
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);
    struct span text = codec_write_plan(&plan, arena);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(arena, replaced(arena, text, cases[i].from, cases[i].to), cases[i].message);
}

static void test_codec_duplicate_key_is_refused(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena), again;
    struct err err = {0};
    struct span text = replaced(arena, codec_write_plan(&plan, arena), "\"tree\": false",
                                "\"tree\": false, \"draft\": true");

    assert_int_equal(codec_read_plan(text, arena, &again, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.text, "duplicate object key"));
}

static void test_codec_raw_byte_outside_ascii_is_refused_with_its_place(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);
    struct span text = codec_write_plan(&plan, arena);

    assert_refused(arena, replaced(arena, text, "hamedic/plan/1", "hamedic\x1bplan/1"),
                   "line 2, column 21: expected printable ASCII, found byte 0x1b");
    assert_refused(arena, replaced(arena, text, "{\n", "{\r\n"),
                   "line 1, column 2: expected printable ASCII, found byte 0x0d");
    char *with_nul = arena_copy(arena, text.ptr, text.len);
    with_nul[3] = '\0';
    assert_refused(arena, (struct span){with_nul, text.len},
                   "line 2, column 2: expected printable ASCII, found byte 0x00");
}

static void test_codec_over_long_string_is_refused(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena), again;
    struct err err = {0};
    char *summary = arena_alloc(arena, PLAN_STRING_MAX + 2);

    memset(summary, 'x', PLAN_STRING_MAX);
    plan.findings[1].summary = summary;
    assert_int_equal(codec_read_plan(codec_write_plan(&plan, arena), arena, &again, &err), 0);
    summary[PLAN_STRING_MAX] = 'x';
    assert_refused(arena, codec_write_plan(&plan, arena),
                   "findings[1].summary: expected at most 4096 bytes, found 4097");
    plan.findings[1].summary = "short";
    plan.advice.at[0] = summary;
    assert_refused(arena, codec_write_plan(&plan, arena),
                   "advice[0]: expected a string of at most 4096 bytes");
}

static void test_codec_too_many_elements_are_refused(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);

    while (plan.change_count <= PLAN_CHANGES_MAX) {
        struct change one = plan.changes[0];
        ARENA_PUSH(arena, plan.changes, plan.change_count) = one;
    }
    assert_refused(arena, codec_write_plan(&plan, arena),
                   "changes: expected at most 256 elements, found 257");
}

static void test_codec_deep_or_huge_document_is_refused(void **state)
{
    struct arena *arena = *state;

    assert_refused(arena, span_of("{\"a\":[[[[[[[[1]]]]]]]]}"),
                   "line 1: nested too deep: expected at most 8 levels");
    char *huge = arena_alloc(arena, PLAN_FILE_MAX + 2);
    memset(huge, ' ', PLAN_FILE_MAX + 1);
    assert_refused(arena, (struct span){huge, PLAN_FILE_MAX + 1},
                   "document: expected at most 8388608 bytes, found 8388609");
    assert_refused(arena, span_of("[]"), "document: expected an object");
}

static void test_codec_plan_cut_off_anywhere_is_refused(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena), again;
    struct span text = codec_write_plan(&plan, arena);

    /* Without its last LF it is still whole. */
    for (size_t len = 0; len + 1 < text.len; len += 7) {
        struct arena *scratch CLEANUP_ARENA = arena_new();
        struct err err = {0};
        struct span part = {arena_copy(scratch, text.ptr, len), len};
        assert_int_equal(codec_read_plan(part, scratch, &again, &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
    }
}

static void test_codec_trailing_text_is_refused(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena), again;
    struct err err = {0};
    struct span text = codec_write_plan(&plan, arena);

    assert_int_equal(
        codec_read_plan(span_of(arena_printf(arena, "%s{}", text.ptr)), arena, &again, &err), -1);
    assert_non_null(strstr(err.text, "end of file expected"));
}

static void test_codec_diagnosis_has_its_keys_in_order(void **state)
{
    static const char *const keys[] = {"\"schema\": \"hamedic/diagnosis/1\"",
                                       "\"host\": \"lb01\"",
                                       "\"haproxy\"",
                                       "\"time\": \"2026-11-22T09:14:02Z\"",
                                       "\"findings\"",
                                       "\"cause\": \"backend-selinux\"",
                                       "\"sources\"",
                                       "\"milliseconds\": 12",
                                       "\"reason\": \"no systemd-journald on this host\"",
                                       "\"not_checked\""};
    struct arena *arena = *state;
    struct diagnosis diagnosis = sample_diagnosis(arena);
    const char *at = codec_write_diagnosis(&diagnosis, arena);

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        at = strstr(at, keys[i]);
        if (at == NULL)
            fail_msg("missing or out of order: %s", keys[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_full_plan_is_read_back_to_the_same_bytes),
        cmocka_unit_test(test_codec_empty_draft_is_read_back),
        cmocka_unit_test(test_codec_foreign_bytes_are_written_as_visible_ascii),
        cmocka_unit_test(test_codec_malformed_values_are_named_with_their_path),
        cmocka_unit_test(test_codec_duplicate_key_is_refused),
        cmocka_unit_test(test_codec_raw_byte_outside_ascii_is_refused_with_its_place),
        cmocka_unit_test(test_codec_over_long_string_is_refused),
        cmocka_unit_test(test_codec_too_many_elements_are_refused),
        cmocka_unit_test(test_codec_deep_or_huge_document_is_refused),
        cmocka_unit_test(test_codec_plan_cut_off_anywhere_is_refused),
        cmocka_unit_test(test_codec_trailing_text_is_refused),
        cmocka_unit_test(test_codec_diagnosis_has_its_keys_in_order),
    };

    return cmocka_run_group_tests_name("codec", tests, make_arena, drop_arena);
}
