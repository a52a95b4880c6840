#include <fcntl.h>

#include "tests/diagnosis/bench_selinux.h"
#include "tests/diagnosis/result.h"
#include "tests/unit/cmocka_all.h"
#include "tests/unit/fixture.h"

#define SAID                                                                                       \
    "[ALERT]    (900) : Binding [/etc/haproxy/haproxy.cfg:16] for frontend fe_api: cannot bind "   \
    "socket (Address already in use) for [0.0.0.0:8443]"

static const struct finding *only(const struct diagnosis_result *result, const char *cause)
{
    const struct finding *found = NULL;

    for (size_t i = 0; i < result->finding_count; i++)
        if (strcmp(result->findings[i].cause, cause) == 0) {
            assert_null(found);
            found = &result->findings[i];
        }
    assert_non_null(found);
    return found;
}

static bool tells(const struct finding *finding, const char *source, const char *piece)
{
    for (size_t i = 0; i < finding->evidence_count; i++)
        if (strcmp(finding->evidence[i].source, source) == 0 &&
            strstr(finding->evidence[i].text, piece) != NULL)
            return true;
    return false;
}

static bool has(const struct strings *strings, const char *piece)
{
    for (size_t i = 0; i < strings->count; i++)
        if (strstr(strings->at[i], piece) != NULL)
            return true;
    return false;
}

static struct bench *unbound(void)
{
    struct bench *bench = bench_new();

    bench_unbound(bench);
    bench_edited(bench, 1000);
    bench->facts.master.failed_reloads = bench->facts.told_failures = 1;
    return bench;
}

static void test_in_use_names_the_holder_and_the_line_and_stands_first(void **state)
{
    struct bench *bench = unbound();
    struct diagnosis_result result;

    (void)state;
    bench_take(bench, (struct port_owner){7, 4711, "nginx", "/usr/sbin/nginx", false});
    bench_say(bench, "[NOTICE]   (900) : Reloading HAProxy");
    bench_say(bench, SAID);
    bench_say(bench, "[WARNING]  (900) : Loading failure!");
    diagnose(&bench->facts, NULL, NULL, bench->arena, &result);
    assert_string_equal(result.findings[0].cause, "bind-in-use");
    const struct finding *finding = only(&result, "bind-in-use");
    assert_int_equal(finding->severity, SEVERITY_CRITICAL);
    assert_string_equal(finding->object, "fe_api tcp/8443");
    assert_true(tells(finding, "ports", "nginx, pid 4711 (/usr/sbin/nginx)"));
    assert_true(tells(finding, "journal", "cannot bind socket (Address already in use)"));
    assert_true(tells(finding, "config", "/etc/haproxy/haproxy.cfg:16"));
    assert_true(has(&finding->advice, "stop nginx (pid 4711)"));
    assert_true(has(&only(&result, "reload-failed")->consequences, "bind-in-use"));
    assert_int_equal(result.wish_count, 0);
    bench_free(bench);
}

static void test_in_use_another_haproxy_is_called_so(void **state)
{
    struct bench *bench = unbound();
    struct diagnosis_result result;

    (void)state;
    bench_take(bench, (struct port_owner){7, 4711, "haproxy", "/opt/haproxy/haproxy", false});
    diagnose(&bench->facts, NULL, NULL, bench->arena, &result);
    assert_non_null(strstr(only(&result, "bind-in-use")->summary, "another HAProxy"));
    bench_free(bench);
}

static void test_in_use_stopped_tells_not_running_as_its_consequence(void **state)
{
    struct bench *bench = unbound();
    struct diagnosis_result result;

    (void)state;
    bench_take(bench, (struct port_owner){7, 4711, "nginx", "/usr/sbin/nginx", false});
    bench_stop(bench);
    diagnose(&bench->facts, NULL, NULL, bench->arena, &result);
    assert_int_equal(result.finding_count, 1);
    assert_true(has(&only(&result, "bind-in-use")->consequences, "HAProxy does not run"));
    bench_free(bench);
}

static void test_clash_wishes_to_reserve_the_port(void **state)
{
    struct bench *bench = unbound();
    struct diagnosis_result result;

    (void)state;
    bench->sysctls[SYSCTL_RANGE].running = "8000\t60999";
    bench_hold(bench);
    diagnose(&bench->facts, NULL, NULL, bench->arena, &result);
    const struct finding *finding = only(&result, "bind-ephemeral-clash");
    assert_true(tells(finding, "ports", "10.0.0.5:8443 -> 10.0.0.99:443"));
    assert_int_equal(result.wish_count, 1);
    assert_string_equal(result.wishes[0].address, "sysctl.dropin:net.ipv4.ip_local_reserved_ports");
    assert_string_equal(result.wishes[0].value, "8443");
    bench_free(bench);
}

static void test_privilege_says_who_lacks_it(void **state)
{
    struct bench *bench = bench_new();
    struct diagnosis_result result;

    (void)state;
    bench->facts.ports.listeners = &bench->port_listeners[1];
    bench->facts.ports.listener_count = 1;
    bench->facts.capabilities = 0;
    bench->haproxy.uid = 65534;
    diagnose(&bench->facts, NULL, NULL, bench->arena, &result);
    const struct finding *finding = only(&result, "bind-privilege");
    assert_true(tells(finding, "process", "uid 65534 without CAP_NET_BIND_SERVICE"));
    /* Not tried yet: what runs, runs. */
    assert_int_equal(finding->severity, SEVERITY_WARNING);
    bench_free(bench);
}

static void test_not_running_tells_how_it_ended_and_its_last_words(void **state)
{
    struct bench *bench = bench_new();
    struct diagnosis_result result;

    (void)state;
    bench_stop(bench);
    bench->facts.systemd_unit.exit_code = 1;
    bench->facts.systemd_unit.exit_status = 137;
    bench_say(bench, "[ALERT]    (900) : Current worker (901) exited with code 137 (Killed)");
    bench_say(bench, "haproxy.service: A process of this unit has been killed by the OOM killer.");
    diagnose(&bench->facts, NULL, NULL, bench->arena, &result);
    const struct finding *finding = only(&result, "haproxy-not-running");
    assert_non_null(strstr(finding->summary, "SIGKILL"));
    assert_true(tells(finding, "journal", "exited with code 137 (Killed)"));
    assert_true(tells(finding, "journal", "OOM killer"));
    bench_free(bench);
}

static void test_attempt_is_the_newest_try_alone(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_messages messages = {0};
    static const char *const lines[] = {
        "[NOTICE]   (10) : New worker (11) forked",
        "[NOTICE]   (10) : Loading success.",
        "[NOTICE]   (10) : Reloading HAProxy",
        "[NOTICE]   (10) : haproxy version is 2.6.12-1+deb12u4",
        "[ALERT]    (10) : Binding [a.cfg:1] for frontend f: cannot bind socket (Permission "
        "denied) for [0.0.0.0:80]",
        "[WARNING]  (10) : Loading failure!",
        "10.0.0.1:4711 [22/Nov/2026:08:39:17.123] f b/s 0/0/0/1/1 200 99 - - ---- 1/1/0/0/0 0/0 "
        "\"GET / HTTP/1.1\"",
        "[NOTICE]   (10) : Reloading HAProxy",
        "[NOTICE]   (10) : haproxy version is 2.6.12-1+deb12u4",
        "[ALERT]    (10) : Binding [a.cfg:2] for frontend f: cannot bind socket (Address already "
        "in use) for [0.0.0.0:81]",
        "[WARNING]  (10) : Loading failure!",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        (void)messages_add(&messages, arena, 1, 0, false, span_of(lines[i]));
    assert_int_equal(messages.count, sizeof lines / sizeof *lines - 1);
    size_t begin = messages_attempt(&messages), binds = 0;
    for (size_t i = begin; i < messages.count; i++)
        binds += messages.at[i].kind == LOG_MESSAGE_BIND_FAILED;
    assert_int_equal(binds, 1);
    assert_int_equal(messages_last(&messages, LOG_MESSAGE_BIND_FAILED)->port, 81);
    /* Another start: its first word is its version. */
    (void)messages_add(&messages, arena, 2, 0, false,
                       span_of("[NOTICE]   (77) : haproxy version is 2.6.12-1+deb12u4"));
    assert_int_equal(messages_attempt(&messages), messages.count);
}

/* ---- attempts, as HAProxy told them ---- */

static void add_recorded(struct haproxy_messages *messages, struct arena *arena,
                         const char *version, const char *name)
{
    struct span text = haproxy_fixture(arena, version, name), line;

    while (span_next_line(&text, &line))
        (void)messages_add(messages, arena, 1, 0, false, line);
}

static size_t count_of_attempt(const struct haproxy_messages *messages, enum log_message_kind kind)
{
    size_t count = 0;

    for (size_t i = messages_attempt(messages); i < messages->count; i++)
        count += messages->at[i].kind == kind;
    return count;
}

/* From 3.1 on the worker and the master each say what version they are; it is one attempt. */
static void test_attempt_of_a_start_holds_all_that_failed(void **state)
{
    static const char *const versions[] = {"2.2.9-deb11u6", "2.4.0",          "2.6.12-deb12u4",
                                           "2.8.0",         "3.0.11-deb13u4", "3.2.26"};

    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct haproxy_messages messages = {0};

        add_recorded(&messages, arena, versions[i], "stderr_bind_errors.txt");
        assert_int_equal(messages_attempt(&messages), 1);
        assert_int_equal(count_of_attempt(&messages, LOG_MESSAGE_BIND_FAILED), 4);
    }
}

static void test_attempt_by_other_processes_begins_anew(void **state)
{
    static const char *const again[] = {
        "[NOTICE]   (900) : Initializing new worker (902)",
        "[NOTICE]   (902) : haproxy version is 3.2.26-1",
        ("[ALERT]    (902) : Binding [bind.cfg:7] for frontend fe: protocol tcpv4: cannot bind "
         "socket (Address already in use) for [127.0.0.1:9001]."),
        "[NOTICE]   (900) : haproxy version is 3.2.26-1",
        "[WARNING]  (900) : Failed to load worker (902) exited with code 1 (Exit)",
    };
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_messages messages = {0};

    (void)state;
    add_recorded(&messages, arena, "3.2.26", "stderr_bind_errors.txt");
    size_t before = messages.count;
    for (size_t i = 0; i < sizeof again / sizeof *again; i++) {
        assert_true(messages_add(&messages, arena, 2, 0, false, span_of(again[i])));
        assert_int_equal(messages_attempt(&messages), before + 1);
    }
    assert_int_equal(count_of_attempt(&messages, LOG_MESSAGE_BIND_FAILED), 1);
    assert_int_equal(count_of_attempt(&messages, LOG_MESSAGE_LOADING_FAILURE), 1);
    /* Another process: nothing of the two before. */
    add_recorded(&messages, arena, "3.2.26", "stderr_fdlimit_strict.txt");
    assert_int_equal(count_of_attempt(&messages, LOG_MESSAGE_BIND_FAILED), 0);
    assert_int_equal(count_of_attempt(&messages, LOG_MESSAGE_CANNOT_RAISE_FD_LIMIT), 1);
}

/* A start, and two reloads that find their port taken: 9001, then 9002. */
static void test_attempt_of_a_reload_begins_with_the_masters_word(void **state)
{
    static const char *const versions[] = {"2.2.9-deb11u6", "3.0.11-deb13u4", "3.2.26"};

    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct haproxy_messages all = {0}, messages = {0};
        size_t reloads = 0;

        add_recorded(&all, arena, versions[i], "stderr_reload_errors.txt");
        for (size_t k = 0; k < all.count; k++) {
            ARENA_PUSH(arena, messages.at, messages.count) = all.at[k];
            if (all.at[k].kind != LOG_MESSAGE_LOADING_FAILURE)
                continue;
            reloads++;
            assert_int_equal(count_of_attempt(&messages, LOG_MESSAGE_BIND_FAILED), 1);
            assert_int_equal(messages_last(&messages, LOG_MESSAGE_BIND_FAILED)->port,
                             9000 + reloads);
        }
        assert_int_equal(reloads, 2);
        /* What follows does not end it. */
        assert_int_equal(count_of_attempt(&messages, LOG_MESSAGE_BIND_FAILED), 1);
        assert_int_equal(count_of_attempt(&messages, LOG_MESSAGE_LOADING_FAILURE), 1);
    }
}

static void test_add_the_newest_stay(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct haproxy_messages messages = {0};

    (void)state;
    for (int i = 0; i < MESSAGES_MAX + 5; i++)
        (void)messages_add(&messages, arena, i, 0, false,
                           span_of(arena_printf(arena, "Paused frontend f%d.", i)));
    assert_int_equal(messages.count, MESSAGES_MAX);
    assert_int_equal(messages.left_out, 5);
    assert_string_equal(messages.at[0].proxy, "f5");
    assert_string_equal(messages.at[MESSAGES_MAX - 1].proxy,
                        arena_printf(arena, "f%d", MESSAGES_MAX + 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_use_names_the_holder_and_the_line_and_stands_first),
        cmocka_unit_test(test_in_use_another_haproxy_is_called_so),
        cmocka_unit_test(test_in_use_stopped_tells_not_running_as_its_consequence),
        cmocka_unit_test(test_clash_wishes_to_reserve_the_port),
        cmocka_unit_test(test_privilege_says_who_lacks_it),
        cmocka_unit_test(test_not_running_tells_how_it_ended_and_its_last_words),
        cmocka_unit_test(test_attempt_is_the_newest_try_alone),
        cmocka_unit_test(test_attempt_of_a_start_holds_all_that_failed),
        cmocka_unit_test(test_attempt_by_other_processes_begins_anew),
        cmocka_unit_test(test_attempt_of_a_reload_begins_with_the_masters_word),
        cmocka_unit_test(test_add_the_newest_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
