#include <stdlib.h>

#include "plans/render.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/sample_plan.h"

static const struct render_style plain = {.width = 80};
static const struct render_style narrow = {.width = 40};
static const struct render_style unicode = {.unicode = true, .width = 80};

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

static const char *shown(struct arena *arena, const struct render_style *style,
                         const struct plan *plan)
{
    struct text text = text_new(arena);

    render_plan(style, RENDER_FULL, plan, "hamedic apply fix.plan", &text);
    return text_string(&text);
}

static void assert_shows(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, text);
}

static void assert_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text != '\n' && (*text < 0x20 || *text > 0x7e))
            fail_msg("byte 0x%02x is shown", (unsigned char)*text);
}

static size_t longest_line(const char *text)
{
    size_t longest = 0;
    struct span rest = span_of(text), line;

    while (span_next_line(&rest, &line))
        if (line.len > longest)
            longest = line.len;
    return longest;
}

static void test_render_findings_stand_the_worst_first_with_their_evidence(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);
    struct finding swapped[2] = {plan.findings[1], plan.findings[0]};
    struct text text = text_new(arena);

    render_findings(&plain, swapped, 2, &text);
    assert_string_equal(
        text_string(&text),
        "CRITICAL  backend-selinux   be_api\n"
        "  SELinux keeps HAProxy (haproxy_t) from connecting to tcp/8888. The servers\n"
        "  answer.\n"
        "    stats    be_api/app1 DOWN L4CON \"General socket error (Permission denied)\"\n"
        "             09:14:02Z\n"
        "    policy   haproxy_t may not name_connect unreserved_port_t          09:14:03Z\n"
        "  Effect    every request to be_api gets 503\n"
        "\n"
        "WARNING   backend-timeout   be_old/app9   (possible, not proven)\n"
        "  Connections to 10.0.3.19:80 time out.\n"
        "  Advice    look at the firewall before 10.0.3.19 (tcp/80)\n"
        "  To settle a capture on 10.0.3.19 that shows whether the SYN arrives\n");
}

/* Of each cause the first ones whole; what is left out of the others is told by how many there are. */
static void test_render_findings_fold_many_of_one_cause(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);
    struct finding many[5];
    struct text text = text_new(arena);

    for (size_t i = 0; i < 4; i++) {
        many[i] = plan.findings[1];
        many[i].object = arena_printf(arena, "be_%zu/app", i);
    }
    many[4] = plan.findings[0];
    assert_int_equal(render_findings_folded(&plain, many, 5, 2, &text), 2);
    assert_shows(text_string(&text), "CRITICAL  backend-selinux   be_api\n");
    assert_shows(text_string(&text),
                 "capture on 10.0.3.19 that shows whether the SYN arrives\n"
                 "\n"
                 "WARNING   backend-timeout   be_2/app   (possible, not proven)\n"
                 "  Connections to 10.0.3.19:80 time out.\n"
                 "WARNING   backend-timeout   be_3/app   (possible, not proven)\n"
                 "  Connections to 10.0.3.19:80 time out.\n");
    struct text whole = text_new(arena), same = text_new(arena);
    assert_int_equal(render_findings_folded(&plain, many, 5, 4, &whole), 0);
    render_findings(&plain, many, 5, &same);
    assert_string_equal(text_string(&whole), text_string(&same));
}

static void test_render_evidence_of_another_day_tells_its_date(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);
    struct text text = text_new(arena);

    plan.findings[0].evidence[0].time -= 86400;
    render_findings(&plain, plan.findings, 1, &text);
    assert_shows(text_string(&text), "11-21 09:14:02Z");
    assert_shows(text_string(&text), " 09:14:03Z");
}

static void test_render_plan_shows_all_that_is_signed(void **state)
{
    static const char *const parts[] = {
        "Plan 7f3a9c for lb01 | 2 changes | risk medium | a reload of HAProxy, no restart\n",
        "id 7f3a9c0123456789abcdef0123456789\n",
        "expires 2026-11-23T09:14:02Z (24 h later)\n",
        "policy default | hamedic 0.1.0 | HAProxy 2.6.12\n",
        "  1 + selinux.port:tcp/8888   (none) -> http_port_t                  risk medium\n",
        "      why      backend-selinux (be_api)\n",
        "      opens    tcp/8888 for haproxy_t (bind, connect)\n",
        "  2 ~ sysctl.dropin:net.ipv4.ip_local_reserved_ports            risk low, reload\n",
        "      running  \"\" -> 8404,8443\n",
        "      at boot  (none) -> 8404,8443\n",
        "      file     /etc/sysctl.d/99-hamedic.conf wins at the next boot or start\n",
        "        +net.ipv4.ip_local_reserved_ports = 8404,8443\n",
        "      note     2 ports that HAProxy binds lie in the range\n",
        "      undo     delete the file, set the running value back to \"\"\n",
        "since the last one:\n  - frontend fe_web: maxconn 2000 in the file, 1000 running\n",
        "For a person elsewhere:\n  - open tcp/80 from lb01 to 10.0.3.19 in its firewall\n",
        "Not checked:\n  - journal: no systemd-journald on this host\n",
        "Needs 1 approval by operators' signatures.\nNext: hamedic apply fix.plan\n",
    };
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);
    const char *text = shown(arena, &plain, &plan), *at = text;

    /* In this order, too. "risk medium" of a change is at the right edge, whose place depends on
     * "->". */
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *found = strstr(at, parts[i]);
        if (found == NULL)
            fail_msg("'%s' is not in, or not in that order:\n%s", parts[i], text);
        at = found;
    }
}

static void test_render_every_line_fits_80_and_40_columns(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);

    assert_in_range(longest_line(shown(arena, &plain, &plan)), 1, 80);
    plan.changes[1].address = "haproxy.maxconn:global";
    plan.changes[1].file = "/etc/haproxy.cfg";
    plan.changes[1].touched[0].object = "/etc/haproxy.cfg";
    plan.changes[1].diff.at[0] = "+    maxconn 20000";
    assert_in_range(longest_line(shown(arena, &narrow, &plan)), 1, 40);
}

static void test_render_long_value_is_never_cut(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);
    char *value = arena_alloc(arena, 301);

    memset(value, '7', 300);
    plan.changes[0].after.persistent = plan.changes[0].after.runtime = value;
    assert_shows(shown(arena, &narrow, &plan), value);
}

static void test_render_without_unicode_and_color_is_printable_ascii(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);
    struct text text = text_new(arena);
    struct approvals approvals = {0};

    render_step(&plain, true, "committed × 3 · done – really…", &text);
    render_approvals(&plain, &plan, &approvals, &text);
    assert_printable(text_string(&text));
    assert_printable(shown(arena, &plain, &plan));
    assert_shows(text_string(&text), "ok committed x 3 | done - really...\n");
}

static void test_render_control_bytes_and_foreign_signs_are_shown_as_bytes(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);

    /* Right-to-left override, CSI as C1, an emoji, a cut-off arrow: none of these is a sign of
     * ours. */
    plan.findings[0].summary = "a\x1b[31m\r\nb\x7f\xe2\x80\xae\xc2\x9b\xf0\x9f\x98\x80\xe2\x86";
    plan.changes[0].address = "selinux.port:\x1b]0;x\x07";
    plan.host.name = "lb\x1b[2J";
    plan.advice.at[0] = "x\ny";
    assert_printable(shown(arena, &plain, &plan));
    const char *text = shown(arena, &unicode, &plan);
    assert_null(strchr(text, 0x1b));
    assert_null(strstr(text, "\xe2\x80\xae"));
    assert_null(strstr(text, "\xc2\x9b"));
    assert_shows(text, "a\\x1b[31m\\x0d\\x0ab\\x7f\\xe2\\x80\\xae\\xc2\\x9b");
    assert_shows(text, "\\xf0\\x9f\\x98\\x80\\xe2\\x86");
    assert_shows(text, "for lb\\x1b[2J ");
    assert_shows(text, "  - x\\x0ay\n");
}

/* `text` without its SGR sequences, each of which must be whole and closed before its line ends. */
static const char *without_color(struct arena *arena, const char *text)
{
    struct text bare = text_new(arena);
    bool open = false;

    for (const char *at = text; *at != '\0'; at++) {
        /* A page that is cut off must not stay red. */
        if (*at == '\n')
            assert_false(open);
        if (*at != 0x1b) {
            text_add_span(&bare, (struct span){at, 1});
            continue;
        }
        size_t len = strspn(at + 2, "0123456789;");
        assert_int_equal(at[1], '[');
        assert_int_equal(at[2 + len], 'm');
        assert_true(open == (at[2] == '0'));
        open = !open;
        at += 2 + len;
    }
    assert_false(open);
    return text_string(&bare);
}

static void test_render_color_adds_nothing_but_sgr(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);

    for (size_t width = 40; width <= 120; width++) {
        struct render_style with = {.color = true, .unicode = true, .width = width};
        struct render_style without = {.unicode = true, .width = width};
        const char *text = shown(arena, &with, &plan);
        assert_non_null(strchr(text, 0x1b));
        assert_string_equal(without_color(arena, text), shown(arena, &without, &plan));
    }
}

static void test_render_draft_for_a_tree_says_so_and_asks_for_nothing(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);

    plan.draft = plan.tree = true;
    plan.change_count = 0;
    const char *text = shown(arena, &plain, &plan);
    assert_shows(text, "DRAFT: there was no agent key.");
    assert_shows(text, "For a tree of files (--root)");
    assert_shows(text, "No changes.\n");
    assert_null(strstr(text, "Needs"));
}

static void test_render_wrapped_goes_on_below_the_words(void **state)
{
    struct arena *arena = *state;
    struct text text = text_new(arena);

    render_wrapped(&narrow, "Next: ", 6, "hamedic approve fix.plan -k KEY, then apply", &text);
    render_wrapped(&narrow, "", 2, "two  blanks   stay", &text);
    render_wrapped(&narrow, "x: ", 3, "", &text);
    assert_string_equal(text_string(&text), "Next: hamedic approve fix.plan -k KEY,\n"
                                            "      then apply\n"
                                            "two  blanks   stay\n"
                                            "x: \n");
}

static void test_render_approvals_tell_bad_ones_first(void **state)
{
    struct arena *arena = *state;
    struct plan plan = sample_plan(arena);
    struct text text = text_new(arena);
    struct approvals approvals = {.agent_signed = true, .agent_id = "707685BBBAA22B25"};

    ARENA_PUSH(arena, approvals.approvals, approvals.approval_count) = (struct approval){
        .operator_name = "ann", .key_id = "0000000000000001", .file = "fix.plan.ann.minisig"};
    strings_add(&approvals.bad, arena, "fix.plan.eve.minisig: signature does not hold");
    strings_add(&approvals.unknown, arena, "fix.plan.x.minisig: made with a key that is not known");
    render_approvals(&unicode, &plan, &approvals, &text);
    assert_string_equal(text_string(&text),
                        "✗ bad signature: fix.plan.eve.minisig: signature does not hold\n"
                        "✓ signed by the agent of lb01 (key 707685BBBAA22B25)\n"
                        "✓ approved by ann (key 0000000000000001, fix.plan.ann.minisig)\n"
                        "✓ 1 of 1 approval\n"
                        "  not counted: fix.plan.x.minisig: made with a key that is not known\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_render_findings_stand_the_worst_first_with_their_evidence),
        cmocka_unit_test(test_render_findings_fold_many_of_one_cause),
        cmocka_unit_test(test_render_evidence_of_another_day_tells_its_date),
        cmocka_unit_test(test_render_plan_shows_all_that_is_signed),
        cmocka_unit_test(test_render_every_line_fits_80_and_40_columns),
        cmocka_unit_test(test_render_long_value_is_never_cut),
        cmocka_unit_test(test_render_without_unicode_and_color_is_printable_ascii),
        cmocka_unit_test(test_render_control_bytes_and_foreign_signs_are_shown_as_bytes),
        cmocka_unit_test(test_render_color_adds_nothing_but_sgr),
        cmocka_unit_test(test_render_draft_for_a_tree_says_so_and_asks_for_nothing),
        cmocka_unit_test(test_render_wrapped_goes_on_below_the_words),
        cmocka_unit_test(test_render_approvals_tell_bad_ones_first),
    };

    return cmocka_run_group_tests_name("render", tests, make_arena, drop_arena);
}
