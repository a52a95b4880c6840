#include "cmocka_all.h"

#include "tests/diagnosis/result.h"

#define LIMIT     "systemd.limit:haproxy.service"
#define NR_OPEN   "sysctl.dropin:fs.nr_open"
#define SOMAXCONN "sysctl.dropin:net.core.somaxconn"

/* ---- fd-limit ---- */

static void use_up(struct bench *bench)
{
    bench_descriptors(bench, 1024, 1020);
    bench_info(bench, FIELD_CURRENT, "CurrConns", 480);
}

static void test_fd_limit_is_sized_by_what_is_needed(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    use_up(bench);
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "fd-limit");
    assert_int_equal(finding->severity, SEVERITY_CRITICAL);
    assert_true(proves(finding, "process", "worker 901: 1020 descriptors open, limit 1024"));
    assert_true(proves(finding, "stats", "CurrConns 480, below Maxconn 1000"));
    assert_string_equal(wished(&result, LIMIT), "2100"); /* 2040, rounded up */
    assert_int_equal(result.wish_count, 1);
    assert_true(strings_have(&result.wishes[0].why, "fd-limit"));
    assert_int_equal(result.finding_count, 1); /* one trouble has one name */
    bench_free(bench);
}

/* It has no descriptor left to take the question with. */
static void test_fd_limit_of_a_mute_worker_wishes_what_is_needed(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    use_up(bench);
    bench_lose(bench, SOURCE_STATS, SOURCE_FAILED);
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "fd-limit")->state, FINDING_PROVEN);
    assert_null(find(&result, "fd-limit")->settle);
    assert_true(proves(find(&result, "fd-limit"), "stats", "no answer"));
    assert_string_equal(wished(&result, LIMIT), "2100");
    assert_string_equal(find(&result, "maxconn-over-budget")->cause, "(none)");
    bench_free(bench);
}

static void test_fd_limit_margin_is_small(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    use_up(bench);
    bench->facts.open_descriptors = 1014;
    struct diagnosis_result result = run(bench);
    assert_string_equal(find(&result, "fd-limit")->cause, "fd-limit");
    bench->facts.open_descriptors = 1013;
    result = run(bench);
    assert_string_equal(find(&result, "fd-limit")->cause, "(none)");
    bench_free(bench);
}

static void assert_fd_limit_advises(struct bench *bench, const char *words)
{
    struct diagnosis_result result = run(bench);

    assert_int_equal(find(&result, "fd-limit")->state, FINDING_PROVEN);
    assert_int_equal(wish_index(&result, LIMIT), SIZE_MAX);
    assert_true(mentions(&find(&result, "fd-limit")->advice, words));
    bench_free(bench);
}

static void test_fd_limit_of_a_process_that_may_raise_it_wishes_no_limit(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    use_up(bench);
    bench->haproxy.can_raise_limit = true;
    bench->facts.budget.limit = 1048576;
    assert_fd_limit_advises(bench, "reload HAProxy");
}

static void test_fd_limit_without_systemd_says_where_else(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    use_up(bench);
    bench->facts.unit = (struct unit){0};
    bench->haproxy.unit = NULL;
    bench->haproxy.by_systemd = false;
    assert_fd_limit_advises(bench, "--ulimit nofile");
}

static void test_fd_limit_of_haproxys_own_table_is_advice(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->facts.open_descriptors = 2036;
    bench_info(bench, FIELD_CURRENT, "CurrConns", 480);
    assert_fd_limit_advises(bench, "raise the global maxconn");
}

static void test_fd_limit_by_ulimit_n_is_advice(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_edit(bench, "    maxconn 1000\n", "    maxconn 1000\n    ulimit-n 1024\n");
    use_up(bench);
    assert_fd_limit_advises(bench, "ulimit-n 1024");
}

static void test_fd_limit_capped_by_the_kernel_raises_that_too(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    use_up(bench);
    bench->sysctls[SYSCTL_NR_OPEN].running = "1024";
    struct diagnosis_result result = run(bench);
    assert_string_equal(wished(&result, NR_OPEN), "2112"); /* 2100, a multiple of 64 */
    assert_string_equal(wished(&result, LIMIT), "2100");
    assert_int_equal(wish_index(&result, "haproxy.maxconn:global"), SIZE_MAX);
    struct bound bound = {NR_OPEN, 2000};
    diagnose(&bench->facts, bound_of, &bound, bench->arena, &result);
    assert_int_equal(wish_index(&result, NR_OPEN), SIZE_MAX);
    assert_int_equal(wish_index(&result, LIMIT), SIZE_MAX);
    assert_true(mentions(&find(&result, "fd-limit")->advice, "fs.nr_open"));
    bench_free(bench);
}

/* ---- limit-not-effective ---- */

static void test_limit_not_effective_wishes_the_units_own_value(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_unit_limit(bench, 50000);
    bench->facts.unit.limit_soft = 1024;
    bench->facts.unit.limit_text = "1024:50000";
    bench->facts.systemd_unit.limit_hard = 20000; /* no daemon-reload yet */
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "limit-not-effective");
    assert_string_equal(finding->object, "haproxy.service");
    assert_true(proves(finding, "unit", "limits.conf:2: LimitNOFILE=1024:50000"));
    assert_true(proves(finding, "unit", "no daemon-reload"));
    assert_true(proves(finding, "process", "hard limit 20000 of the running master"));
    assert_string_equal(wished(&result, LIMIT), "50000");
    bench_free(bench);
}

static void test_limit_not_effective_infinity_is_what_the_kernel_allows(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_unit_limit(bench, UINT64_MAX);
    struct diagnosis_result result = run(bench);
    assert_string_equal(wished(&result, LIMIT), "1048576");
    bench_free(bench);
}

static void test_limit_not_effective_stands_before_a_budget_that_it_covers(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_unit_limit(bench, 50000);
    bench_edited(bench, 24000);
    struct diagnosis_result result = run(bench);
    assert_string_equal(find(&result, "maxconn-over-budget")->cause, "(none)");
    assert_string_equal(wished(&result, LIMIT), "50000");
    /* More than the unit gives: both, and the larger limit. */
    bench_edited(bench, 30000);
    result = run(bench);
    assert_int_equal(find(&result, "maxconn-over-budget")->state, FINDING_PROVEN);
    assert_string_equal(wished(&result, LIMIT), "61000");
    bench_free(bench);
}

static void test_limit_not_effective_with_an_automatic_maxconn_needs_a_restart(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_unit_limit(bench, 50000);
    bench->haproxy.can_raise_limit = true;
    bench->cfg->global.maxconn.set = false;
    struct diagnosis_result result = run(bench);
    assert_true(mentions(&find(&result, "limit-not-effective")->advice, "restart haproxy.service"));
    assert_int_equal(result.wish_count, 0);
    bench_free(bench);
}

/* ---- reload-failed ---- */

static void test_reload_failed_joins_the_repair_of_the_cause_behind_it(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_edited(bench, 100000);
    bench->facts.master.failed_reloads = bench->facts.told_failures = 1;
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "reload-failed");
    assert_int_equal(finding->severity, SEVERITY_CRITICAL);
    assert_true(proves(finding, "master", "1 failed"));
    assert_true(proves(finding, "process", "master 900 counts 1 failed"));
    assert_true(proves(finding, "config", "was written 60 s after worker 901 was started"));
    assert_true(proves(finding, "stats", "global maxconn: 100000 in the file, 1000 runs"));
    assert_true(mentions(&finding->consequences, "the cause behind it: maxconn-over-budget"));
    assert_true(mentions(&finding->repair, LIMIT "=210000"));
    assert_int_equal(result.wish_count, 1);
    assert_true(strings_have(&result.wishes[0].why, "reload-failed"));
    assert_true(mentions(&result.activates, "global maxconn"));
    bench_free(bench);
}

static void test_reload_failed_for_a_reason_not_known_asks_for_the_messages(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_edited(bench, 2000);
    bench->facts.master.failed_reloads = bench->facts.told_failures = 1;
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.wish_count, 0);
    assert_true(
        mentions(&find(&result, "reload-failed")->advice, "journalctl -u haproxy.service -n 50"));
    bench_free(bench);
}

static void test_reload_failed_invalid_file_is_the_cause_behind_it(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->facts.master.failed_reloads = bench->facts.told_failures = 3;
    bench->facts.check.exit_code = 1;
    struct diagnosis_result result = run(bench);
    assert_true(mentions(&find(&result, "reload-failed")->consequences,
                         "the cause behind it: config-invalid"));
    bench_free(bench);
}

/* ---- config-not-loaded ---- */

static void test_config_not_loaded_says_what_a_reload_would_meet(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_edited(bench, 100000);
    bench->facts.systemd_unit.status_text = "Ready.";
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "config-not-loaded");
    assert_true(mentions(&finding->consequences, "a reload now meets maxconn-over-budget"));
    assert_true(mentions(&finding->advice, "do not reload before maxconn-over-budget is repaired"));
    assert_false(mentions(&finding->advice, "systemctl reload"));
    bench_free(bench);
}

static void test_config_not_loaded_with_nothing_in_the_way_is_reloaded(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_edited(bench, 2000);
    bench->facts.systemd_unit.status_text = "Ready.";
    struct diagnosis_result result = run(bench);
    assert_true(
        mentions(&find(&result, "config-not-loaded")->advice, "systemctl reload haproxy.service"));
    bench_free(bench);
}

/* ---- system-fd-limit ---- */

static void expect_files(const char *file_nr, const char *wanted)
{
    struct bench *bench = bench_new();

    struct sysctl_fact sysctls[SYSCTL_COUNT + 1];
    memcpy(sysctls, bench->sysctls, sizeof bench->sysctls);
    sysctls[SYSCTL_COUNT] = (struct sysctl_fact){.key = "fs.file-nr", .running = file_nr};
    bench->facts.sysctls = sysctls;
    bench->facts.sysctl_count = SYSCTL_COUNT + 1;
    bench_say(bench, "Proxy fe_web reached system FD limit (maxsock=2040). Please check system "
                     "tunables.");
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "system-fd-limit")->state, FINDING_PROVEN);
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(result.wishes[0].address, "sysctl.dropin:fs.file-max");
    assert_string_equal(result.wishes[0].value, wanted);
    bench_free(bench);
}

static void test_system_fd_limit_wishes_half_as_much_again(void **state)
{
    (void)state;
    expect_files("99500\t0\t100000", "150000");
}

static void test_system_fd_limit_below_what_is_open_wishes_for_that(void **state)
{
    (void)state;
    expect_files("200000\t0\t100000", "300000");
}

static void test_system_fd_limit_wishes_no_small_number(void **state)
{
    (void)state;
    expect_files("1200\t0\t600", "16384");
}

/* ---- sysctl-overridden ---- */

static void lose(struct bench *bench, const char *running)
{
    bench->sysctls[SYSCTL_SOMAXCONN].running = running;
    bench_two_files(
        bench, SYSCTL_SOMAXCONN,
        (struct sysctl_boot_fact){"16384", "/etc/sysctl.d/50-haproxy.conf", 3, true, false},
        (struct sysctl_boot_fact){"1024", "/etc/sysctl.d/99-sysctl.conf", 7, false, false});
}

static void test_sysctl_overridden_wishes_the_losers_value(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    lose(bench, "1024");
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "sysctl-overridden");
    assert_string_equal(finding->object, "net.core.somaxconn");
    assert_true(proves(finding, "sysctl", "/etc/sysctl.d/50-haproxy.conf:3"));
    assert_true(proves(finding, "sysctl", "99-sysctl.conf:7 sets net.core.somaxconn = \"1024\""));
    assert_string_equal(wished(&result, SOMAXCONN), "16384");
    bench_free(bench);
}

static void test_sysctl_overridden_by_more_is_no_loss(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    lose(bench, "1024");
    bench->sysctls[SYSCTL_SOMAXCONN].boot.value = "32768";
    assert_int_equal(run(bench).finding_count, 0);
    bench_free(bench);
}

/* What somebody meant is wished for, not the widest range there is. */
static void test_sysctl_overridden_range_is_what_the_ports_need(void **state)
{
    struct bench *bench = bench_new();
    struct sysctl_boot_fact meant = {"20000 60999", "/etc/sysctl.d/60-haproxy.conf", 1, true,
                                     false};
    struct sysctl_boot_fact winner = {"40000 40199", "/etc/sysctl.d/99-zz.conf", 1, false, false};

    (void)state;
    bench->sysctls[SYSCTL_RANGE].running = "40000 40199";
    bench_two_files(bench, SYSCTL_RANGE, meant, winner);
    bench_check(bench, ROW_APP1, "DOWN", "L4CON",
                "Out of local source ports on the system (Cannot assign requested address)");
    bench->destinations[DEST_APP1].total = 199;
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "backend-no-ports")->state, FINDING_PROVEN);
    assert_int_equal(find(&result, "sysctl-overridden")->state, FINDING_PROVEN);
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(wished(&result, "sysctl.dropin:net.ipv4.ip_local_port_range"),
                        "20000 60999");
    assert_int_equal(result.wishes[0].why.count, 2);
    bench_free(bench);
}

static void test_sysctl_overridden_and_not_persistent_is_told_once(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    lose(bench, "16384");
    bench->sysctls[SYSCTL_SOMAXCONN].follows_boot = true;
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.finding_count, 1);
    assert_true(mentions(&find(&result, "sysctl-overridden")->consequences, "it works now"));
    bench_free(bench);
}

static void test_sysctl_overridden_beyond_the_policy_is_advice(void **state)
{
    struct bench *bench = bench_new();
    struct bound bound = {SOMAXCONN, 8192};
    struct diagnosis_result result;

    (void)state;
    lose(bench, "1024");
    diagnose(&bench->facts, bound_of, &bound, bench->arena, &result);
    assert_int_equal(result.wish_count, 0);
    assert_true(mentions(&find(&result, "sysctl-overridden")->advice, "the policy allows"));
    bench_free(bench);
}

static void test_sysctl_overridden_for_connection_tracking_is_never_sure(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    lose(bench, "1024");
    bench->sysctls[SYSCTL_SOMAXCONN].key = "net.netfilter.nf_conntrack_max";
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "sysctl-overridden")->state, FINDING_POSSIBLE);
    assert_int_equal(result.wish_count, 0);
    bench_free(bench);
}

/* ---- sysctl-not-persistent ---- */

static void test_sysctl_not_persistent_wishes_what_runs(void **state)
{
    struct bench *bench = bench_new();
    struct sysctl_fact *fact = &bench->sysctls[SYSCTL_SOMAXCONN];

    (void)state;
    fact->running = "8192";
    fact->follows_boot = true;
    struct diagnosis_result result = run(bench);
    assert_true(proves(find(&result, "sysctl-not-persistent"), "sysctl", "kernel's default"));
    assert_string_equal(wished(&result, SOMAXCONN), "8192");
    bench_free(bench);
}

static void test_sysctl_not_persistent_of_a_key_that_opens_more_is_advice(void **state)
{
    struct bench *bench = bench_new();
    struct sysctl_fact *fact = &bench->sysctls[SYSCTL_SOMAXCONN];

    (void)state;
    *fact = (struct sysctl_fact){.key = "net.ipv4.ip_nonlocal_bind",
                                 .running = "1",
                                 .kernel_default = "0",
                                 .follows_boot = true};
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "sysctl-not-persistent")->state, FINDING_PROVEN);
    assert_int_equal(result.wish_count, 0);
    assert_true(
        mentions(&find(&result, "sysctl-not-persistent")->advice, "net.ipv4.ip_nonlocal_bind = 1"));
    bench_free(bench);
}

static void test_sysctl_not_persistent_empty_value_is_no_wish(void **state)
{
    struct bench *bench = bench_new();
    struct sysctl_fact *fact = &bench->sysctls[SYSCTL_RESERVED];

    (void)state;
    fact->follows_boot = true;
    fact->boot = (struct sysctl_boot_fact){"9000", "/etc/sysctl.d/9.conf", 1, false, false};
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "sysctl-not-persistent")->state, FINDING_PROVEN);
    assert_int_equal(result.wish_count, 0);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fd_limit_is_sized_by_what_is_needed),
        cmocka_unit_test(test_fd_limit_of_a_mute_worker_wishes_what_is_needed),
        cmocka_unit_test(test_fd_limit_margin_is_small),
        cmocka_unit_test(test_fd_limit_of_a_process_that_may_raise_it_wishes_no_limit),
        cmocka_unit_test(test_fd_limit_without_systemd_says_where_else),
        cmocka_unit_test(test_fd_limit_of_haproxys_own_table_is_advice),
        cmocka_unit_test(test_fd_limit_by_ulimit_n_is_advice),
        cmocka_unit_test(test_fd_limit_capped_by_the_kernel_raises_that_too),
        cmocka_unit_test(test_limit_not_effective_wishes_the_units_own_value),
        cmocka_unit_test(test_limit_not_effective_infinity_is_what_the_kernel_allows),
        cmocka_unit_test(test_limit_not_effective_stands_before_a_budget_that_it_covers),
        cmocka_unit_test(test_limit_not_effective_with_an_automatic_maxconn_needs_a_restart),
        cmocka_unit_test(test_reload_failed_joins_the_repair_of_the_cause_behind_it),
        cmocka_unit_test(test_reload_failed_for_a_reason_not_known_asks_for_the_messages),
        cmocka_unit_test(test_reload_failed_invalid_file_is_the_cause_behind_it),
        cmocka_unit_test(test_config_not_loaded_says_what_a_reload_would_meet),
        cmocka_unit_test(test_config_not_loaded_with_nothing_in_the_way_is_reloaded),
        cmocka_unit_test(test_system_fd_limit_wishes_half_as_much_again),
        cmocka_unit_test(test_system_fd_limit_below_what_is_open_wishes_for_that),
        cmocka_unit_test(test_system_fd_limit_wishes_no_small_number),
        cmocka_unit_test(test_sysctl_overridden_wishes_the_losers_value),
        cmocka_unit_test(test_sysctl_overridden_by_more_is_no_loss),
        cmocka_unit_test(test_sysctl_overridden_range_is_what_the_ports_need),
        cmocka_unit_test(test_sysctl_overridden_and_not_persistent_is_told_once),
        cmocka_unit_test(test_sysctl_overridden_beyond_the_policy_is_advice),
        cmocka_unit_test(test_sysctl_overridden_for_connection_tracking_is_never_sure),
        cmocka_unit_test(test_sysctl_not_persistent_wishes_what_runs),
        cmocka_unit_test(test_sysctl_not_persistent_of_a_key_that_opens_more_is_advice),
        cmocka_unit_test(test_sysctl_not_persistent_empty_value_is_no_wish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
