#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy_fixture.h"

#define SOMAXCONN "sysctl.dropin:net.core.somaxconn"

static int set_up_default(void **state)
{
    if (fixture_set_up(state) < 0)
        return -1;
    fixture_load_shipped(*state, "default.conf");
    return 0;
}

static void assert_plan_refused(struct fixture *fixture, const char *why)
{
    struct strings refusals = {0};

    policy_judge(fixture->policy, &fixture->plan, fixture->arena, &refusals);
    for (size_t i = 0; i < refusals.count; i++)
        if (strstr(refusals.at[i], why) != NULL)
            return;
    fail_msg("'%s' is not among %zu refusals", why, refusals.count);
}

/* ---- what the shipped default allows, and at which risk ---- */

static void test_judge_default_allows_the_remedies(void **state)
{
    struct fixture *f = *state;

    assert_allowed(f, SOMAXCONN, "128", "4096", RISK_LOW);
    assert_allowed(f, "sysctl.dropin:net.ipv4.ip_local_port_range", "32768 60999", "1024\t65535",
                   RISK_MEDIUM);
    assert_allowed(f, "sysctl.dropin:net.ipv4.ip_local_reserved_ports", "", "8404,8443,9000-9010",
                   RISK_LOW);
    assert_allowed(f, "sysctl.dropin:net.ipv4.ip_local_reserved_ports", "8404", "", RISK_LOW);
    assert_allowed(f, "sysctl.dropin:net.ipv4.tcp_tw_reuse", "2", "1", RISK_LOW);
    assert_allowed(f, "sysctl.dropin:fs.nr_open", "65536", "1048576", RISK_LOW);
    assert_allowed(f, "sysctl.dropin:net.netfilter.nf_conntrack_max", "65536", "524288", RISK_LOW);
    assert_allowed(f, "selinux.port:tcp/8888", NULL, "http_port_t", RISK_MEDIUM);
    assert_allowed(f, "selinux.boolean:haproxy_connect_any", "off", "on", RISK_HIGH);
    assert_allowed(f, "selinux.boolean:haproxy_connect_any", "on", "off", RISK_MEDIUM);
    assert_allowed(f, "systemd.limit:haproxy.service", "1024", "1048576", RISK_LOW);
    assert_allowed(f, "haproxy.maxconn:global", "2000", "100000", RISK_LOW);
    assert_allowed(f, "haproxy.maxconn:defaults", NULL, "50000", RISK_LOW);
    assert_allowed(f, "haproxy.maxconn:defaults/web", NULL, "50000", RISK_LOW);
    assert_allowed(f, "haproxy.maxconn:frontend/fe", "2000", "20000", RISK_LOW);
    assert_allowed(f, "haproxy.maxconn:listen/li", NULL, "20000", RISK_LOW);
    assert_allowed(f, "haproxy.maxconn:server/be/app1", "50", "500", RISK_LOW);
    assert_allowed(f, "haproxy.maxconn:default-server/be", "50", "500", RISK_LOW);
    assert_allowed(f, "haproxy.stats_socket:global", NULL, "/run/haproxy/admin.sock", RISK_LOW);
    assert_allowed(f, "haproxy.stats_socket:global", NULL, "/run/haproxy.sock", RISK_LOW);
    assert_allowed(f, "haproxy.stats_socket:global", NULL, "/var/lib/haproxy/stats", RISK_LOW);
}

static void test_judge_default_refuses_other_resources(void **state)
{
    struct fixture *f = *state;

    assert_refused(f, "selinux.boolean:httpd_can_network_connect", "off", "on",
                   "is not in allow of kind \"selinux.boolean\" (p.conf:");
    assert_refused(f, "selinux.boolean:nis_enabled", "off", "on", "refused whatever a policy says");
    assert_refused(f, "sysctl.dropin:net.ipv4.ip_nonlocal_bind", "0", "1", "is not in allow");
    assert_refused(f, "sysctl.dropin:kernel.core_pattern", "core", "|/tmp/x",
                   "refused whatever a policy says");
    assert_refused(f, "sysctl.dropin:kernel/core_pattern", "core", "|/tmp/x",
                   "refused whatever a policy says");
    assert_refused(f, "selinux.port:udp/443", NULL, "http_port_t", "is not in allow");
    assert_refused(f, "selinux.port:tcp/0", NULL, "http_port_t", "ports are tcp/1");
    assert_refused(f, "systemd.limit:sshd.service", "1024", "2048", "is not in allow");
    assert_refused(f, "haproxy.stats_socket:frontend/x", NULL, "/run/haproxy/a", "is not in allow");
    assert_refused(f, "file.content:/etc/passwd", NULL, "x",
                   "policy \"default\" has no section kind \"file.content\"");
    assert_int_equal(f->plan.risk, RISK_HIGH);
}

static void test_judge_default_refuses_other_values(void **state)
{
    struct fixture *f = *state;

    assert_refused(f, SOMAXCONN, "128", "65536",
                   "'65536' is above 65535, the max of bound \"" SOMAXCONN "\" (p.conf:");
    assert_refused(f, SOMAXCONN, "128", "127", "'127' is below 128, the min of bound");
    assert_refused(f, SOMAXCONN, "128", "4096; reboot", "is not a number");
    assert_refused(f, SOMAXCONN, "128", "-1", "is not a number");
    assert_refused(f, SOMAXCONN, "128", "99999999999999999999", "is not a number");
    assert_refused(f, "selinux.port:tcp/8888", NULL, "ssh_port_t", "is not in values of bound");
    assert_refused(f, "selinux.boolean:haproxy_connect_any", "off", "1", "is not in values");
    assert_refused(f, "systemd.limit:haproxy.service", "1024", "1048577", "is above 1048576");
    assert_refused(f, "systemd.limit:haproxy.service", "1024", "infinity", "is not a number");
    assert_refused(f, "haproxy.maxconn:server/be/app1", "50", "0", "is below 1");
    assert_refused(f, "haproxy.maxconn:server/be/app1", "5000", "20001", "is above 20000");
    assert_refused(f, "haproxy.maxconn:backend/be", NULL, "500", "no bound of policy \"default\"");
}

static void test_judge_factor_compares_with_what_was(void **state)
{
    struct fixture *f = *state;

    assert_allowed(f, "haproxy.maxconn:server/be/app1", "50", "500", RISK_LOW);
    assert_refused(f, "haproxy.maxconn:server/be/app1", "50", "501",
                   "'501' is more than 10 times '50', the max_factor of bound "
                   "\"haproxy.maxconn:server/*/*\" (p.conf:");
    assert_allowed(f, "haproxy.maxconn:server/be/app1", "50", "1", RISK_LOW);
    assert_allowed(f, "haproxy.maxconn:server/be/app1", NULL, "20000", RISK_LOW);
    assert_allowed(f, "haproxy.maxconn:server/be/app1", "0", "20000", RISK_LOW);
    /* Each side against its own past. */
    struct change *change = fixture_judge_one(f, "haproxy.maxconn:server/be/app1", "5000", "20000");
    change->before.runtime = "50";
    fixture_judge(f);
    assert_int_equal(f->refusals.count, 1);
    assert_non_null(strstr(f->refusals.at[0], "10 times '50'"));
}

static void test_judge_ranges_and_lists_are_read_whole(void **state)
{
    struct fixture *f = *state;
    static const char *const range = "sysctl.dropin:net.ipv4.ip_local_port_range";
    static const char *const ports = "sysctl.dropin:net.ipv4.ip_local_reserved_ports";

    assert_refused(f, range, NULL, "1023 65535", "is below 1024");
    assert_refused(f, range, NULL, "1024 65536", "is above 65535");
    assert_refused(f, range, NULL, "60999 32768", "expected the lower number first");
    assert_refused(f, range, NULL, "40000 40000", "expected the lower number first");
    assert_refused(f, range, NULL, "1024", "is not a range");
    assert_refused(f, range, NULL, "1024 2048 4096", "is not a range");
    assert_refused(f, range, NULL, "", "is not a range");
    assert_refused(f, ports, NULL, "0", "is below 1");
    assert_refused(f, ports, NULL, "8404,65536", "is above 65535");
    assert_refused(f, ports, NULL, "8404,", "is not a list of ports");
    assert_refused(f, ports, NULL, ",8404", "is not a list of ports");
    assert_refused(f, ports, NULL, "8404 8405", "is not a list of ports");
    assert_refused(f, ports, NULL, "9000-", "is not a list of ports");
    assert_refused(f, ports, NULL, "-9000", "is not a list of ports");
    assert_refused(f, ports, NULL, "1-2-3", "is not a list of ports");
    assert_refused(f, ports, NULL, "9010-9000", "expected the lower port");
    assert_allowed(f, ports, NULL, "9000-9000", RISK_LOW);
}

static void test_judge_paths_cannot_leave_their_directory(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"/run/haproxy/..",
                                        "/run/haproxy/../x",
                                        "/run/haproxy/",
                                        "/run/haproxy/./a",
                                        "/run/haproxy//a",
                                        "/run/haproxy/a/b",
                                        "/run/haproxy.d/../../etc/x",
                                        "run/haproxy/a",
                                        "/etc/cron.d/x",
                                        "/",
                                        "ipv4@0.0.0.0:9999",
                                        "abns@x"};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_refused(f, "haproxy.stats_socket:global", NULL, paths[i], "'");
}

static void test_judge_impact_raises_the_risk(void **state)
{
    struct fixture *f = *state;
    struct change *change = fixture_judge_one(f, "haproxy.maxconn:global", "2000", "4000");

    assert_int_equal(f->plan.risk, RISK_LOW);
    change->impact = IMPACT_RELOAD;
    fixture_judge(f);
    assert_int_equal(change->risk, RISK_MEDIUM);
    change->impact = IMPACT_RESTART;
    fixture_judge(f);
    assert_int_equal(change->risk, RISK_HIGH);
    assert_int_equal(f->plan.approvals, 2);
    assert_int_equal(f->refusals.count, 0);
}

static void test_judge_approvals_follow_the_highest_risk(void **state)
{
    struct fixture *f = *state;

    f->plan = (struct plan){0};
    fixture_judge(f);
    assert_int_equal(f->plan.approvals, 0);
    assert_int_equal(f->refusals.count, 0);
    (void)fixture_add(f, SOMAXCONN, "128", "4096");
    fixture_judge(f);
    assert_int_equal(f->plan.approvals, 1);
    assert_true(policy_person_suffices(f->policy, f->plan.risk));
    (void)fixture_add(f, "selinux.boolean:haproxy_connect_any", "off", "on");
    fixture_judge(f);
    assert_int_equal(f->plan.changes[0].risk, RISK_LOW);
    assert_int_equal(f->plan.risk, RISK_HIGH);
    assert_int_equal(f->plan.approvals, 2);
    assert_false(policy_person_suffices(f->policy, f->plan.risk));
    assert_int_equal(f->refusals.count, 0);
}

/* ---- a plan that says other than the policy ---- */

static void test_judge_plan_with_other_words_than_the_policy_is_refused(void **state)
{
    struct fixture *f = *state;
    struct change *change =
        fixture_judge_one(f, "selinux.boolean:haproxy_connect_any", "off", "on");

    assert_int_equal(f->refusals.count, 0);
    change->risk = RISK_LOW;
    assert_plan_refused(f, "the plan says risk low, policy \"default\" says high");
    fixture_judge(f);
    f->plan.risk = RISK_MEDIUM;
    assert_plan_refused(f, "the plan says risk medium, policy \"default\" says high");
    fixture_judge(f);
    f->plan.approvals = 0;
    assert_plan_refused(f, "the plan asks for 0 approvals, policy \"default\" for 2");
    fixture_judge(f);
    f->plan.policy.digest = "00";
    assert_plan_refused(f, "the plan was made under policy \"default\" (00)");
    f->plan.policy.digest = NULL;
    assert_plan_refused(f, "the plan was made under policy");
    fixture_judge(f);
    f->plan.policy.name = "other";
    assert_plan_refused(f, "the plan was made under policy \"other\"");
}

static void test_judge_lifetime_beyond_the_policy_is_refused(void **state)
{
    struct fixture *f = *state;

    (void)fixture_judge_one(f, SOMAXCONN, "128", "4096");
    assert_int_equal(f->refusals.count, 0);
    f->plan.expires++;
    assert_plan_refused(f, "allows 1 to 86400 seconds (p.conf:");
    f->plan.expires = f->plan.created;
    assert_plan_refused(f, "allows 1 to 86400 seconds");
    f->plan.expires = INT64_MAX;
    f->plan.created = INT64_MIN;
    assert_plan_refused(f, "allows 1 to 86400 seconds");
}

static void test_judge_change_that_contradicts_itself_is_refused(void **state)
{
    struct fixture *f = *state;
    struct change *change = fixture_judge_one(f, SOMAXCONN, "128", "4096");

    /* The engine would write another sysctl than the one that was judged. */
    change->target = "kernel.core_pattern";
    assert_plan_refused(f, "kind and target are those of sysctl.dropin:kernel.core_pattern");
    change->target = "net.core.somaxconn";
    change->action = ACTION_NO_OP;
    fixture_judge(f);
    assert_plan_refused(f, "said to change nothing, but its values differ");
    change->after = change->before;
    fixture_judge(f);
    assert_int_equal(f->refusals.count, 0);
    assert_int_equal(f->plan.approvals, 0);

    change = fixture_judge_one(f, SOMAXCONN, "128", "4096");
    (void)fixture_add(f, SOMAXCONN, "4096", "40960");
    fixture_judge(f);
    assert_plan_refused(f, "two changes of one plan");

    change = fixture_judge_one(f, SOMAXCONN, "128", "4096");
    change->after = (struct sides){0};
    assert_plan_refused(f, "to update, but no value is given");
}

static void test_judge_each_side_that_changes_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct change *change = fixture_judge_one(f, SOMAXCONN, "128", "4096");

    change->after.runtime = "70000";
    fixture_judge(f);
    assert_plan_refused(f, "'70000' is above 65535");
    change->after = (struct sides){"70000", "4096"};
    fixture_judge(f);
    assert_plan_refused(f, "'70000' is above 65535");
    /* What the change leaves as it was is not its doing. */
    change->before.runtime = change->after.runtime = "70000";
    change->after.persistent = "4096";
    fixture_judge(f);
    assert_int_equal(f->refusals.count, 0);
    /* But a change that changes no side still has to be of an allowed value. */
    change->before = change->after = (struct sides){"70000", "70000"};
    fixture_judge(f);
    assert_plan_refused(f, "'70000' is above 65535");
}

static void test_judge_deletion_needs_an_allowed_target_only(void **state)
{
    struct fixture *f = *state;
    struct change *change =
        fixture_judge_one(f, "sysctl.dropin:fs.file-max", "100000", "9223372036854775807");

    assert_int_equal(f->refusals.count, 1);
    change->action = ACTION_DELETE;
    fixture_judge(f);
    assert_int_equal(f->refusals.count, 0);
    change = fixture_judge_one(f, "sysctl.dropin:vm.overcommit_memory", "1", "0");
    change->action = ACTION_DELETE;
    fixture_judge(f);
    assert_plan_refused(f, "is not in allow");
}

/* ---- rules of one's own ---- */

static void test_judge_wildcards_do_not_reach_what_must_be_named(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_load(f, "name = t\n"
                                     "kind \"selinux.boolean\" {\n allow = {\"**\"} risk = high }\n"
                                     "bound \"selinux.boolean:**\" { values = {on, off} }\n"),
                     0);
    assert_allowed(f, "selinux.boolean:haproxy_x", "off", "on", RISK_HIGH);
    assert_refused(f, "selinux.boolean:httpd_can_network_connect", "off", "on",
                   "\"**\" in kind \"selinux.boolean\" (p.conf:3) does not reach it: it must be "
                   "named without '*'");
    assert_int_equal(
        fixture_load(f,
                     "name = t\n"
                     "kind \"selinux.boolean\" { allow = {\"httpd_can_network_connect\", \"**\"}\n"
                     "risk = high }\nbound \"selinux.boolean:**\" { values = {on, off} }\n"),
        0);
    assert_allowed(f, "selinux.boolean:httpd_can_network_connect", "off", "on", RISK_HIGH);
}

static void test_judge_deny_wins_over_allow(void **state)
{
    struct fixture *f = *state;

    fixture_load_shipped(f, "strict.conf");
    assert_refused(f, "selinux.boolean:haproxy_connect_any", "off", "on",
                   "denied by \"haproxy_connect_any\" in kind \"selinux.boolean\" (p.conf:");
    assert_refused(f, "selinux.port:tcp/22", "ssh_port_t", "http_port_t", "denied by \"tcp/22\"");
    assert_allowed(f, "selinux.port:tcp/8888", NULL, "http_port_t", RISK_MEDIUM);
    assert_int_equal(f->plan.approvals, 2);
    assert_false(policy_person_suffices(f->policy, RISK_LOW));
}

static void test_judge_above_the_highest_risk_is_refused(void **state)
{
    struct fixture *f = *state;

    fixture_load_shipped(f, "ci.conf");
    assert_allowed(f, SOMAXCONN, "128", "4096", RISK_LOW);
    assert_int_equal(f->plan.approvals, 1);
    f->plan.changes[0].impact = IMPACT_RESTART;
    fixture_judge(f);
    assert_int_equal(f->refusals.count, 1);
    assert_non_null(
        strstr(f->refusals.at[0], "the plan's risk is high, above max_risk medium (p.conf:"));
}

static void test_judge_risk_rules_name_an_address_and_a_value(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_load(f, "name = t\n"
                                     "kind \"x.y\" { allow = {\"**\"} risk = medium }\n"
                                     "bound \"x.y:**\" { values = {\"**\"} }\n"
                                     "risk \"x.y:a\" { is = low }\n"
                                     "risk \"x.y:*=bad\" { is = high }\n"),
                     0);
    assert_allowed(f, "x.y:b", NULL, "good", RISK_MEDIUM);
    assert_allowed(f, "x.y:a", NULL, "good", RISK_LOW);
    assert_allowed(f, "x.y:b", NULL, "bad", RISK_HIGH);
    assert_allowed(f, "x.y:a", NULL, "bad", RISK_HIGH);
    struct change *change = fixture_judge_one(f, "x.y:b", "good", "good2");
    change->after.runtime = "bad";
    fixture_judge(f);
    assert_int_equal(change->risk, RISK_HIGH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_default, fixture_tear_down)
        TEST(test_judge_default_allows_the_remedies),
        TEST(test_judge_default_refuses_other_resources),
        TEST(test_judge_default_refuses_other_values),
        TEST(test_judge_factor_compares_with_what_was),
        TEST(test_judge_ranges_and_lists_are_read_whole),
        TEST(test_judge_paths_cannot_leave_their_directory),
        TEST(test_judge_impact_raises_the_risk),
        TEST(test_judge_approvals_follow_the_highest_risk),
        TEST(test_judge_plan_with_other_words_than_the_policy_is_refused),
        TEST(test_judge_lifetime_beyond_the_policy_is_refused),
        TEST(test_judge_change_that_contradicts_itself_is_refused),
        TEST(test_judge_each_side_that_changes_is_bounded),
        TEST(test_judge_deletion_needs_an_allowed_target_only),
        TEST(test_judge_wildcards_do_not_reach_what_must_be_named),
        TEST(test_judge_deny_wins_over_allow),
        TEST(test_judge_above_the_highest_risk_is_refused),
        TEST(test_judge_risk_rules_name_an_address_and_a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
