/* What is counted of a log: recorded ones of seven versions of HAProxy, and ones made to reach the bounds. */
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/logs_dump.h"
#include "tests/unit/fixture.h"

#define NOW INT64_C(1796000000000)

static const struct log_options options = {.now = NOW, .since = LOG_NO_TIME, .until = LOG_NO_TIME};

static void sum_up(struct arena *arena, struct span log, struct log_summary *out)
{
    struct log_tally *tally = log_tally_new(&options);

    log_tally_feed(tally, log);
    log_tally_summary(tally, arena, out);
    log_tally_free(tally);
}

static void sum_up_recorded(struct arena *arena, const char *version, const char *name,
                            struct log_summary *out)
{
    sum_up(arena, haproxy_fixture(arena, version, name), out);
}

static const struct log_group *group_of(const struct log_group *groups, size_t count,
                                        const char *backend, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(groups[i].name, name) == 0 &&
            (backend == NULL || strcmp(groups[i].backend, backend) == 0))
            return &groups[i];
    static const struct log_group none;

    fail_msg("there is no %s", name);
    return &none;
}

static uint64_t states_of(const struct log_group *group, const char *state)
{
    for (size_t i = 0; i < group->state_count; i++)
        if (strcmp(group->states[i].state, state) == 0)
            return group->states[i].count;
    return 0;
}

static uint64_t statuses_of(const struct log_group *group, int32_t status)
{
    for (size_t i = 0; i < group->status_count; i++)
        if (group->statuses[i].status == status)
            return group->statuses[i].count;
    return 0;
}

static uint64_t messages_of(const struct log_summary *summary, const char *kind, const char *proxy)
{
    for (size_t i = 0; i < summary->message_count; i++)
        if (strcmp(summary->messages[i].kind, kind) == 0 &&
            strcmp(summary->messages[i].proxy, proxy) == 0)
            return summary->messages[i].count;
    return 0;
}

static const char *const versions[] = {"2.2.9-deb11u6", "2.4.0",          "2.6.12-deb12u4", "2.8.0",
                                       "3.0.0",         "3.0.11-deb13u4", "3.2.26"};
#define VERSIONS (sizeof versions / sizeof *versions)

static void test_tally_counts_recorded_traffic(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSIONS; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        const struct log_group *group;
        struct log_summary summary;

        sum_up_recorded(arena, versions[i], "traffic.log", &summary);
        assert_int_equal(summary.kinds[LOG_KIND_UNKNOWN], 0);
        assert_int_equal(summary.kinds[LOG_KIND_OTHER], 0);
        assert_int_equal(summary.kinds[LOG_KIND_CONNECT_FROM], 1);
        assert_int_equal(summary.kinds[LOG_KIND_TCP], 1);
        assert_int_equal(summary.cut, 0);
        assert_int_equal(states_of(&summary.all, "sQ--"), 3);
        /* A server that resets the connection instead of answering: 2.2 answers the client nothing. */
        assert_int_equal(states_of(&summary.all, "SH--"), i == 0 ? 1 : 2);
        assert_int_equal(states_of(&summary.all, "SD--"), i == 0 ? 1 : 0);
        assert_int_equal(states_of(&summary.all, "CR--"), 2);
        assert_int_equal(states_of(&summary.all, "SC"), 1); /* TCP */
        assert_int_equal(statuses_of(&summary.all, 502), i == 0 ? 2 : 3);
        assert_int_equal(statuses_of(&summary.all, 408), 1);
        group = group_of(summary.servers, summary.server_count, "refused2", "s2");
        assert_int_equal(group->requests, 1);
        assert_int_equal(group->redispatched, 1);
        assert_int_equal(group->retries, 3);
        group = group_of(summary.servers, summary.server_count, "rst", "s1");
        assert_int_equal(group->requests, 1);
        assert_int_equal(group->failed, 1);
        assert_int_equal(messages_of(&summary, "server-down", "nosrv"), 1);
        /* Up to 2.2 each proxy tells that it starts. */
        assert_int_equal(messages_of(&summary, "proxy-started", "capt"), i == 0 ? 1 : 0);
        group = group_of(summary.backends, summary.backend_count, NULL, "q");
        assert_int_equal(group->queued, 1);
        assert_int_equal(group->no_server, 1);
        assert_int_equal(group->backend_queue, 1);
        group = group_of(summary.frontends, summary.frontend_count, NULL, "capt");
        assert_int_equal(group->requests, 1);
        assert_int_equal(group->failed, 0);
        assert_int_equal(group->classes[2], 1);
        group = group_of(summary.backends, summary.backend_count, NULL, "tcpb");
        assert_int_equal(group->status_count, 0);
        assert_int_equal(group->timers[LOG_TIMER_TR].count, 0);
        assert_int_equal(group->timers[LOG_TIMER_TA].count, 1);
        assert_in_range(group->timers[LOG_TIMER_TA].max, 3000, 3100);
    }
}

static const struct log_fault *fault_of(const struct log_summary *summary, const char *backend,
                                        const char *state)
{
    for (size_t i = 0; i < summary->fault_count; i++)
        if (strcmp(summary->faults[i].backend, backend) == 0 &&
            strcmp(summary->faults[i].state, state) == 0)
            return &summary->faults[i];
    static const struct log_fault none;

    fail_msg("there is no %s of %s", state, backend);
    return &none;
}

/* SC of a server that refuses takes a second for each retry; SC of this host's own failure none. */
static void test_tally_keeps_what_tells_causes_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSIONS; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        const struct log_fault *fault;
        struct log_summary summary;

        sum_up_recorded(arena, versions[i], "traffic.log", &summary);
        fault = fault_of(&summary, "refused", "SC");
        assert_int_equal(fault->most_retries, 3);
        assert_in_range(fault->least_total, 3000, 3100);
        assert_int_equal(fault->connected, 0);
        fault = fault_of(&summary, "nobind", "SC");
        assert_int_equal(fault->least_retries, 3);
        assert_int_equal(fault->most_total, 0);
        assert_int_equal(fault->server_kind, LOG_SERVER_NAMED);
        assert_non_null(strstr(fault->example, "\"GET /nobind HTTP/1.1\""));
        fault = fault_of(&summary, "empty", "SC");
        assert_int_equal(fault->server_kind, LOG_SERVER_NONE);
        fault = fault_of(&summary, "s500", "--");
        assert_int_equal(fault->connected, 1);
        assert_int_equal(fault->status, 500);
        fault = fault_of(&summary, "mq", "sQ");
        assert_int_equal(fault->queued, 2);
        assert_int_equal(summary.error_kinds[0].source_count, 1);
        assert_string_equal(summary.error_kinds[0].sources[0].address, "127.0.0.1");
    }
}

static void test_tally_counts_recorded_messages(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct log_summary summary;

    (void)state;
    for (size_t i = 0; i < VERSIONS; i++) {
        if (strcmp(versions[i], "2.4.0") == 0) /* none was recorded */
            continue;
        sum_up_recorded(arena, versions[i], "checks.log", &summary);
        assert_int_equal(summary.kinds[LOG_KIND_MESSAGE], summary.lines);
        assert_int_equal(messages_of(&summary, "server-down", "h"), 1);
        assert_int_equal(messages_of(&summary, "no-server-available", "t2"), 1);
        assert_int_equal(messages_of(&summary, "proxy-started", "l4"), i == 0 ? 1 : 0);
    }
    sum_up_recorded(arena, "2.4.0", "connect_errno_99.log", &summary);
    assert_int_equal(messages_of(&summary, "no-free-ports", "rd"), 4);
    assert_int_equal(summary.kinds[LOG_KIND_HTTP], 3);
}

static void sum_up_since(struct arena *arena, const char *text, int64_t since, bool in_two,
                         struct log_summary *out_summary)
{
    const struct log_options since_then = {.now = NOW, .since = since, .until = LOG_NO_TIME};
    struct log_tally *whole = log_tally_new(&since_then), *rest = log_tally_new(&since_then);
    struct span begin = span_of(text);
    const char *middle = in_two ? strchr(text, '\n') + 1 : text + begin.len;

    begin.len = (size_t)(middle - text);
    log_tally_feed(whole, begin);
    log_tally_feed(rest, span_of(middle));
    log_tally_merge(whole, rest);
    log_tally_summary(whole, arena, out_summary);
    log_tally_free(whole);
    log_tally_free(rest);
}

#define NOISE    "\x01\x02\xff what no program says\n"
#define AT(time) "2026-11-22T" time "+00:00 h haproxy[1]: Proxy b started.\n"

/* What tells no time is as old as what stands before it; where nothing does, only what stands behind it can tell
 * that it is old. */
static void test_tally_unknown_lines_without_a_time_are_told(void **state)
{
    static const struct {
        const char *text;
        uint64_t unknown, timeless, skipped;
    } cases[] = {
        {NOISE NOISE NOISE, 0, 3, 3},
        {NOISE NOISE AT("09:00:00"), 0, 2, 2},
        {NOISE NOISE AT("08:00:00"), 0, 0, 3},
        {AT("08:00:00") NOISE NOISE, 0, 2, 3},
        {AT("08:00:00") NOISE AT("08:00:01") NOISE, 0, 1, 4},
        {AT("08:00:00") NOISE AT("09:00:00") NOISE, 1, 1, 2},
        {AT("08:00:00") AT("08:00:01"), 0, 0, 2},
    };
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct log_summary summary;

    (void)state;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i / 2].text;

        sum_up_since(arena, text, INT64_C(1795336200000), i % 2 == 1, &summary); /* 08:30 */
        assert_int_equal(summary.kinds[LOG_KIND_UNKNOWN], cases[i / 2].unknown);
        assert_int_equal(summary.timeless, cases[i / 2].timeless);
        assert_int_equal(summary.skipped, cases[i / 2].skipped);
    }
}

static void test_tally_shows_the_newest_unknown_line(void **state)
{
    static const char text[] = "Nov 22 08:45:15 h haproxy[1]: {\"status\":200}\n"
                               "Nov 22 08:45:16 h haproxy[1]: {\"status\":\x1b[2J}\n"
                               "Nov 22 08:45:17 h haproxy[1]: Proxy b started.\n\n";
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct log_summary summary;

    (void)state;
    for (int in_two = 0; in_two < 2; in_two++) {
        sum_up_since(arena, text, LOG_NO_TIME, in_two == 1, &summary);
        assert_int_equal(summary.kinds[LOG_KIND_UNKNOWN], 3); /* one is empty */
        assert_int_equal(summary.kinds[LOG_KIND_MESSAGE], 1);
        assert_int_equal(summary.message_count, 1);
        assert_string_equal(summary.unknown, "{\"status\":\\x1b[2J}");
    }
    sum_up_since(arena, AT("08:00:00") AT("08:00:01"), LOG_NO_TIME, false, &summary);
    assert_null(summary.unknown);
}

static void add_request(struct text *text, unsigned server, const char *client, unsigned total,
                        const char *state, unsigned status)
{
    text_addf(text,
              "%s:1 [22/Nov/2026:08:45:15.000] f b/s%u 0/0/1/%u/%u %u 9 - - %s 1/1/1/1/0 0/0 "
              "\"GET / HTTP/1.1\"\n",
              client, server, total, total, status, state);
}

static void test_tally_percentiles_are_within_a_sixteenth(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct text text = text_new(arena);
    const struct log_percentiles *told;
    struct log_summary summary;

    (void)state;
    for (unsigned i = 1; i <= 10000; i++)
        add_request(&text, 1, "1.1.1.1", i * 7 % 10000 * 3, "----", 200);
    sum_up(arena, text_span(&text), &summary);
    told = &summary.servers[0].timers[LOG_TIMER_TA];
    assert_int_equal(told->count, 10000);
    assert_in_range(told->p50, 14999 - 14999 / 16, 14999 + 14999 / 16);
    assert_in_range(told->p95, 28500 - 28500 / 16, 28500 + 28500 / 16);
    assert_in_range(told->p99, 29700 - 29700 / 16, 29997);
    assert_int_equal(told->max, 29997);
    text = text_new(arena);
    for (unsigned i = 0; i < 16; i++)
        add_request(&text, 1, "1.1.1.1", i, "----", 200);
    add_request(&text, 1, "1.1.1.1", 2147483647, "----", 200);
    sum_up(arena, text_span(&text), &summary);
    told = &summary.servers[0].timers[LOG_TIMER_TA];
    assert_int_equal(told->p50, 8); /* exact */
    assert_int_equal(told->max, 2147483647);
}

/* Two frontends before one server, and a second server behind one of them: each group has the times of its own
 * requests, whether all were counted at once or by two and merged. */
static void add_routed(struct text *text, const char *route, const char *client, unsigned total,
                       const char *state, unsigned status)
{
    text_addf(text,
              "%s:1 [22/Nov/2026:08:45:15.000] %s 0/0/1/%u/%u %u 9 - - %s 1/1/1/1/0 0/0 "
              "\"GET / HTTP/1.1\"\n",
              client, route, total, total, status, state);
}

static void expect_times(const struct log_group *groups, size_t count, const char *backend,
                         const char *name, uint64_t requests, int64_t p50, int64_t max)
{
    const struct log_percentiles *told =
        &group_of(groups, count, backend, name)->timers[LOG_TIMER_TA];

    assert_int_equal(told->count, requests);
    assert_int_equal(told->p50, p50);
    assert_int_equal(told->max, max);
}

static void expect_routed(const struct log_summary *summary)
{
    const struct log_fault *fault;

    expect_times(summary->frontends, summary->frontend_count, NULL, "near", 20, 3, 7);
    expect_times(summary->frontends, summary->frontend_count, NULL, "far", 12, 9, 9);
    expect_times(summary->backends, summary->backend_count, NULL, "b", 32, 7, 9);
    expect_times(summary->servers, summary->server_count, "b", "s1", 22, 9, 9);
    expect_times(summary->servers, summary->server_count, "b", "s2", 10, 7, 7);
    assert_int_equal(summary->fault_count, 2);
    fault = fault_of(summary, "b", "SC");
    assert_string_equal(fault->frontend, "far");
    assert_int_equal(fault->source_count, 2);
    assert_string_equal(fault->sources[0].address, "2.2.2.2");
    assert_int_equal(fault->sources[0].count, 8);
    assert_string_equal(fault->sources[1].address, "3.3.3.3");
    fault = fault_of(summary, "b", "SD");
    assert_string_equal(fault->frontend, "near");
    assert_int_equal(fault->source_count, 1);
    assert_string_equal(fault->sources[0].address, "1.1.1.1");
    assert_int_equal(fault->sources[0].count, 10);
}

static void test_tally_times_and_sources_are_told_of_each_group(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct text halves[] = {text_new(arena), text_new(arena)}, whole = text_new(arena);
    struct log_tally *tallies[] = {log_tally_new(&options), log_tally_new(&options)};
    struct log_summary summary;

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        add_routed(&halves[i / 5], "near b/s1", "1.1.1.1", 3, "----", 200);
        add_routed(&halves[i / 5], "near b/s2", "1.1.1.1", 7, "SD--", 200);
    }
    for (unsigned i = 0; i < 12; i++) /* a route that the first half has not seen */
        add_routed(&halves[1], "far~ b/s1", i % 3 == 0 ? "3.3.3.3" : "2.2.2.2", 9, "SC--", 503);
    for (size_t i = 0; i < 2; i++) {
        text_add_span(&whole, text_span(&halves[i]));
        log_tally_feed(tallies[i], text_span(&halves[i]));
    }
    sum_up(arena, text_span(&whole), &summary);
    expect_routed(&summary);
    log_tally_merge(tallies[0], tallies[1]);
    log_tally_summary(tallies[0], arena, &summary);
    expect_routed(&summary);
    log_tally_free(tallies[0]);
    log_tally_free(tallies[1]);
}

/* Where one ends and the next begins time goes back as well as in the middle, also over one that has no time. */
static void test_tally_merged_out_of_order_is_unsorted(void **state)
{
    static const char *const pieces[] = {
        "2026-11-28T09:00:00.000000+00:00 lb haproxy[1]: one\n", "no time at all\n",
        "2026-11-28T08:59:00.000000+00:00 lb haproxy[1]: earlier\n",
        "2026-11-28T09:00:00.000000+00:00 lb haproxy[1]: later\n"};
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct log_tally *into = log_tally_new(&options);
    struct log_summary summary;

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct log_tally *from = log_tally_new(&options);

        log_tally_feed(from, span_of(pieces[i]));
        log_tally_merge(into, from);
        log_tally_free(from);
        log_tally_summary(into, arena, &summary);
        assert_int_equal(summary.unsorted, i < 2 ? 0 : 1);
    }
    log_tally_free(into);
}

/* Whatever comes: nothing is lost of the sums, and what has no room is said to be others. */
static void test_tally_is_bounded_and_loses_nothing(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct text text = text_new(arena);
    const unsigned servers = LOG_TALLY_ROUTES + 1000;
    struct log_summary summary;
    uint64_t sum = 0;
    char client[32];

    (void)state;
    for (unsigned i = 0; i < servers; i++) {
        (void)snprintf(client, sizeof client, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        add_request(&text, i, client, i % 50, i % 2 == 0 ? "SC--" : "----", 100 + i % 500);
    }
    sum_up(arena, text_span(&text), &summary);
    assert_int_equal(summary.all.requests, servers);
    assert_int_equal(summary.others, 1001); /* one row is the others' own */
    for (size_t i = 0; i < summary.server_count; i++)
        sum += summary.servers[i].requests;
    assert_int_equal(sum, servers);
    assert_int_equal(
        group_of(summary.servers, summary.server_count, "(others)", "(others)")->requests, 1001);
    assert_int_equal(states_of(&summary.all, "SC--"), servers / 2);
    assert_int_equal(summary.all.timers[LOG_TIMER_TA].count, servers);
    sum = 0;
    for (size_t i = 0; i < summary.all.status_count; i++)
        sum += summary.all.statuses[i].count;
    assert_int_equal(sum, servers);
    sum = 0;
    for (size_t i = 0; i < summary.fault_count; i++)
        sum += summary.faults[i].count;
    assert_int_equal(sum, summary.all.failed);
    assert_true(summary.fault_count <= LOG_TALLY_FAULTS);
}

static void test_tally_tells_the_sources_of_most_errors(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct text text = text_new(arena);
    const struct log_error_kind *kind;
    struct log_summary summary;
    char client[32];

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        (void)snprintf(client, sizeof client, "10.%u.%u.%u", i % 7, i >> 8 & 255, i & 255);
        add_request(&text, 1, i % 10 == 0 ? "2001:db8::bad" : client, 3, "PR--", 403);
        if (i % 20 == 0)
            add_request(&text, 1, "9.9.9.9", 3, "PR--", 403);
    }
    sum_up(arena, text_span(&text), &summary);
    kind = &summary.error_kinds[0];
    assert_int_equal(kind->count, 21000);
    assert_string_equal(kind->sources[0].address, "2001:db8::bad");
    assert_in_range(kind->sources[0].count, 2000, 2000 + 21000 / LOG_TALLY_SOURCES);
    assert_true(kind->sources[0].count - kind->sources[0].over <= 2000);
    assert_string_equal(kind->sources[1].address, "9.9.9.9");
    assert_in_range(kind->sources[1].count, 1000, 1000 + 21000 / LOG_TALLY_SOURCES);
}

static void test_tally_shows_strangers_bytes_escaped(void **state)
{
    static const char log[] =
        "1.\x1b[31m1:1 [22/Nov/2026:08:45:15.000] f\x07 b\xff/s 0/0/1/1/1 503 9 - - SC-- 1/1/1/1/0 "
        "0/0 \"GET /\x1b]0;x\x07 HTTP/1.1\"\n"
        "6.6.6.6:1 [22/Nov/2026:08:45:15.000] f/1: \x1b[2J\n"
        "Server b/s\x1b is DOWN\nh\0x\n";
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct log_tally *tally = log_tally_new(&options);
    const char *dump;

    (void)state;
    log_tally_feed(tally, (struct span){log, sizeof log - 1});
    dump = dump_summary(tally, arena, true);
    for (const char *at = dump; *at != '\0'; at++)
        assert_true(*at == '\n' || (*at >= 0x20 && *at < 0x7f));
    assert_non_null(strstr(dump, "1.\\x1b[31m1=1"));
    log_tally_free(tally);
}

static void test_tally_period_takes_lines_without_time_with_those_before(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct log_options period = {
        .now = NOW, .since = INT64_C(1795337116000), .until = INT64_C(1795337118000)};
    struct log_tally *tally = log_tally_new(&period);
    struct log_summary summary;

    (void)state;
    log_tally_feed(
        tally, span_of("backend a has no server available!\n"
                       "2026-11-22T08:45:15Z h haproxy: backend b has no server available!\n"
                       "2026-11-22T08:45:16Z h haproxy: backend c has no server available!\n"
                       "backend d has no server available!\n"
                       "2026-11-22T08:45:17.999Z h haproxy: backend e has no server available!\n"
                       "2026-11-22T08:45:18Z h haproxy: backend f has no server available!\n"
                       "backend g has no server available!\n"));
    log_tally_summary(tally, arena, &summary);
    log_tally_free(tally);
    assert_int_equal(summary.lines, 7);
    assert_int_equal(summary.skipped, 4);
    assert_int_equal(summary.message_count, 3);
    assert_int_equal(summary.first, INT64_C(1795337116000));
    assert_int_equal(summary.last, INT64_C(1795337117999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tally_counts_recorded_traffic),
        cmocka_unit_test(test_tally_keeps_what_tells_causes_apart),
        cmocka_unit_test(test_tally_counts_recorded_messages),
        cmocka_unit_test(test_tally_unknown_lines_without_a_time_are_told),
        cmocka_unit_test(test_tally_shows_the_newest_unknown_line),
        cmocka_unit_test(test_tally_percentiles_are_within_a_sixteenth),
        cmocka_unit_test(test_tally_times_and_sources_are_told_of_each_group),
        cmocka_unit_test(test_tally_merged_out_of_order_is_unsorted),
        cmocka_unit_test(test_tally_is_bounded_and_loses_nothing),
        cmocka_unit_test(test_tally_tells_the_sources_of_most_errors),
        cmocka_unit_test(test_tally_shows_strangers_bytes_escaped),
        cmocka_unit_test(test_tally_period_takes_lines_without_time_with_those_before),
    };

    (void)setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
