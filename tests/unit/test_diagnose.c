#include "cmocka_all.h"

#include "agent/diagnose/look.h"
#include "agent/diagnose/ports.h"
#include "tests/diagnosis/bench_selinux.h"
#include "tests/diagnosis/result.h"

/* ---- sizes ---- */

static void test_look_round_up_keeps_two_digits(void **state)
{
    (void)state;
    assert_int_equal(look_round_up(0), 0);
    assert_int_equal(look_round_up(99), 99);
    assert_int_equal(look_round_up(101), 110);
    assert_int_equal(look_round_up(200041), 210000);
    assert_true(look_round_up(UINT64_MAX) == UINT64_MAX);
}

static void test_look_new_limit_is_between_a_quarter_more_and_the_factor(void **state)
{
    (void)state;
    assert_int_equal(look_new_limit(100, 0, 4), 130);
    assert_int_equal(look_new_limit(100, 30, 4), 170);
    assert_int_equal(look_new_limit(1, 0, 4), 2);
    assert_int_equal(look_new_limit(100, 1000, 4), 400);
    assert_int_equal(look_new_limit(2, 30, 10), 40); /* small ones are not held to it */
    assert_int_equal(look_new_limit(10, 1000, 4), 128);
    assert_true(look_new_limit(UINT64_MAX, UINT64_MAX, 10) > 0);
}

/* ---- ports ---- */

static void test_port_set_reads_and_writes_the_kernels_form(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct port_set *set = port_set_new(arena);

    (void)state;
    port_set_add_text(set, "9000-9002,8080, 9003 ,x,70000,7-5,65535");
    assert_string_equal(port_set_text(set, arena), "8080,9000-9003,65535");
    assert_true(port_set_has(set, 9001));
    assert_false(port_set_has(set, 70000));
    assert_int_equal(port_set_count(set, 9001, 65535), 4);
    assert_string_equal(port_set_text(port_set_new(arena), arena), "");
}

static void test_port_range_malformed_is_not_known(void **state)
{
    (void)state;
    assert_true(port_range_parse(" 1024\t 65535\n").known);
    assert_int_equal(port_range_parse("1024 65535").low, 1024);
    assert_false(port_range_parse("1024").known);
    assert_false(port_range_parse("65535 1024").known);
    assert_false(port_range_parse("1 70000").known);
    assert_false(port_range_parse("").known);
    assert_false(port_range_parse(NULL).known);
}

/* ---- back ---- */

static void test_backend_refused_servers_of_one_backend_are_one_finding(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        bench_check(bench, ROW_APP1 + i, "DOWN", "L4CON", "Connection refused");
        bench->probes[PROBE_APP1 + i].error = ECONNREFUSED;
    }
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "backend-refused");
    assert_int_equal(result.finding_count, 1);
    assert_string_equal(finding->object, "be_api");
    assert_string_equal(finding->summary, "2 of 2 servers of be_api refuse connections");
    assert_int_equal(finding->severity, SEVERITY_CRITICAL);
    assert_true(proves(finding, "stats", "be_api/app1 DOWN L4CON \"Connection refused\""));
    assert_true(proves(finding, "probe", "lb01 -> 10.0.0.11:8080 refused"));
    assert_true(mentions(&finding->advice, "on 10.0.0.12: start the service of be_api/app2"));
    assert_true(mentions(&finding->consequences, "503"));
    assert_int_equal(result.wish_count, 0);
    bench_free(bench);
}

static void test_backend_refused_one_of_two_is_a_warning(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_check(bench, ROW_APP2, "DOWN", "L4CON", "Connection refused");
    bench->probes[PROBE_APP2].error = ECONNREFUSED;
    struct diagnosis_result result = run(bench);
    assert_string_equal(find(&result, "backend-refused")->object, "be_api/app2");
    assert_int_equal(find(&result, "backend-refused")->severity, SEVERITY_WARNING);
    bench_free(bench);
}

/* Asked while a check was under way: the status of the one before, without its text. */
static void test_backend_refused_during_a_check_is_proven_by_our_connect(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_check(bench, ROW_APP2, "DOWN", "L4CON", "");
    bench->probes[PROBE_APP2].error = ECONNREFUSED;
    struct diagnosis_result result = run(bench);
    assert_string_equal(find(&result, "backend-refused")->object, "be_api/app2");
    assert_int_equal(find(&result, "backend-refused")->state, FINDING_PROVEN);
    bench->probes[PROBE_APP2].error = 0;
    result = run(bench);
    assert_int_equal(result.finding_count, 0);
    bench_free(bench);
}

static void test_backend_down_for_another_reason_is_told_as_not_known(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_check(bench, ROW_APP1, "DOWN", "L4CON", "General socket error (Permission denied)");
    bench->probes[PROBE_APP1].error = ECONNREFUSED;
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.finding_count, 0);
    assert_true(mentions(&result.not_checked, "why be_api/app1 is DOWN"));
    bench_free(bench);
}

static void break_ports(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L4CON",
                "Out of local source ports on the system (Cannot assign requested address)");
    bench->destinations[DEST_APP1].total = 28000;
    bench->destinations[DEST_APP1].established = 20000;
    bench->destinations[DEST_APP1].time_wait = 8000;
}

static void test_backend_no_ports_reserves_before_it_widens(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    break_ports(bench);
    bench->sysctls[SYSCTL_RESERVED].running = "50000";
    bench->listeners[LISTENER_SPARE] = bench_listener("::", 5432, 0, 128, 8);
    bench->facts.sockets.listener_count = LISTENER_ROOM;
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "backend-no-ports")->state, FINDING_PROVEN);
    assert_string_equal(wished(&result, WISH_RESERVED_PORTS), "5432,8443,50000");
    assert_string_equal(wished(&result, "sysctl.dropin:net.ipv4.ip_local_port_range"),
                        "1024 65535");
    assert_true(wish_index(&result, WISH_RESERVED_PORTS) <
                wish_index(&result, "sysctl.dropin:net.ipv4.ip_local_port_range"));
    assert_int_equal(result.wish_count, 2); /* most sockets are established: no tcp_tw_reuse */
    bench->destinations[DEST_APP1].time_wait = 27000;
    result = run(bench);
    assert_string_equal(wished(&result, "sysctl.dropin:net.ipv4.tcp_tw_reuse"), "1");
    bench_free(bench);
}

static void test_backend_no_ports_full_range_is_advice(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    break_ports(bench);
    bench->sysctls[SYSCTL_RANGE].running = "1024 65535";
    bench->sysctls[SYSCTL_RESERVED].running = "8443";
    bench->destinations[DEST_APP1].total = 64500;
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "backend-no-ports")->state, FINDING_PROVEN);
    assert_int_equal(result.wish_count, 0);
    assert_true(mentions(&find(&result, "backend-no-ports")->advice, "http-reuse"));
    bench_free(bench);
}

static void test_backend_no_ports_elsewhere_changes_nothing_here(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    break_ports(bench);
    bench->haproxy.same_network = false;
    struct diagnosis_result result = run(bench);
    assert_int_equal(wish_index(&result, "sysctl.dropin:net.ipv4.ip_local_port_range"), SIZE_MAX);
    assert_true(mentions(&find(&result, "backend-no-ports")->advice, "network namespace"));
    bench_free(bench);
}

/* ---- start ---- */

static void test_config_invalid_names_file_and_line(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->facts.check.exit_code = 1;
    bench->facts.check.output =
        span_of("[NOTICE]   (16587) : haproxy version is 2.6.12-1+deb12u4\n"
                "[ALERT]    (16587) : config : parsing [b.cfg:3] : unknown keyword 'foo' in "
                "'global' section\n"
                "[ALERT] 325/082200 (16587) : parsing [b.cfg:7] : unknown keyword 'zzz'\n"
                "[ALERT]    (16587) : config : Proxy 'x': unable to find required default_backend: "
                "'nope'.\n"
                "[ALERT]    (16587) : config : Error(s) found in configuration file : b.cfg\n"
                "[ALERT]    (16587) : config : Fatal errors found in configuration.");
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "config-invalid");
    assert_string_equal(finding->object, "b.cfg:3");
    assert_int_equal(finding->evidence_count, 3);
    assert_string_equal(finding->evidence[0].source, "haproxy -c");
    assert_string_equal(finding->evidence[0].text,
                        "b.cfg:3: unknown keyword 'foo' in 'global' section");
    assert_string_equal(finding->evidence[1].text, "b.cfg:7: unknown keyword 'zzz'");
    assert_true(mentions(&finding->advice, "correct b.cfg:7"));
    assert_int_equal(finding->severity, SEVERITY_WARNING); /* it still runs, with the old file */
    bench_free(bench);
}

static void test_not_running_points_to_the_cause_behind_it(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->haproxy.running = false;
    bench->facts.systemd_unit.active_state = "inactive";
    bench->facts.systemd_unit.result = "success"; /* a person stopped it */
    bench->facts.sockets.listener_count = 0;
    bench_lose(bench, SOURCE_STATS, SOURCE_ABSENT);
    bench->facts.check.exit_code = 1;
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "haproxy-not-running");
    assert_true(mentions(&finding->advice, "see config-invalid"));
    assert_true(mentions(&finding->advice, "journalctl -u haproxy.service"));
    assert_true(proves(finding, "unit", "haproxy.service is inactive"));
    assert_true(proves(finding, "sockets", "0 of 2 bind lines have a listener"));
    assert_int_equal(find(&result, "config-invalid")->severity, SEVERITY_CRITICAL);
    bench_free(bench);
}

static void test_a_start_that_failed_is_told_with_the_file_it_failed_for(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_stop(bench);
    bench->facts.check.exit_code = 1;
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "config-invalid");
    assert_int_equal(finding->severity, SEVERITY_CRITICAL);
    assert_true(proves(finding, "unit", "haproxy.service is failed (failed), result exit-code"));
    assert_true(mentions(&finding->advice, "systemctl start haproxy.service"));
    bench_free(bench);
}

static void test_not_installed_is_told_and_no_finding(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->haproxy = (struct haproxy){0};
    bench->facts.systemd_unit = (struct systemd_unit){0};
    bench_lose(bench, SOURCE_CONFIG, SOURCE_ABSENT);
    bench_lose(bench, SOURCE_STATS, SOURCE_ABSENT);
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.finding_count, 0);
    assert_true(mentions(&result.not_checked, "not installed"));
    assert_true(mentions(&result.not_checked, "stats: Permission denied"));
    bench_free(bench);
}

/* ---- order, differences, bounds ---- */

static void test_findings_worst_come_first(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->sysctls[SYSCTL_RANGE].running = "1024 65535"; /* a warning */
    bench->rows[ROW_APP1].status = "MAINT";              /* a notice */
    bench_check(bench, ROW_WEB1, "DOWN", "L4CON", "Connection refused");
    bench->probes[PROBE_WEB1].error = ECONNREFUSED; /* critical: the only one */
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.finding_count, 3);
    assert_string_equal(result.findings[0].cause, "backend-refused");
    assert_string_equal(result.findings[1].cause, "port-range-overlap");
    assert_string_equal(result.findings[2].cause, "backend-maintenance");
    bench_free(bench);
}

static void test_activates_lists_what_differs_and_nothing_else(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    assert_int_equal(run(bench).activates.count, 0);
    bench_edit(bench, "maxconn 500", "maxconn 700");
    bench_edit(bench, "app2 10.0.0.12:8080 check maxconn 100",
               "app2 10.0.0.12:8080 check maxconn 250");
    bench_edit(bench, "app1 10.0.0.11:8080", "app1 10.0.0.99:8080");
    bench_edit(bench, "bind *:80\n", "bind *:81\n    bind quic4@*:443 ssl crt x\n");
    bench_edit(bench, "backend be_web\n    server web1", "backend be_other\n    server web1");
    struct diagnosis_result result = run(bench);
    assert_true(mentions(&result.activates, "frontend fe_api maxconn: 700 in the file, 500 runs"));
    assert_true(
        mentions(&result.activates, "server be_api/app2 maxconn: 250 in the file, 100 runs"));
    assert_true(mentions(&result.activates,
                         "server be_api/app1: 10.0.0.99:8080 in the file, 10.0.0.11:8080 runs"));
    assert_true(mentions(&result.activates, "backend be_other: in the file"));
    assert_true(mentions(&result.activates, "backend be_web: runs, but is not in the file"));
    assert_true(mentions(&result.activates, "nothing listens on port 81"));
    assert_int_equal(result.activates.count, 6);
    bench_free(bench);
}

static void test_activates_is_bounded(void **state)
{
    struct bench *bench = bench_new();
    struct haproxy_stat *rows = arena_alloc(bench->arena, 400 * sizeof *rows);

    (void)state;
    for (size_t i = 0; i < 400; i++)
        rows[i] = bench_row(STAT_BACKEND, arena_printf(bench->arena, "b%zu", i), "BACKEND", "UP");
    bench->facts.stats = rows;
    bench->facts.stat_count = 400;
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.activates.count, 50);
    assert_true(mentions(&result.activates, "more differences"));
    bench_free(bench);
}

static void test_findings_are_bounded(void **state)
{
    struct bench *bench = bench_new();
    size_t count = PLAN_FINDINGS_MAX + 40;
    struct haproxy_stat *rows = arena_alloc(bench->arena, count * sizeof *rows);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        rows[i] = bench_row(STAT_SERVER, arena_printf(bench->arena, "b%zu", i), "s", "MAINT");
    }
    bench->facts.stats = rows;
    bench->facts.stat_count = count;
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.finding_count, PLAN_FINDINGS_MAX);
    assert_true(mentions(&result.not_checked, "40 more findings"));
    bench_free(bench);
}

static void test_tree_tells_latent_causes_and_wishes_for_them(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->cfg->global.maxconn.value = bench->facts.budget.maxconn = 100000;
    bench->facts.budget.need = 200041;
    bench->sysctls[SYSCTL_RANGE].boot.value = "1024 65535";
    bench_tree(bench);
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.finding_count, 2);
    assert_string_equal(wished(&result, "systemd.limit:haproxy.service"), "210000");
    assert_string_equal(wished(&result, WISH_RESERVED_PORTS), "8443");
    assert_true(mentions(&result.not_checked, "stats: not asked of a tree of files"));
    assert_int_equal(result.activates.count, 0);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_look_round_up_keeps_two_digits),
        cmocka_unit_test(test_look_new_limit_is_between_a_quarter_more_and_the_factor),
        cmocka_unit_test(test_port_set_reads_and_writes_the_kernels_form),
        cmocka_unit_test(test_port_range_malformed_is_not_known),
        cmocka_unit_test(test_backend_refused_servers_of_one_backend_are_one_finding),
        cmocka_unit_test(test_backend_refused_one_of_two_is_a_warning),
        cmocka_unit_test(test_backend_refused_during_a_check_is_proven_by_our_connect),
        cmocka_unit_test(test_backend_down_for_another_reason_is_told_as_not_known),
        cmocka_unit_test(test_backend_no_ports_reserves_before_it_widens),
        cmocka_unit_test(test_backend_no_ports_full_range_is_advice),
        cmocka_unit_test(test_backend_no_ports_elsewhere_changes_nothing_here),
        cmocka_unit_test(test_config_invalid_names_file_and_line),
        cmocka_unit_test(test_not_running_points_to_the_cause_behind_it),
        cmocka_unit_test(test_a_start_that_failed_is_told_with_the_file_it_failed_for),
        cmocka_unit_test(test_not_installed_is_told_and_no_finding),
        cmocka_unit_test(test_findings_worst_come_first),
        cmocka_unit_test(test_activates_lists_what_differs_and_nothing_else),
        cmocka_unit_test(test_activates_is_bounded),
        cmocka_unit_test(test_findings_are_bounded),
        cmocka_unit_test(test_tree_tells_latent_causes_and_wishes_for_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
