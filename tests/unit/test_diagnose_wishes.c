#include "cmocka_all.h"

#include "agent/diagnose/look.h"
#include "tests/diagnosis/result.h"

/* ---- server-queue ---- */

static void test_server_queue_one_server_wishes_its_own_maxconn(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_queue(bench, ROW_APP1, 100, 30);
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "server-queue");
    assert_string_equal(finding->object, "be_api/app1");
    assert_int_equal(finding->severity, SEVERITY_WARNING);
    assert_true(proves(finding, "stats", "sessions 100 of 100, queue 30"));
    assert_true(proves(finding, "config", "/etc/haproxy/haproxy.cfg:21"));
    assert_null(finding->settle);
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(wished(&result, "haproxy.maxconn:server/be_api/app1"), "170");
    assert_non_null(strstr(result.wishes[0].because, "30 requests wait"));
    assert_int_equal(result.wishes[0].source, WISH_DIAGNOSIS);
    assert_true(strings_have(&result.wishes[0].why, "server-queue"));
    bench_free(bench);
}

static void test_server_queue_of_the_backend_is_shared_by_limit(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_queue(bench, ROW_APP1, 100, 0);
    bench_queue(bench, ROW_APP2, 300, 0);
    bench->rows[ROW_APP2].session_limit = 300;
    bench->apps[1].maxconn.value = 300;
    bench->rows[ROW_BE_API].queue = 400;
    struct diagnosis_result result = run(bench);
    assert_string_equal(find(&result, "server-queue")->object, "be_api");
    assert_non_null(strstr(find(&result, "server-queue")->summary, "2 of 2 servers"));
    assert_string_equal(wished(&result, "haproxy.maxconn:server/be_api/app1"), "250");
    assert_string_equal(wished(&result, "haproxy.maxconn:server/be_api/app2"), "750");
    bench_free(bench);
}

static void test_server_queue_from_one_default_server_wishes_that_line(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_edit(bench, "app1 10.0.0.11:8080 check maxconn 100", "app1 10.0.0.11:8080 check");
    bench_edit(bench, "app2 10.0.0.12:8080 check maxconn 100", "app2 10.0.0.12:8080 check");
    bench_edit(bench, "\nbackend be_api\n", "\nbackend be_api\n    default-server maxconn 100\n");
    bench_queue(bench, ROW_APP1, 100, 0);
    bench_queue(bench, ROW_APP2, 100, 0);
    bench->rows[ROW_BE_API].queue = 60;
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(wished(&result, "haproxy.maxconn:default-server/be_api"), "170");
    /* Inherited from a defaults section there is no such line in the backend. */
    bench_edit(bench, "    default-server maxconn 100\n", "");
    bench_edit(bench, "    mode http\n", "    default-server maxconn 100\n");
    result = run(bench);
    assert_int_equal(result.wish_count, 2);
    assert_string_equal(wished(&result, "haproxy.maxconn:server/be_api/app2"), "170");
    bench_free(bench);
}

/* Between two requests a slot is free for a moment: that is no end of the queue. */
static void test_server_queue_with_a_slot_just_free_is_found(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_queue(bench, ROW_APP1, 100, 30);
    bench->rows[ROW_APP1].sessions = 96;
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.wish_count, 1);
    bench->rows[ROW_APP1].sessions = 94;
    result = run(bench);
    assert_int_equal(result.wish_count, 0);
    bench_free(bench);
}

static void test_server_queue_within_the_policys_bound(void **state)
{
    struct bench *bench = bench_new();
    struct bound bound = {"haproxy.maxconn:server/be_api/app1", 140};
    struct diagnosis_result result;

    (void)state;
    bench_queue(bench, ROW_APP1, 100, 30);
    diagnose(&bench->facts, bound_of, &bound, bench->arena, &result);
    assert_string_equal(wished(&result, bound.address), "140");
    /* 100 at work and 30 waiting: less than 130 would leave a queue, and not prove itself. */
    bound.value = 129;
    diagnose(&bench->facts, bound_of, &bound, bench->arena, &result);
    assert_int_equal(result.wish_count, 0);
    assert_true(mentions(&find(&result, "server-queue")->advice, "policy"));
    bench_free(bench);
}

static void assert_queue_without_wish(struct bench *bench, const char *advice)
{
    bench_queue(bench, ROW_APP1, 100, 30);
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "server-queue")->state, FINDING_PROVEN);
    assert_int_equal(result.wish_count, 0);
    assert_true(mentions(&find(&result, "server-queue")->advice, advice));
    bench_free(bench);
}

static void assert_slow_behind_queue(struct bench *bench, const char *advice)
{
    bench_queue(bench, ROW_APP1, 100, 30);
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "backend-slow");
    assert_int_equal(finding->state, FINDING_PROVEN);
    assert_int_equal(result.wish_count, 0);
    assert_int_equal(result.finding_count, 1);
    assert_true(mentions(&finding->advice, advice));
    assert_true(mentions(&finding->consequences, "server-queue: 30 requests wait"));
    bench_free(bench);
}

static void test_server_queue_of_a_slow_server_is_the_slow_servers(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->rows[ROW_APP1].response_ms = 3000;
    assert_slow_behind_queue(bench, "its responses take 3000 ms");
    bench = bench_new();
    bench->rows[ROW_APP1].response_ms = 1000; /* its neighbour takes 40 */
    assert_slow_behind_queue(bench, "those of app2 40 ms");
    bench = bench_new();
    bench->rows[ROW_APP1].connect_ms = 700;
    assert_slow_behind_queue(bench, "700 ms to accept");
    bench = bench_new();
    bench->rows[ROW_APP1].total_ms = 50; /* 2000 a second */
    bench->rows[ROW_APP1].rate = 600;
    assert_slow_behind_queue(bench, "takes 600 requests a second, where its average of 50 ms");
}

/* As many as its averages say: it is quick, and full. Long answers say nothing of a rate. */
static void test_server_queue_of_a_quick_server_is_its_maxconn(void **state)
{
    static const struct {
        int64_t total_ms, rate;
    } rows[] = {{50, 700}, {2000, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench *bench = bench_new();

        bench->rows[ROW_APP1].total_ms = rows[i].total_ms;
        bench->rows[ROW_APP1].rate = rows[i].rate;
        bench_queue(bench, ROW_APP1, 100, 30);
        assert_int_equal(run(bench).wish_count, 1);
        bench_free(bench);
    }
}

static void test_server_queue_beside_a_down_server_wishes_nothing(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_check(bench, ROW_APP2, "DOWN", "UNK", "");
    assert_queue_without_wish(bench, "bring back the 1 of 2 servers");
}

/* Where it was found why that one is down, the queue is what that leads to. */
static void test_server_queue_is_a_consequence_of_a_down_server(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_check(bench, ROW_APP2, "DOWN", "L7STS", "Service Unavailable");
    bench_queue(bench, ROW_APP1, 100, 30);
    struct diagnosis_result result = run(bench);
    assert_ptr_equal(find(&result, "server-queue"), &no_finding);
    assert_int_equal(result.wish_count, 0);
    assert_true(mentions(&find(&result, "backend-bad-response")->consequences,
                         "server-queue: the others carry the load, 1 of 2"));
    bench_free(bench);
}

static void test_server_queue_where_no_edit_is_possible_advises(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_edit(bench, "    server app1 10.0.0.11:8080 check maxconn 100\n",
               ".if feature(OPENSSL)\n    server app1 10.0.0.11:8080 check maxconn 100\n.endif\n");
    assert_queue_without_wish(bench, "by hand: /etc/haproxy/haproxy.cfg:22: this server stands");
    bench = bench_new();
    bench_edit(bench, "check maxconn 100\n", "check maxconn \"$LIMIT\"\n");
    assert_queue_without_wish(bench, "variable");
}

static void test_server_queue_other_limit_in_file_is_possible_and_wishes_nothing(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_queue(bench, ROW_APP1, 100, 30);
    bench->apps[0].maxconn.value = 400;
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "server-queue")->state, FINDING_POSSIBLE);
    assert_non_null(find(&result, "server-queue")->settle);
    assert_int_equal(result.wish_count, 0);
    bench_free(bench);
}

/* ---- maxconn of the process and of frontends ---- */

static void break_global(struct bench *bench)
{
    bench_info(bench, FIELD_CURRENT, "CurrConns", 1000);
    bench_full_frontend(bench, ROW_WEB, LISTENER_80, 200);
}

static void test_global_maxconn_is_sized_by_what_waits(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    break_global(bench);
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "global-maxconn")->severity, SEVERITY_CRITICAL);
    assert_ptr_equal(find(&result, "frontend-maxconn"), &no_finding);
    assert_string_equal(wished(&result, "haproxy.maxconn:global"), "1500");
    /* fe_web has no maxconn of its own: it follows. */
    assert_int_equal(result.wish_count, 1);
    /* Who waits behind a full queue cannot be counted. */
    bench->listeners[LISTENER_80].queue = 1000;
    result = run(bench);
    assert_string_equal(wished(&result, "haproxy.maxconn:global"), "4000");
    assert_non_null(strstr(result.wishes[0].because, "at least 1000 wait"));
    bench_free(bench);
}

static void test_global_maxconn_takes_along_a_frontend_of_the_same_limit(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    break_global(bench);
    bench_edit(bench, "    default_backend be_web\n", "    maxconn 1000\n");
    struct diagnosis_result result = run(bench);
    assert_string_equal(wished(&result, "haproxy.maxconn:global"), "1500");
    assert_string_equal(wished(&result, "haproxy.maxconn:frontend/fe_web"), "1500");
    bench_free(bench);
}

static void test_global_maxconn_beyond_the_descriptors_raises_the_units_limit(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    break_global(bench);
    bench->facts.budget.limit = 2100;
    struct diagnosis_result result = run(bench);
    assert_string_equal(wished(&result, "systemd.limit:haproxy.service"), "3100");
    assert_string_equal(wished(&result, "haproxy.maxconn:global"), "1500");
    /* Where no unit can give more, what fits is what there is: 2100 = 40 + 2 * 1030. */
    bench->haproxy.by_systemd = false;
    result = run(bench);
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(wished(&result, "haproxy.maxconn:global"), "1030");
    bench->facts.budget.limit = 2040;
    result = run(bench);
    assert_int_equal(result.wish_count, 0);
    assert_true(mentions(&find(&result, "global-maxconn")->advice, "file descriptors"));
    bench_free(bench);
}

static void test_global_maxconn_is_held_by_memory(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    break_global(bench);
    bench->facts.memory_available_kib = 2 * 34 * 77;
    struct diagnosis_result result = run(bench);
    assert_string_equal(wished(&result, "haproxy.maxconn:global"), "1077");
    assert_non_null(strstr(result.wishes[0].because, "memory"));
    bench_free(bench);
}

static void test_global_maxconn_on_the_command_line_is_advice(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    break_global(bench);
    bench->haproxy.argument_maxconn = 1000;
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.wish_count, 0);
    assert_true(mentions(&find(&result, "global-maxconn")->advice, "raise -n 1000"));
    bench_free(bench);
}

static void test_global_maxconn_larger_in_file_is_never_lowered(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    break_global(bench);
    bench->cfg->global.maxconn.value = 5000;
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.wish_count, 0);
    assert_true(mentions(&find(&result, "global-maxconn")->advice, "reload HAProxy"));
    assert_true(mentions(&result.activates, "global maxconn: 5000 in the file, 1000 runs"));
    bench_free(bench);
}

static void test_frontend_maxconn_stays_within_the_global_one(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_full_frontend(bench, ROW_API, LISTENER_8443, 100);
    struct diagnosis_result result = run(bench);
    assert_string_equal(find(&result, "frontend-maxconn")->object, "fe_api");
    assert_string_equal(wished(&result, "haproxy.maxconn:frontend/fe_api"), "750");
    bench->listeners[LISTENER_8443].queue = 4000;
    bench_edit(bench, "frontend fe_api", "listen fe_api");
    result = run(bench);
    assert_string_equal(wished(&result, "haproxy.maxconn:listen/fe_api"), "1000");
    bench_free(bench);
}

/* ---- latent ---- */

static void test_maxconn_over_budget_raises_the_units_limit_and_keeps_maxconn(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->cfg->global.maxconn.value = bench->facts.budget.maxconn = 100000;
    bench->facts.budget.need = 200041;
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(wished(&result, "systemd.limit:haproxy.service"), "210000");
    /* This decides before LimitNOFILE does. */
    bench_edit(bench, "    maxconn 1000\n", "    maxconn 100000\n    ulimit-n 20000\n");
    result = run(bench);
    assert_string_equal(wished(&result, "haproxy.maxconn:global"), "9980");
    bench_free(bench);
}

static void test_maxconn_over_budget_without_a_unit_lowers_maxconn(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->cfg->global.maxconn.value = bench->facts.budget.maxconn = 100000;
    bench->facts.budget.need = 200041;
    bench->facts.unit.exists = false;
    struct diagnosis_result result = run(bench);
    assert_string_equal(wished(&result, "haproxy.maxconn:global"), "9980");
    assert_int_equal(result.wish_count, 1);
    bench_free(bench);
}

static void test_maxconn_over_budget_beyond_nr_open_lowers_maxconn(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->cfg->global.maxconn.value = bench->facts.budget.maxconn = 100000;
    bench->facts.budget.need = 200041;
    bench->sysctls[SYSCTL_NR_OPEN].running = "205000";
    struct diagnosis_result result = run(bench);
    assert_string_equal(wished(&result, "systemd.limit:haproxy.service"), "205000");
    bench->sysctls[SYSCTL_NR_OPEN].running = "100000";
    result = run(bench);
    assert_string_equal(wished(&result, "haproxy.maxconn:global"), "9980");
    bench_free(bench);
}

static void test_wishes_ceiling_beats_floor_and_names_both_causes(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    break_global(bench);
    bench->haproxy.by_systemd = false;
    bench->facts.budget =
        (struct fd_budget){1000, 2040, 1840, 900, true, "2040", "hard limit 1840 of the master"};
    bench_info(bench, FIELD_MAXCONN, "Maxconn", 800);
    bench->cfg->global.maxconn.value = 1000;
    struct diagnosis_result result = run(bench);
    assert_string_equal(wished(&result, "haproxy.maxconn:global"), "900");
    bench_free(bench);
}

static void test_wishes_of_one_address_merge(void **state)
{
    struct bench *bench = bench_new();
    struct diagnosis_result result = {0};
    struct diagnosis_work work = {.facts = &bench->facts, .arena = bench->arena, .result = &result};
    const struct cause load = {.slug = "load", .severity = SEVERITY_WARNING};
    const struct cause host = {.slug = "host", .severity = SEVERITY_WARNING};
    const char *const ports = WISH_RESERVED_PORTS;

    (void)state;
    diagnose_wish(&work, &load, "haproxy.maxconn:global", 500, WISH_FLOOR, "load");
    diagnose_wish(&work, &load, "haproxy.maxconn:global", 700, WISH_FLOOR, "more load");
    assert_string_equal(wished(&result, "haproxy.maxconn:global"), "700");
    assert_string_equal(result.wishes[0].because, "more load");
    diagnose_wish(&work, &host, "haproxy.maxconn:global", 600, WISH_CEILING, "host");
    diagnose_wish(&work, &host, "haproxy.maxconn:global", 650, WISH_CEILING, "less so");
    diagnose_wish(&work, &load, "haproxy.maxconn:global", 900, WISH_FLOOR, "load again");
    assert_string_equal(wished(&result, "haproxy.maxconn:global"), "600");
    assert_string_equal(result.wishes[0].because, "host");
    assert_int_equal(result.wishes[0].why.count, 2);
    diagnose_wish_text(&work, &load, ports, "8080,9000", "one");
    diagnose_wish_text(&work, &host, ports, "9001,22000", "two");
    assert_string_equal(wished(&result, ports), "8080,9000-9001,22000");
    assert_int_equal(result.wish_count, 2);
    bench_free(bench);
}

static void test_port_range_overlap_keeps_what_is_reserved(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->sysctls[SYSCTL_RANGE].running = "1024 65535";
    bench->sysctls[SYSCTL_RESERVED].running = "5000-5001";
    bench->sysctls[SYSCTL_RESERVED].boot.value = "6000";
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "port-range-overlap");
    assert_string_equal(finding->object, "net.ipv4.ip_local_port_range");
    assert_true(proves(finding, "config", "bind *:8443 (/etc/haproxy/haproxy.cfg:16)"));
    assert_false(proves(finding, "config", "*:80 "));
    assert_string_equal(wished(&result, WISH_RESERVED_PORTS), "5000-5001,6000,8443");
    bench_free(bench);
}

static void test_stats_socket_is_put_where_its_directory_is_sure_to_be(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_edit(bench, "    stats socket /run/haproxy/admin.sock mode 660 level admin\n", "");
    bench_lose(bench, SOURCE_STATS, SOURCE_ABSENT);
    struct diagnosis_result result = run(bench);
    assert_string_equal(wished(&result, "haproxy.stats_socket:global"), "/run/haproxy/admin.sock");
    bench->haproxy.version = "2.4.22-f8e3218";
    result = run(bench);
    assert_string_equal(wished(&result, "haproxy.stats_socket:global"), "/run/haproxy.sock");
    bench->facts.unit.user = "haproxy";
    result = run(bench);
    assert_int_equal(result.wish_count, 0);
    assert_true(mentions(&find(&result, "stats-socket-off")->advice, "user haproxy"));
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_queue_one_server_wishes_its_own_maxconn),
        cmocka_unit_test(test_server_queue_of_the_backend_is_shared_by_limit),
        cmocka_unit_test(test_server_queue_from_one_default_server_wishes_that_line),
        cmocka_unit_test(test_server_queue_with_a_slot_just_free_is_found),
        cmocka_unit_test(test_server_queue_within_the_policys_bound),
        cmocka_unit_test(test_server_queue_of_a_slow_server_is_the_slow_servers),
        cmocka_unit_test(test_server_queue_of_a_quick_server_is_its_maxconn),
        cmocka_unit_test(test_server_queue_beside_a_down_server_wishes_nothing),
        cmocka_unit_test(test_server_queue_is_a_consequence_of_a_down_server),
        cmocka_unit_test(test_server_queue_where_no_edit_is_possible_advises),
        cmocka_unit_test(test_server_queue_other_limit_in_file_is_possible_and_wishes_nothing),
        cmocka_unit_test(test_global_maxconn_is_sized_by_what_waits),
        cmocka_unit_test(test_global_maxconn_takes_along_a_frontend_of_the_same_limit),
        cmocka_unit_test(test_global_maxconn_beyond_the_descriptors_raises_the_units_limit),
        cmocka_unit_test(test_global_maxconn_is_held_by_memory),
        cmocka_unit_test(test_global_maxconn_on_the_command_line_is_advice),
        cmocka_unit_test(test_global_maxconn_larger_in_file_is_never_lowered),
        cmocka_unit_test(test_frontend_maxconn_stays_within_the_global_one),
        cmocka_unit_test(test_maxconn_over_budget_raises_the_units_limit_and_keeps_maxconn),
        cmocka_unit_test(test_maxconn_over_budget_without_a_unit_lowers_maxconn),
        cmocka_unit_test(test_maxconn_over_budget_beyond_nr_open_lowers_maxconn),
        cmocka_unit_test(test_wishes_ceiling_beats_floor_and_names_both_causes),
        cmocka_unit_test(test_wishes_of_one_address_merge),
        cmocka_unit_test(test_port_range_overlap_keeps_what_is_reserved),
        cmocka_unit_test(test_stats_socket_is_put_where_its_directory_is_sure_to_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
