#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plans/base/digest.h"
#include "policy_fixture.h"

#define HEAD     "name = \"t\"\n"
#define SYSCTL   "kind \"sysctl.dropin\" { allow = {\"net.core.somaxconn\"} risk = low }\n"
#define SOMAX    "bound \"sysctl.dropin:net.core.somaxconn\" { min = 128 max = 65535 }\n"
#define COMPLETE HEAD SYSCTL SOMAX

static void assert_bad(struct fixture *fixture, const char *text, const char *message)
{
    assert_int_equal(fixture_load(fixture, text), -1);
    assert_int_equal(fixture->err.kind, ERR_INPUT);
    assert_string_equal(fixture->err.text, message);
    assert_null(fixture->policy);
}

static void test_policy_unsaid_is_the_stricter(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(fixture_load(fixture, COMPLETE), 0);
    assert_string_equal(policy_name(fixture->policy), "t");
    assert_int_equal(policy_plan_lifetime(fixture->policy), 86400);
    assert_false(policy_allows_managed_files(fixture->policy));
    for (int risk = RISK_LOW; risk <= RISK_HIGH; risk++) {
        assert_int_equal(policy_approvals_for(fixture->policy, (enum risk)risk), 2);
        assert_false(policy_person_suffices(fixture->policy, (enum risk)risk));
    }
}

static void test_policy_settings_are_read(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(fixture_load(fixture, HEAD "plan_lifetime = 90m managed_files = true\n"
                                                "person_suffices_up_to = \"low\"\n"
                                                "approvals { low = 1 medium = 2 high = 3 }\n"),
                     0);
    assert_int_equal(policy_plan_lifetime(fixture->policy), 5400);
    assert_true(policy_allows_managed_files(fixture->policy));
    assert_int_equal(policy_approvals_for(fixture->policy, RISK_LOW), 1);
    assert_int_equal(policy_approvals_for(fixture->policy, RISK_MEDIUM), 2);
    assert_int_equal(policy_approvals_for(fixture->policy, RISK_HIGH), 3);
    assert_true(policy_person_suffices(fixture->policy, RISK_LOW));
    assert_false(policy_person_suffices(fixture->policy, RISK_MEDIUM));
}

static void test_policy_values_out_of_range_are_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_bad(fixture, "plan_lifetime = \"1h\"",
               "p.conf:1: 'name' is missing: a policy has a name");
    assert_bad(fixture, HEAD "plan_lifetime = 24",
               "p.conf:2: 'plan_lifetime' is '24': expected a number and s, m, h or d, 1m to 30d");
    assert_bad(fixture, HEAD "plan_lifetime = 31d",
               "p.conf:2: 'plan_lifetime' is '31d': expected a number and s, m, h or d, 1m to 30d");
    assert_bad(
        fixture, HEAD "plan_lifetime = 18446744073709551615d",
        "p.conf:2: 'plan_lifetime' is '18446744073709551615d': expected a number and s, m, h "
        "or d, 1m to 30d");
    assert_bad(fixture, HEAD "max_risk = severe",
               "p.conf:2: 'max_risk' is 'severe': expected low, medium or high");
    assert_bad(fixture, HEAD "person_suffices_up_to = all",
               "p.conf:2: 'person_suffices_up_to' is 'all': expected none, low, medium or high");
    assert_bad(fixture, HEAD "approvals {\nlow = 0 }",
               "p.conf:3: 'low' is 0: expected 1 to 16 signatures");
    assert_bad(fixture, HEAD "kind \"sysctl\" { allow = {a} risk = low }",
               "p.conf:2: kind \"sysctl\": expected a kind such as \"sysctl.dropin\"");
    assert_bad(fixture, HEAD "kind \"a.b\" { risk = low }",
               "p.conf:2: kind \"a.b\": 'allow' is missing");
    assert_bad(fixture, HEAD "kind \"a.b\" { allow = {a} }",
               "p.conf:2: kind \"a.b\": 'risk' is missing");
    assert_bad(fixture, HEAD SYSCTL "bound \"somaxconn\" { min = 1 max = 2 }",
               "p.conf:3: bound \"somaxconn\": expected an address such as "
               "\"sysctl.dropin:net.core.somaxconn\"");
    assert_bad(fixture, HEAD SYSCTL "bound \"sysctl.dropin:**\" { }",
               "p.conf:3: bound \"sysctl.dropin:**\" bounds nothing: expected min, max or values");
    assert_bad(fixture, HEAD SYSCTL "bound \"sysctl.dropin:**\" { max = 1 }",
               "p.conf:3: bound \"sysctl.dropin:**\": expected both min and max");
    assert_bad(fixture, HEAD SYSCTL "bound \"sysctl.dropin:**\" { min = 1 max = 2 form = odd }",
               "p.conf:3: 'form' is 'odd': expected number, range or ports");
    assert_bad(fixture, HEAD SYSCTL "bound \"sysctl.dropin:**\" { min = 1 max = 2 max_factor = 0 }",
               "p.conf:3: 'max_factor' is 0: expected 1 to 1000000");
    assert_bad(fixture, COMPLETE "risk \"sysctl.dropin:**\" { is = none }",
               "p.conf:4: 'is' is 'none': expected low, medium or high");
}

static void test_policy_contradictions_are_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_bad(fixture, HEAD SYSCTL "bound \"sysctl.dropin:**\" {\n min = 5\n max = 4 }",
               "p.conf:4: bound \"sysctl.dropin:**\" contradicts itself: min 5 is above max 4");
    assert_bad(fixture, COMPLETE "bound \"sysctl.dropin:**\" { min = 70000 max = 80000 }",
               "p.conf:4: bound \"sysctl.dropin:**\" contradicts bound "
               "\"sysctl.dropin:net.core.somaxconn\" (p.conf:3): no value is in both");
    assert_bad(fixture, COMPLETE "bound \"sysctl.dropin:**\" { min = 1 max = 9 form = ports }",
               "p.conf:4: bound \"sysctl.dropin:**\" contradicts bound "
               "\"sysctl.dropin:net.core.somaxconn\" (p.conf:3): forms differ");
    assert_bad(fixture, HEAD "kind \"a.b\" { allow = {\"x\"}\n deny = {\"x\"} risk = low }",
               "p.conf:3: kind \"a.b\" contradicts itself: deny 'x' leaves nothing of allow 'x' "
               "(p.conf:2)");
    assert_bad(fixture, HEAD "kind \"a.b\" { allow = {\"x*\"}\n deny = {\"**\"} risk = low }",
               "p.conf:3: kind \"a.b\" contradicts itself: deny '**' leaves nothing of allow 'x*' "
               "(p.conf:2)");
    assert_bad(fixture, HEAD "approvals { low = 1 medium = 2 high = 1 }",
               "p.conf:2: approvals contradict: low 1, medium 2, high 1: a higher risk cannot ask "
               "for fewer (what is not said is 2)");
    assert_bad(fixture, HEAD "impact_risk { reload = high restart = low }",
               "p.conf:2: impact_risk contradicts: restart is low, but reload is high already");
    assert_bad(fixture, HEAD SYSCTL,
               "p.conf:2: 'sysctl.dropin:net.core.somaxconn' is allowed, but no bound says what "
               "values it may have");
    assert_bad(fixture, COMPLETE "bound \"sysctl.drop:x\" { min = 1 max = 2 }",
               "p.conf:4: bound \"sysctl.drop:x\" speaks of a kind that no section kind allows");
    assert_bad(fixture, COMPLETE "risk \"sysctl.drop:x\" { is = low }",
               "p.conf:4: risk \"sysctl.drop:x\" speaks of a kind that no section kind allows");
    assert_bad(
        fixture, HEAD "kind \"sysctl.dropin\" {\nallow = {\"kernel.core_pattern\"} risk = low }\n",
        "p.conf:3: no policy can allow 'sysctl.dropin:kernel.core_pattern': the kernel would "
        "run a program that it names");
}

static void test_policy_desires_are_wishes_of_the_policy(void **state)
{
    struct fixture *fixture = *state;
    size_t count;

    assert_int_equal(fixture_load(fixture,
                                  COMPLETE "desire \"sysctl.dropin:net.core.somaxconn\" {\n"
                                           "value = 4096 because = \"bursts of 3,000\" }\n"),
                     0);
    const struct wish *wishes = policy_desired(fixture->policy, &count);
    assert_int_equal(count, 1);
    assert_string_equal(wishes[0].address, "sysctl.dropin:net.core.somaxconn");
    assert_string_equal(wishes[0].value, "4096");
    assert_string_equal(wishes[0].because, "bursts of 3,000");
    assert_int_equal(wishes[0].source, WISH_POLICY);
    assert_int_equal(wishes[0].why.count, 1);
    assert_string_equal(wishes[0].why.at[0], "policy");
}

static void test_policy_desires_that_it_forbids_itself_are_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_bad(fixture, COMPLETE "\ndesire \"sysctl.dropin:net.core.somaxconn\" { value = 65536 }",
               "p.conf:5: the policy itself forbids this desire: sysctl.dropin:net.core.somaxconn: "
               "'65536' is above 65535, the max of bound \"sysctl.dropin:net.core.somaxconn\" "
               "(p.conf:3)");
    assert_bad(
        fixture, COMPLETE "desire \"sysctl.dropin:net.core.optmem_max\" { value = 1 }",
        "p.conf:4: the policy itself forbids this desire: sysctl.dropin:net.core.optmem_max: "
        "'net.core.optmem_max' is not in allow of kind \"sysctl.dropin\" (p.conf:2)");
    assert_bad(
        fixture, COMPLETE "desire \"sysctl.dropin:net.core.*\" { value = 200 }",
        "p.conf:4: desire \"sysctl.dropin:net.core.*\": a desire names one resource, without "
        "'*'");
    assert_bad(fixture, COMPLETE "desire \"sysctl.dropin:net.core.somaxconn\" { }",
               "p.conf:4: desire \"sysctl.dropin:net.core.somaxconn\": 'value' is missing");
    /* An empty value wishes our customisation away: no bound speaks of that. */
    assert_int_equal(fixture_load(fixture, COMPLETE
                                  "desire \"sysctl.dropin:net.core.somaxconn\" { value = \"\" }"),
                     0);
}

/* ---- several files ---- */

static int load_dir(struct fixture *fixture)
{
    policy_free(fixture->policy);
    fixture->policy = NULL;
    fixture->err = (struct err){0};
    return policy_load_dir(fixture->dir, "policy.d", &fixture->policy, &fixture->err);
}

static void test_policy_files_of_a_directory_add_up(void **state)
{
    struct fixture *fixture = *state;
    size_t count;

    fixture_put(fixture, "20-b.conf",
                span_of("desire \"sysctl.dropin:net.core.somaxconn\" { value = 4096 }\n"));
    fixture_put(fixture, "10-a.conf", span_of(COMPLETE));
    fixture_put(fixture, "c.txt", span_of("this is no policy"));
    fixture_put(fixture, ".d.conf", span_of("nor is this"));
    assert_int_equal(load_dir(fixture), 0);
    assert_string_equal(policy_name(fixture->policy), "t");
    (void)policy_desired(fixture->policy, &count);
    assert_int_equal(count, 1);
    struct digest expected = digest_bytes(
        span_of(COMPLETE "desire \"sysctl.dropin:net.core.somaxconn\" { value = 4096 }\n"));
    assert_string_equal(policy_digest(fixture->policy), expected.hex);
}

/* So many files that no directory lists them in order by chance. */
static void test_policy_files_are_taken_in_the_order_of_their_names(void **state)
{
    struct fixture *fixture = *state;
    char all[1024] = COMPLETE, name[16] = "50-a.conf";
    size_t len = strlen(all);

    fixture_put(fixture, "10-a.conf", span_of(COMPLETE));
    for (char letter = 'a'; letter <= 'z'; letter++) {
        char comment[] = {'#', ' ', letter, '\n', '\0'};
        memcpy(all + len, comment, sizeof comment);
        len += strlen(comment);
    }
    for (char letter = 'z'; letter >= 'a'; letter--) {
        char comment[] = {'#', ' ', letter, '\n', '\0'};
        name[3] = letter;
        fixture_put(fixture, name, span_of(comment));
    }
    assert_int_equal(load_dir(fixture), 0);
    struct digest expected = digest_bytes(span_of(all));
    assert_string_equal(policy_digest(fixture->policy), expected.hex);
    for (name[3] = 'a'; name[3] <= 'z'; name[3]++)
        assert_int_equal(unlinkat(fixture->dir, name, 0), 0);
}

static void test_policy_what_stands_in_two_files_is_refused_with_both(void **state)
{
    struct fixture *fixture = *state;

    fixture_put(fixture, "10-a.conf", span_of(COMPLETE));
    fixture_put(fixture, "20-b.conf", span_of("\nname = \"u\"\n"));
    assert_int_equal(load_dir(fixture), -1);
    assert_string_equal(fixture->err.text,
                        "policy.d/20-b.conf:2: name stands twice: first in policy.d/10-a.conf:1");
    fixture_put(fixture, "20-b.conf", span_of("\n\n" SYSCTL));
    assert_int_equal(load_dir(fixture), -1);
    assert_string_equal(fixture->err.text, "policy.d/20-b.conf:3: kind \"sysctl.dropin\" stands "
                                           "twice: first in policy.d/10-a.conf:2");
}

static void test_policy_directory_without_files_gives_the_builtin(void **state)
{
    struct fixture *fixture = *state;
    struct policy *builtin CLEANUP_POLICY = NULL;

    assert_int_equal(policy_builtin(&builtin, &fixture->err), 0);
    assert_int_equal(load_dir(fixture), 0);
    assert_string_equal(policy_name(fixture->policy), "default");
    assert_string_equal(policy_digest(fixture->policy), policy_digest(builtin));
    /* The same rules, whether compiled in or copied to policy.d. */
    fixture_put(fixture, "10-a.conf", fixture_shipped(fixture, "default.conf"));
    assert_int_equal(load_dir(fixture), 0);
    assert_string_equal(policy_digest(fixture->policy), policy_digest(builtin));
}

static void test_policy_directory_that_others_may_write_is_denied(void **state)
{
    struct fixture *fixture = *state;

    fixture_put(fixture, "10-a.conf", span_of(COMPLETE));
    assert_int_equal(fchmod(fixture->dir, 0775), 0);
    assert_int_equal(load_dir(fixture), -1);
    assert_int_equal(fixture->err.kind, ERR_DENIED);
    assert_string_equal(fixture->err.text,
                        "policy.d: may be written by its group (mode 0775): expected chmod go-w");
    assert_int_equal(fchmod(fixture->dir, 0755), 0);
    assert_int_equal(fchmodat(fixture->dir, "10-a.conf", 0666, 0), 0);
    assert_int_equal(load_dir(fixture), -1);
    assert_int_equal(fixture->err.kind, ERR_DENIED);
    assert_int_equal(unlinkat(fixture->dir, "10-a.conf", 0), 0);
    assert_int_equal(symlinkat("/dev/null", fixture->dir, "10-a.conf"), 0);
    assert_int_equal(load_dir(fixture), -1);
    assert_null(fixture->policy);
}

static void test_policy_upper_bound_is_the_lowest_that_matches(void **state)
{
    struct fixture *fixture = *state;
    uint64_t bound = 7;

    assert_int_equal(
        fixture_load(fixture, COMPLETE "bound \"sysctl.dropin:net.**\" { min = 1 max = 5000 }\n"),
        0);
    assert_true(policy_upper_bound(fixture->policy, "sysctl.dropin:net.core.somaxconn", &bound));
    assert_int_equal(bound, 5000);
    bound = 7;
    assert_false(policy_upper_bound(fixture->policy, "sysctl.dropin:fs.file-max", &bound));
    assert_int_equal(bound, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        TEST(test_policy_unsaid_is_the_stricter),
        TEST(test_policy_settings_are_read),
        TEST(test_policy_values_out_of_range_are_refused),
        TEST(test_policy_contradictions_are_refused),
        TEST(test_policy_desires_are_wishes_of_the_policy),
        TEST(test_policy_desires_that_it_forbids_itself_are_refused),
        TEST(test_policy_files_of_a_directory_add_up),
        TEST(test_policy_files_are_taken_in_the_order_of_their_names),
        TEST(test_policy_what_stands_in_two_files_is_refused_with_both),
        TEST(test_policy_directory_without_files_gives_the_builtin),
        TEST(test_policy_directory_that_others_may_write_is_denied),
        TEST(test_policy_upper_bound_is_the_lowest_that_matches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
