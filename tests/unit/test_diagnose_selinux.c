#include "cmocka_all.h"

#include "agent/diagnose/look.h"
#include "tests/diagnosis/bench_selinux.h"
#include "tests/diagnosis/result.h"

#define LABEL_8080 "selinux.port:tcp/8080"
#define LABEL_8443 "selinux.port:tcp/8443"
#define BOOLEAN    "selinux.boolean:haproxy_connect_any"

/* ---- backend-selinux ---- */

static void test_backend_selinux_tells_every_source_and_wishes_a_label(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_servers(bench);
    bench_denial(bench, "name_connect", 8080);
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "backend-selinux");
    assert_int_equal(result.finding_count, 1);
    assert_int_equal(finding->state, FINDING_PROVEN);
    assert_int_equal(finding->severity, SEVERITY_CRITICAL);
    assert_string_equal(finding->object, "be_api");
    assert_string_equal(finding->summary, "2 of 2 servers of be_api: SELinux keeps HAProxy "
                                          "(haproxy_t) from connecting to tcp/8080");
    assert_true(proves(finding, "stats", "be_api/app1 DOWN L4CON \"" DENIED_TEXT "\""));
    assert_true(proves(finding, "probe", "lb01 -> 10.0.0.11:8080 connected"));
    assert_true(proves(finding, "selinux",
                       "haproxy_t may not name_connect unreserved_port_t, the "
                       "type of tcp/8080 (asked the loaded policy)"));
    assert_true(proves(finding, "audit",
                       "denied name_connect dest=8080, haproxy_t -> unreserved_port_t: 214 times "
                       "from 2026-11-22T08:37:31Z to 2026-11-22T08:46:40Z"));
    assert_true(mentions(&finding->consequences, "503"));
    assert_true(strings_have(&finding->repair, LABEL_8080 "=http_port_t"));
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(wished(&result, LABEL_8080), "http_port_t");
    assert_non_null(strstr(result.wishes[0].because, "haproxy_connect_any opens 65501 TCP ports to "
                                                     "connect to and 65513 to bind"));
    assert_false(mentions(&result.not_checked, "no cause that is known here"));
    bench_free(bench);
}

static void test_backend_selinux_one_of_two_is_a_warning(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_servers(bench);
    bench_check(bench, ROW_APP2, "UP", "L4OK", "");
    struct diagnosis_result result = run(bench);
    assert_string_equal(find(&result, "backend-selinux")->object, "be_api/app1");
    assert_int_equal(find(&result, "backend-selinux")->severity, SEVERITY_WARNING);
    bench_free(bench);
}

static void test_backend_selinux_a_port_of_another_service_is_never_labelled(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_servers(bench)->type = "postgresql_port_t";
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(wished(&result, BOOLEAN), "on");
    assert_non_null(strstr(result.wishes[0].because, "tcp/8080 is postgresql_port_t"));
    bench_free(bench);
}

static void test_backend_selinux_a_boolean_of_other_domains_is_never_wished(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    struct selinux_port_fact *fact = bench_denied_servers(bench);
    fact->type = "postgresql_port_t";
    fact->cures[SELINUX_CONNECT].boolean_count = 1; /* nis_enabled */
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "backend-selinux")->state, FINDING_PROVEN);
    assert_int_equal(result.wish_count, 0);
    assert_true(mentions(&find(&result, "backend-selinux")->advice, "use another port"));
    assert_false(mentions(&find(&result, "backend-selinux")->advice, "nis_enabled"));
    bench_free(bench);
}

/* The boolean that one port needs opens the other one too. */
static void test_backend_selinux_no_label_on_top_of_the_boolean(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_servers(bench);
    bench_check(bench, ROW_WEB1, "DOWN", "L4CON", DENIED_TEXT);
    bench->rows[ROW_WEB1].address = "10.0.0.21:5432";
    bench->probes[PROBE_WEB1].port = 5432;
    bench_port(bench, "tcp", 5432, "postgresql_port_t", SELINUX_CONNECT);
    bench_forbid(bench, "tcp", 5432, "postgresql_port_t");
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.finding_count, 2);
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(wished(&result, BOOLEAN), "on");
    for (size_t i = 0; i < 2; i++)
        assert_true(strings_have(&result.findings[i].repair, BOOLEAN "=on"));
    bench_free(bench);
}

static void many_ports(struct bench *bench, size_t count)
{
    struct haproxy_stat *rows = arena_alloc(bench->arena, count * sizeof *rows);

    bench_selinux(bench);
    for (size_t i = 0; i < count; i++) {
        uint32_t port = 20000 + (uint32_t)i;
        rows[i] = bench->rows[ROW_APP1];
        rows[i].name = arena_printf(bench->arena, "app%zu", i);
        rows[i].address = arena_printf(bench->arena, "10.0.0.11:%u", port);
        rows[i].status = "DOWN";
        rows[i].check_status = "L4CON";
        rows[i].last_check = DENIED_TEXT;
        bench_port(bench, "tcp", port, "unreserved_port_t", SELINUX_CONNECT);
        bench_forbid(bench, "tcp", port, "unreserved_port_t");
    }
    bench->facts.stats = rows;
    bench->facts.stat_count = count;
}

static void test_backend_selinux_many_ports_take_the_boolean(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    many_ports(bench, 8);
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.wish_count, 8);
    assert_string_equal(wished(&result, "selinux.port:tcp/20007"), "http_port_t");
    many_ports(bench, 9);
    result = run(bench);
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(wished(&result, BOOLEAN), "on");
    bench_free(bench);
}

/* Nothing new is opened where the next boot turns it on anyway. */
static void test_backend_selinux_a_boolean_that_is_on_at_boot_is_turned_on_now(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_servers(bench);
    bench->facts.selinux.booleans[0].persistent = true;
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.finding_count, 1);
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(wished(&result, BOOLEAN), "on");
    bench_free(bench);
}

static void test_backend_selinux_both_ports_of_a_check_elsewhere(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_edit(bench, "app1 10.0.0.11:8080 check", "app1 10.0.0.11:8080 check port 9999");
    bench_denied_servers(bench);
    bench_check(bench, ROW_APP2, "UP", "L4OK", "");
    bench_port(bench, "tcp", 9999, "jboss_management_port_t", SELINUX_CONNECT);
    bench_forbid(bench, "tcp", 9999, "unreserved_port_t");
    bench->probes[PROBE_APP1].error = ECONNREFUSED; /* says nothing of the other port */
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "backend-selinux")->state, FINDING_PROVEN);
    assert_string_equal(wished(&result, "selinux.port:tcp/9999"), "http_port_t");
    assert_string_equal(wished(&result, LABEL_8080), "http_port_t");
    /* Only the check's port is forbidden. */
    bench_port_fact(bench, "tcp", 8080)->allowed = SELINUX_CONNECT;
    result = run(bench);
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(wished(&result, "selinux.port:tcp/9999"), "http_port_t");
    bench_free(bench);
}

static void test_backend_selinux_without_the_stats_socket_the_log_proves_it(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_servers(bench);
    bench_lose(bench, SOURCE_STATS, SOURCE_FAILED);
    struct diagnosis_result result = run(bench);
    assert_string_equal(find(&result, "backend-selinux")->cause, "(none)");
    bench_denial(bench, "name_connect", 8080);
    result = run(bench);
    assert_int_equal(find(&result, "backend-selinux")->state, FINDING_PROVEN);
    assert_string_equal(wished(&result, LABEL_8080), "http_port_t");
    bench_free(bench);
}

static void
test_backend_selinux_possible_changes_nothing_and_says_what_would_settle_it(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_servers(bench);
    bench->probes[PROBE_APP1].error = bench->probes[PROBE_APP2].error = ECONNREFUSED;
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "backend-selinux")->state, FINDING_POSSIBLE);
    assert_non_null(strstr(find(&result, "backend-selinux")->settle, "fails too"));
    assert_int_equal(result.wish_count, 0);
    bench_free(bench);
}

static void test_backend_selinux_a_policy_that_cannot_be_asked_is_told(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_servers(bench);
    bench_denial(bench, "name_connect", 8080);
    bench->facts.selinux =
        (struct selinux_facts){.mode = SELINUX_ENFORCING, .unasked = "built without libsepol"};
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "backend-selinux")->state, FINDING_POSSIBLE);
    assert_true(proves(find(&result, "backend-selinux"), "audit", "dest=8080"));
    assert_int_equal(result.wish_count, 0);
    assert_true(mentions(&result.not_checked, "built without libsepol"));
    bench_free(bench);
}

/* ---- bind-selinux ---- */

static void test_bind_selinux_stopped_is_started_again(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_bind(bench);
    bench_stop(bench);
    bench_denial(bench, "name_bind", 8443);
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "bind-selinux");
    assert_int_equal(result.finding_count, 1);
    assert_int_equal(finding->severity, SEVERITY_CRITICAL);
    assert_string_equal(finding->object, "tcp/8443");
    assert_true(proves(finding, "config", "fe_api: bind *:8443 (/etc/haproxy/haproxy.cfg:16)"));
    assert_true(proves(finding, "sockets", "nobody listens on tcp/8443"));
    assert_true(proves(finding, "selinux", "haproxy_t may not name_bind unreserved_port_t"));
    assert_true(proves(finding, "audit", "denied name_bind src=8443"));
    assert_true(proves(finding, "unit", "haproxy.service is failed (failed), result exit-code"));
    assert_true(mentions(&finding->consequences, "HAProxy cannot start"));
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(wished(&result, LABEL_8443), "http_port_t");
    assert_int_equal(result.wishes[0].activation, IMPACT_RELOAD);
    bench_free(bench);
}

/* Who stopped it on purpose is told how to start it again, and nobody does it for them. */
static void test_bind_selinux_stopped_by_a_person_starts_nothing(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_bind(bench);
    bench_stop(bench);
    bench->facts.systemd_unit.active_state = "inactive";
    bench->facts.systemd_unit.result = "success";
    bench_denial(bench, "name_bind", 8443);
    struct diagnosis_result result = run(bench);
    assert_true(mentions(&find(&result, "bind-selinux")->advice,
                         "systemctl reset-failed haproxy.service; systemctl start "
                         "haproxy.service"));
    assert_int_equal(result.wishes[0].activation, IMPACT_NONE);
    bench_free(bench);
}

static void test_bind_selinux_running_is_reloaded(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_bind(bench);
    bench_denial(bench, "name_bind", 8443);
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.wishes[0].activation, IMPACT_RELOAD);
    assert_true(mentions(&find(&result, "bind-selinux")->consequences, "a reload fails silently"));
    bench_free(bench);
}

/* The label is loaded at once, and the reload that then follows is the one that failed before. */
static void test_bind_selinux_is_behind_the_reload_and_answers_it(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_bind(bench);
    bench_denial(bench, "name_bind", 8443);
    bench->facts.master.failed_reloads = bench->facts.told_failures = 1;
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "bind-selinux")->state, FINDING_PROVEN);
    assert_int_equal(find(&result, "reload-failed")->state, FINDING_PROVEN);
    assert_true(mentions(&find(&result, "reload-failed")->consequences, "bind-selinux"));
    assert_int_equal(result.wish_count, 1);
    assert_int_equal(result.wishes[0].why.count, 2);
    assert_string_equal(result.wishes[0].why.at[0], "bind-selinux");
    assert_string_equal(result.wishes[0].why.at[1], "reload-failed");
    assert_int_equal(result.wishes[0].activation, IMPACT_RELOAD);
    bench_free(bench);
}

static void test_selinux_a_denial_from_before_the_worker_proves_nothing_now(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_bind(bench);
    int64_t last = bench_denial(bench, "name_bind", 8443)->last;
    bench_forbid(bench, "tcp", 8080, "unreserved_port_t");
    bench_check(bench, ROW_APP1, "no check", "", "");
    bench_denial(bench, "name_connect", 8080);
    bench->facts.worker_started = last + 1;
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "bind-selinux")->state, FINDING_PROVEN);
    assert_int_equal(find(&result, "backend-selinux")->state, FINDING_PROVEN);
    bench->facts.worker_started = last + 10;
    result = run(bench);
    assert_int_equal(find(&result, "bind-selinux")->state, FINDING_POSSIBLE);
    assert_string_equal(find(&result, "backend-selinux")->cause, "(none)");
    assert_int_equal(result.wish_count, 0);
    bench_free(bench);
}

static void test_bind_selinux_not_tried_changes_nothing(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_bind(bench);
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "bind-selinux")->state, FINDING_POSSIBLE);
    assert_int_equal(result.wish_count, 0);
    bench_free(bench);
}

/* What the kernel asks for changes with the range; at its very ends it does not ask. */
static void test_bind_selinux_only_ports_that_the_kernel_asks_for(void **state)
{
    static const struct {
        const char *range;
        bool asked;
    } ranges[] = {{"32768 60999", true}, {"8444 60999", true}, {"8443 60999", false},
                  {"1024 8443", false},  {"1024 8442", true},  {"1024 65535", false}};

    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        struct bench *bench = bench_new();
        bench_denied_bind(bench);
        bench_denial(bench, "name_bind", 8443);
        bench->sysctls[SYSCTL_RANGE].running = ranges[i].range;
        bench->sysctls[SYSCTL_RESERVED].running = "8443";
        struct diagnosis_result result = run(bench);
        assert_string_equal(find(&result, "bind-selinux")->cause,
                            ranges[i].asked ? "bind-selinux" : "(none)");
        bench_free(bench);
    }
}

static void test_bind_selinux_a_low_port_is_asked_for_inside_the_range_too(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_selinux(bench);
    bench->listeners[LISTENER_80] = bench->listeners[LISTENER_SSH];
    bench_forbid(bench, "tcp", 80, "unreserved_port_t");
    bench_denial(bench, "name_bind", 80);
    bench->sysctls[SYSCTL_RANGE].running = "10 60999";
    bench->sysctls[SYSCTL_RESERVED].running = "80,8443";
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "bind-selinux")->state, FINDING_PROVEN);
    bench_free(bench);
}

static void test_bind_selinux_a_range_not_known_needs_a_denial(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_bind(bench);
    bench_lose(bench, SOURCE_AUDIT, SOURCE_ABSENT);
    struct diagnosis_result result = run(bench);
    assert_int_equal(find(&result, "bind-selinux")->state, FINDING_PROVEN);
    bench->sysctls[SYSCTL_RANGE].running = NULL;
    result = run(bench);
    assert_int_equal(find(&result, "bind-selinux")->state, FINDING_POSSIBLE);
    bench_free(bench);
}

static void test_bind_selinux_quic_has_no_label_and_no_boolean(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_edit(bench, "bind *:8443\n", "bind *:8443\n    bind quic4@:8443\n");
    bench_selinux(bench);
    bench_port(bench, "udp", 8443, "unreserved_port_t", SELINUX_BIND);
    struct selinux_port_fact *fact = bench_forbid(bench, "udp", 8443, "unreserved_port_t");
    fact->cures[SELINUX_BIND] = (struct selinux_cure){0};
    bench_stop(bench);
    struct diagnosis_result result = run(bench);
    assert_string_equal(find(&result, "bind-selinux")->cause, "(none)");
    bench_denial(bench, "name_bind", 8443); /* of TCP */
    result = run(bench);
    assert_string_equal(find(&result, "bind-selinux")->cause, "(none)");
    bench_denial(bench, "name_bind", 8443)->object = "udp_socket";
    result = run(bench);
    assert_int_equal(find(&result, "bind-selinux")->state, FINDING_PROVEN);
    assert_string_equal(find(&result, "bind-selinux")->object, "udp/8443");
    assert_true(mentions(&find(&result, "bind-selinux")->advice, "udp/8443"));
    assert_int_equal(result.wish_count, 0);
    bench_free(bench);
}

static void test_bind_selinux_and_backend_selinux_share_one_label(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_denied_bind(bench);
    struct selinux_port_fact *fact = bench_port_fact(bench, "tcp", 8443);
    fact->wanted = SELINUX_CONNECT | SELINUX_BIND;
    strings_add(&fact->cures[SELINUX_CONNECT].types, bench->arena, "commplex_link_port_t");
    fact->cures[SELINUX_CONNECT].types.at[0] = "commplex_link_port_t"; /* not to bind */
    bench_denial(bench, "name_bind", 8443);
    bench_check(bench, ROW_APP1, "DOWN", "L4CON", DENIED_TEXT);
    bench->rows[ROW_APP1].address = "10.0.0.11:8443";
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.finding_count, 2);
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(wished(&result, LABEL_8443), "http_port_t");
    assert_true(strings_have(&result.wishes[0].why, "bind-selinux"));
    assert_true(strings_have(&result.wishes[0].why, "backend-selinux"));
    bench_free(bench);
}

static void test_not_running_tells_a_denial_that_is_of_no_port(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_selinux(bench);
    bench_stop(bench);
    bench_denial(bench, "dac_override", 0)->object = "capability";
    bench_denial(bench, "create", 0)->source_type = "user_t";
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "haproxy-not-running");
    assert_true(proves(finding, "audit", "denied dac_override of capability"));
    assert_false(proves(finding, "audit", "create"));
    assert_true(mentions(&finding->advice, "nothing to do with ports"));
    assert_int_equal(result.wish_count, 0);
    bench_free(bench);
}

/* ---- booleans and the store ---- */

static void test_boolean_not_persistent_wishes_what_runs(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_selinux(bench);
    bench->facts.selinux.booleans[0].running = true;
    struct diagnosis_result result = run(bench);
    const struct finding *finding = find(&result, "boolean-not-persistent");
    assert_string_equal(finding->object, "haproxy_connect_any");
    assert_string_equal(finding->summary,
                        "haproxy_connect_any is on now, and off after the next boot");
    assert_string_equal(wished(&result, BOOLEAN), "on");
    bench->facts.selinux.booleans[0] =
        (struct selinux_boolean_fact){"haproxy_connect_any", false, true, 0};
    result = run(bench);
    assert_string_equal(wished(&result, BOOLEAN), "off");
    bench_free(bench);
}

static void test_boolean_not_persistent_unread_store_says_nothing_of_it(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_selinux(bench);
    bench->facts.selinux.boolean_count = 0;
    bench->facts.selinux.unread = "another program writes";
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.finding_count, 0);
    assert_true(mentions(&result.not_checked, "another program writes"));
    bench_free(bench);
}

static void test_selinux_store_damaged_holds_every_selinux_wish_back(void **state)
{
    static const enum semanage_condition damages[] = {SEMANAGE_NO_ACTIVE, SEMANAGE_NOT_INSTALLED};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct bench *bench = bench_new();
        bench_denied_servers(bench);
        bench->listeners[LISTENER_8443] = bench->listeners[LISTENER_SSH];
        bench_forbid(bench, "tcp", 8443, "unreserved_port_t");
        bench_denial(bench, "name_bind", 8443);
        bench->facts.selinux.booleans[0].running = true;
        bench->facts.selinux.store = damages[i];
        struct diagnosis_result result = run(bench);
        assert_int_equal(result.finding_count, 4);
        assert_int_equal(result.wish_count, 0);
        assert_true(mentions(&find(&result, "backend-selinux")->advice,
                             LABEL_8080 "=http_port_t would cure it, and waits"));
        assert_true(mentions(&find(&result, "bind-selinux")->advice, "see selinux-store-damaged"));
        assert_true(mentions(&find(&result, "boolean-not-persistent")->advice,
                             "see selinux-store-damaged"));
        assert_true(mentions(&find(&result, "selinux-store-damaged")->advice, "semodule -B"));
        assert_string_equal(find(&result, "selinux-store-damaged")->object,
                            "/var/lib/selinux/targeted");
        bench_free(bench);
    }
}

static void test_selinux_off_is_no_word_about_it(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench_lose(bench, SOURCE_AUDIT, SOURCE_ABSENT);
    struct diagnosis_result result = run(bench);
    assert_int_equal(result.not_checked.count, 0);
    bench_selinux(bench);
    result = run(bench);
    assert_true(mentions(&result.not_checked, "audit: "));
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backend_selinux_tells_every_source_and_wishes_a_label),
        cmocka_unit_test(test_backend_selinux_one_of_two_is_a_warning),
        cmocka_unit_test(test_backend_selinux_a_port_of_another_service_is_never_labelled),
        cmocka_unit_test(test_backend_selinux_a_boolean_of_other_domains_is_never_wished),
        cmocka_unit_test(test_backend_selinux_no_label_on_top_of_the_boolean),
        cmocka_unit_test(test_backend_selinux_many_ports_take_the_boolean),
        cmocka_unit_test(test_backend_selinux_a_boolean_that_is_on_at_boot_is_turned_on_now),
        cmocka_unit_test(test_backend_selinux_both_ports_of_a_check_elsewhere),
        cmocka_unit_test(test_backend_selinux_without_the_stats_socket_the_log_proves_it),
        cmocka_unit_test(
            test_backend_selinux_possible_changes_nothing_and_says_what_would_settle_it),
        cmocka_unit_test(test_backend_selinux_a_policy_that_cannot_be_asked_is_told),
        cmocka_unit_test(test_bind_selinux_stopped_is_started_again),
        cmocka_unit_test(test_bind_selinux_stopped_by_a_person_starts_nothing),
        cmocka_unit_test(test_bind_selinux_running_is_reloaded),
        cmocka_unit_test(test_bind_selinux_is_behind_the_reload_and_answers_it),
        cmocka_unit_test(test_selinux_a_denial_from_before_the_worker_proves_nothing_now),
        cmocka_unit_test(test_bind_selinux_not_tried_changes_nothing),
        cmocka_unit_test(test_bind_selinux_only_ports_that_the_kernel_asks_for),
        cmocka_unit_test(test_bind_selinux_a_low_port_is_asked_for_inside_the_range_too),
        cmocka_unit_test(test_bind_selinux_a_range_not_known_needs_a_denial),
        cmocka_unit_test(test_bind_selinux_quic_has_no_label_and_no_boolean),
        cmocka_unit_test(test_bind_selinux_and_backend_selinux_share_one_label),
        cmocka_unit_test(test_not_running_tells_a_denial_that_is_of_no_port),
        cmocka_unit_test(test_boolean_not_persistent_wishes_what_runs),
        cmocka_unit_test(test_boolean_not_persistent_unread_store_says_nothing_of_it),
        cmocka_unit_test(test_selinux_store_damaged_holds_every_selinux_wish_back),
        cmocka_unit_test(test_selinux_off_is_no_word_about_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
