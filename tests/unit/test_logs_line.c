/* One line of a log, as HAProxy 2.4 to 3.0 and the syslog daemons write them, and as nobody should. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/logs/line.h"
#include "plans/base/arena.h"

#define NOW INT64_C(1796000000000) /* 2026-11-29T23:33:20Z */

static struct log_line parse_span(struct span bytes)
{
    struct log_clock clock;
    struct log_line line;

    log_clock_init(&clock, NOW);
    log_line_parse(&clock, bytes, &line);
    return line;
}

static struct log_line parse(const char *text)
{
    return parse_span(span_of(text));
}

static void assert_span(struct span span, const char *text)
{
    if (!span_is(span, text))
        fail_msg("'%.*s' should be '%s'", (int)span.len, span.ptr, text);
}

#define HTTP                                                                                       \
    "10.0.0.1:4711 [22/Nov/2026:08:45:15.182] www~ be_api/s1 1/2/3/4/10 503 217 - - SC-- "         \
    "11/12/13/14/+3 5/6 {a b|c} {d} \"GET /x?y#22 HTTP/1.1\""

static void assert_http(const struct log_line *line)
{
    static const int32_t timers[] = {1, 2, 3, 4, 10};

    assert_int_equal(line->kind, LOG_KIND_HTTP);
    assert_false(line->cut);
    assert_span(line->client, "10.0.0.1");
    assert_int_equal(line->client_port, 4711);
    assert_int_equal(line->accepted, INT64_C(1795337115182));
    assert_span(line->frontend, "www");
    assert_true(line->is_tls);
    assert_span(line->backend, "be_api");
    assert_span(line->server, "s1");
    assert_memory_equal(line->timers, timers, sizeof timers);
    assert_int_equal(line->status, 503);
    assert_int_equal(line->bytes, 217);
    assert_string_equal(line->state, "SC--");
    assert_int_equal(line->actconn, 11);
    assert_int_equal(line->feconn, 12);
    assert_int_equal(line->beconn, 13);
    assert_int_equal(line->srvconn, 14);
    assert_int_equal(line->retries, 3);
    assert_true(line->is_redispatched);
    assert_int_equal(line->server_queue, 5);
    assert_int_equal(line->backend_queue, 6);
    assert_span(line->captures[0], "a b|c");
    assert_span(line->captures[1], "d");
    assert_span(line->request, "GET /x?y#22 HTTP/1.1");
    assert_true(log_line_is_request(line));
}

static void test_line_framings_tell_time_host_tag_and_level(void **state)
{
    static const struct {
        const char *before;
        enum log_framing framing;
        int64_t time;
        int32_t level;
        const char *host, *tag;
    } cases[] = {
        {"", LOG_FRAMING_RAW, INT64_C(1795337115192), LOG_LINE_NONE, "", ""},
        {"web1 | ", LOG_FRAMING_RAW, INT64_C(1795337115192), LOG_LINE_NONE, "", ""},
        {"<134>", LOG_FRAMING_PRIORITY, INT64_C(1795337115192), 6, "", ""},
        {"<6>", LOG_FRAMING_PRIORITY, INT64_C(1795337115192), 6, "", ""},
        {"<134>Nov 22 08:45:15 haproxy[13244]: ", LOG_FRAMING_TRADITIONAL, INT64_C(1795337115000),
         6, "", "haproxy"},
        {"<129>Nov 22 08:45:15 lb1 haproxy[1]: ", LOG_FRAMING_TRADITIONAL, INT64_C(1795337115000),
         1, "lb1", "haproxy"},
        {"Nov 22 08:45:15 lb1 edge-tag: ", LOG_FRAMING_TRADITIONAL, INT64_C(1795337115000),
         LOG_LINE_NONE, "lb1", "edge-tag"},
        {"Nov  2 08:45:15 lb1 haproxy[1]: ", LOG_FRAMING_TRADITIONAL, INT64_C(1793609115000),
         LOG_LINE_NONE, "lb1", "haproxy"},
        {"2026-11-22T08:45:16.123456+01:00 lb1 haproxy[1]: ", LOG_FRAMING_ISO,
         INT64_C(1795333516123), LOG_LINE_NONE, "lb1", "haproxy"},
        {"2026-11-22T08:45:16Z lb1 haproxy: ", LOG_FRAMING_ISO, INT64_C(1795337116000),
         LOG_LINE_NONE, "lb1", "haproxy"},
        {"<6>2026-11-22T08:45:16.500000+00:00 ", LOG_FRAMING_TIMED, INT64_C(1795337116500), 6, "",
         ""},
        {"2026-11-22T08:45:16.5-0030 ", LOG_FRAMING_TIMED, INT64_C(1795338916500), LOG_LINE_NONE,
         "", ""},
        {"<134>1 2026-11-22T08:45:16.827876+00:00 - hap-x 29902 - - ", LOG_FRAMING_RFC5424,
         INT64_C(1795337116827), 6, "", "hap-x"},
        {"<134>1 2026-11-22T08:45:16Z lb1 haproxy 7 - [a@1 b=\"c \\\"]\"][d@2] ",
         LOG_FRAMING_RFC5424, INT64_C(1795337116000), 6, "lb1", "haproxy"},
        {"<134>1 - lb1 haproxy 7 - -  ", LOG_FRAMING_RFC5424, INT64_C(1795337115192), 6, "lb1",
         "haproxy"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct log_line line = parse(arena_printf(arena, "%s%s", cases[i].before, HTTP));

        print_message("%s\n", cases[i].before);
        assert_http(&line);
        assert_int_equal(line.framing, cases[i].framing);
        assert_int_equal(line.time, cases[i].time);
        assert_int_equal(line.level, cases[i].level);
        assert_span(line.host, cases[i].host);
        assert_span(line.tag, cases[i].tag);
    }
}

static void test_line_year_is_that_of_the_date_else_the_newest_possible(void **state)
{
    struct log_line line;

    (void)state;
    line = parse("Dec 31 23:59:59 h haproxy[1]: 1.2.3.4:1 [01/Jan/2020:00:00:00.000] f b/s "
                 "0/0/0/0/0 200 1 - - ---- 1/1/1/1/0 0/0 \"GET / HTTP/1.1\"");
    assert_int_equal(line.time, INT64_C(1577836799000)); /* 2019 */
    line = parse("Nov 30 23:00:00 h haproxy[1]: backend b has no server available!");
    assert_int_equal(line.time, INT64_C(1796079600000)); /* not a day after now: 2026 */
    line = parse("Dec  1 23:59:59 h haproxy[1]: backend b has no server available!");
    assert_int_equal(line.time, INT64_C(1764633599000)); /* 2025 */
    line = parse("Feb 29 12:00:00 h haproxy[1]: 1.2.3.4:1 [29/Feb/2024:12:00:00.000] f b/s "
                 "0/0/0/0/0 200 1 - - ---- 1/1/1/1/0 0/0 \"GET / HTTP/1.1\"");
    assert_int_equal(line.time, INT64_C(1709208000000));
}

static void test_line_local_times_follow_the_zone(void **state)
{
    struct log_line line;

    (void)state;
    assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
    tzset();
    line = parse(HTTP);
    assert_int_equal(line.accepted, INT64_C(1795333515182));
    line = parse("Jul  1 12:00:00 h haproxy[1]: backend b has no server available!");
    assert_int_equal(line.time, INT64_C(1782900000000)); /* summer: 10:00 UTC */
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
}

#define CLF_TAIL                                                                                   \
    " - - [29/Nov/2026:19:17:36 +0000] \"GET /a?b=#22c{ HTTP/1.1\" 200 60 \"\" \"\" 54450 823 "    \
    "\"clf~\" \"b\" \"s1\" 0 1 2 3 6 --VN 1 2 3 4 5 6 7 \"SID=a b{c}d\"; x=y\" \"\" \"x\""

static void test_line_kinds_are_told_apart(void **state)
{
    static const struct {
        const char *text;
        enum log_kind kind;
    } cases[] = {
        {"1.2.3.4:5 [29/Nov/2026:19:17:36.835] t t/s1 1/0/9 53 CD 2/1/0/0/+1 3/4", LOG_KIND_TCP},
        {"1.2.3.4" CLF_TAIL, LOG_KIND_CLF},
        {"1.2.3.4 - - [29/Nov/2026:19:17:36 +0000] \"TCP \" 000 60 \"\" \"\" 54450 823 \"t\" \"b\" "
         "\"s1\" 0 1 2 3 60 SC-- 1 2 3 4 5 6 7 \"\" \"\"",
         LOG_KIND_TCP_CLF},
        {"1.2.3.4:5 [29/Nov/2026:19:17:37.093] t~ b/s1 0/0/0/6/6 200 60 - - ---- 1/1/0/0/0 0/0 "
         "\"GET /x HTTP/1.1\" 0/0000000000000000/0/0/0 -/TLSv1.3/TLS_AES_256_GCM_SHA384",
         LOG_KIND_HTTPS},
        {"-:- [29/Nov/2026:19:17:37.093] <HTTPCLIENT> -/- 0/0/0/6/6 200 60 - - ---- 1/1/0/0/0 0/0 "
         "\"GET /x HTTP/1.1\"",
         LOG_KIND_HTTPCLIENT},
        {"1.2.3.4:5 [29/Nov/2026:19:17:36.846] http/3: Truncated PROXY protocol header received",
         LOG_KIND_ERROR_LINE},
        {"Connect from 1.2.3.4:5 to 5.6.7.8:80 (fe/TCP)", LOG_KIND_CONNECT_FROM},
        {"Connect from unknown source to listener 3 (fe/HTTP)", LOG_KIND_CONNECT_FROM},
        {"Connect to unix:2 (fe/TCP)", LOG_KIND_CONNECT_FROM},
        {"Server b/s is DOWN, reason: Layer4 timeout, check duration: 499ms. 3 active and 0 backup "
         "servers left. 0 sessions active, 0 requeued, 0 remaining in queue.",
         LOG_KIND_MESSAGE},
        {"Nov 22 08:45:15 h haproxy[1]: [NOTICE]   (13) : whatever it says", LOG_KIND_MESSAGE},
        {"Nov 22 08:45:15 h haproxy[1]: Stopping frontend GLOBAL in 0 ms.", LOG_KIND_MESSAGE},
        {"Nov 22 08:45:15 h haproxy[1]: b/s1 changed its IP from 10.0.0.1 to 10.0.0.2 by r/ns.",
         LOG_KIND_MESSAGE},
        {"Nov 22 08:45:15 h haproxy[1]: b/s1: IP changed from '10.0.0.1' to '10.0.0.2' by 'r/ns'.",
         LOG_KIND_MESSAGE},
        {"Nov 22 08:45:15 h haproxy[1]: SPOE: [waf] <EVENT:on-frontend-http-request> sid=1 st=0 1 "
         "0/1",
         LOG_KIND_MESSAGE},
        {"Nov 22 08:45:15 h haproxy[1]: Server b/s1 remains in drain mode.", LOG_KIND_MESSAGE},
        /* a log-format: what clients sent is not HAProxy's word */
        {"Nov 22 08:45:15 h haproxy[1]: whatever it says", LOG_KIND_UNKNOWN},
        {"Nov 22 08:45:15 h haproxy[1]: 10.0.0.1 web app s1 200 0 ms", LOG_KIND_UNKNOWN},
        {"Nov 22 08:45:15 h haproxy[1]: {\"client\":\"10.0.0.1\",\"status\":200}",
         LOG_KIND_UNKNOWN},
        {"Nov 22 08:45:15 h haproxy[1]: Proxying GET / for 10.0.0.1", LOG_KIND_UNKNOWN},
        {"Nov 22 08:45:15 h haproxy[1]: b/s1 200 GET /", LOG_KIND_UNKNOWN},
        {"<134>Nov 22 08:45:15 haproxy[1]:", LOG_KIND_UNKNOWN},
        {"Nov 22 08:45:15 h sshd[1]: Invalid user x", LOG_KIND_OTHER},
        /* another program's line that quotes what a stranger sent */
        {"Nov 22 08:45:15 h sshd[1]: Invalid user 1.2.3.4:5 [22/Nov/2026:08:45:15.182] f b/s "
         "0/0/0/0/0 503 1 - - SC-- 1/1/1/1/0 0/0 \"GET / HTTP/1.1\"",
         LOG_KIND_OTHER},
        {"", LOG_KIND_UNKNOWN},
        {"\r\n", LOG_KIND_UNKNOWN},
        {"plain text", LOG_KIND_UNKNOWN},
        {"<999>plain", LOG_KIND_UNKNOWN},
        {"1.2.3.4:5 [29/Nov/2026:19:17:36.835] f b/s custom log-format", LOG_KIND_UNKNOWN},
        {"1.2.3.4:5 [29/Nov/2026:19:17:36.835] f b/s 1/2/3/4 200 1 - - ---- 1/1/1/1/0 0/0",
         LOG_KIND_UNKNOWN},
        {"1.2.3.4:5 [29/Nov/2026:19:17:36.835] f b/s 1/2/3/4/5 200 1 - - -X-- 1/1/1/1/0 0/0",
         LOG_KIND_UNKNOWN},
        {"1.2.3.4:5 [32/Nov/2026:19:17:36.835] f b/s 1/2/3/4/5 200 1 - - ---- 1/1/1/1/0 0/0",
         LOG_KIND_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct log_line line = parse(cases[i].text);

        if (line.kind != cases[i].kind)
            fail_msg("kind %d, not %d: %s", (int)line.kind, (int)cases[i].kind, cases[i].text);
    }
}

static void test_line_tcp_has_its_own_timers_and_two_letters(void **state)
{
    static const int32_t timers[] = {LOG_LINE_NONE, 1, 0, LOG_LINE_NONE, 9};
    struct log_line line =
        parse("::1:5 [29/Nov/2026:19:17:36.835] t t/s1 1/0/+9 +53 CD 2/1/0/0/+1 3/4");

    (void)state;
    assert_memory_equal(line.timers, timers, sizeof timers);
    assert_string_equal(line.state, "CD");
    assert_int_equal(line.status, LOG_LINE_NONE);
    assert_int_equal(line.bytes, 53);
    assert_int_equal(line.retries, 1);
    assert_true(line.is_redispatched);
    assert_true(line.is_early);
    assert_int_equal(line.backend_queue, 4);
    assert_span(line.client, "::1");
    assert_int_equal(line.client_port, 5);
}

static void test_line_clf_tells_the_same_fields(void **state)
{
    static const int32_t timers[] = {0, 1, 2, 3, 6};
    struct log_line line = parse("2001:db8::1" CLF_TAIL);

    (void)state;
    assert_span(line.client, "2001:db8::1");
    assert_int_equal(line.client_port, 54450);
    assert_int_equal(line.accepted, INT64_C(1795979856823));
    assert_span(line.frontend, "clf");
    assert_true(line.is_tls);
    assert_span(line.backend, "b");
    assert_span(line.server, "s1");
    assert_memory_equal(line.timers, timers, sizeof timers);
    assert_string_equal(line.state, "--VN");
    assert_int_equal(line.retries, 5);
    assert_int_equal(line.server_queue, 6);
    assert_int_equal(line.backend_queue, 7);
    assert_span(line.request, "GET /a?b=#22c{ HTTP/1.1");
}

static void test_line_odd_names_and_clients(void **state)
{
    struct log_line line;

    (void)state;
    line = parse("2001:db8::1:443 [29/Nov/2026:19:17:36.836] clf-tcp:x.y a:b.c/s:1 0/0/0/8/8 -1 0 "
                 "- - CH-- 1/1/0/0/0 0/0 \"GET / HTTP/1.1\"");
    assert_span(line.client, "2001:db8::1");
    assert_int_equal(line.client_port, 443);
    assert_span(line.frontend, "clf-tcp:x.y");
    assert_span(line.backend, "a:b.c");
    assert_span(line.server, "s:1");
    assert_int_equal(line.status, -1);
    line = parse("unix:1 [29/Nov/2026:19:17:36.836] f f/<NOSRV> -1/-1/-1/-1/100 400 0 - - CR-- "
                 "1/1/0/0/0 0/0 \"<BADREQ>\"");
    assert_span(line.client, "unix");
    assert_int_equal(line.client_port, 1);
    assert_span(line.server, "<NOSRV>");
    assert_int_equal(line.timers[LOG_TIMER_TR], -1);
    assert_span(line.request, "<BADREQ>");
    line = parse("-:- [29/Nov/2026:19:17:36.836] f f/<STATS> 0/0/0/0/0 200 99999999999 - - LR-- "
                 "1/1/0/0/0 0/0 \\\"GET /stats HTTP/1.1\\\"");
    assert_int_equal(line.client_port, LOG_LINE_NONE);
    assert_true(line.bytes == UINT64_C(99999999999));
    assert_span(line.request, "GET /stats HTTP/1.1"); /* as syslog-ng writes it */
}

/* `capture cookie` is the one place where a client's bytes stand unescaped before the state. */
static void test_line_cookie_cannot_forge_a_state(void **state)
{
    struct log_line line =
        parse("6.6.6.6:1 [29/Nov/2026:19:17:36.836] f b/s 0/0/0/8/8 200 1 SID=x - SC-- 1/1/1/1/3 "
              "0/0 \"GET /no HTTP/1.1\" - ---- 2/2/2/2/0 1/1 {a SD-- 3/3/3/3/3 3/3 } \"GET /yes "
              "HTTP/1.1\"");

    (void)state;
    assert_int_equal(line.kind, LOG_KIND_HTTP);
    assert_string_equal(line.state, "----");
    assert_int_equal(line.actconn, 2);
    assert_span(line.request, "GET /yes HTTP/1.1");
    /* without captures and cookies a URI cannot either: it has no blanks and no quotes */
    line =
        parse("6.6.6.6:1 [29/Nov/2026:19:17:36.836] f b/s 0/0/0/8/8 200 1 - - ---- 2/2/2/2/0 1/1 "
              "\"GET /SC--#221/1/1/1/3 HTTP/1.1\"");
    assert_string_equal(line.state, "----");
}

static void test_line_error_line_names_its_bind(void **state)
{
    struct log_line line =
        parse("10.0.0.1:44772 [29/Nov/2026:19:17:36.855] tls/sock-1: SSL handshake failure");

    (void)state;
    assert_span(line.frontend, "tls");
    assert_span(line.bind, "sock-1");
    assert_span(line.message, "SSL handshake failure");
    assert_span(line.client, "10.0.0.1");
}

/* A line may end anywhere: behind its queues it is a request that was cut, before them nothing that is known. */
static void test_line_every_prefix_is_cut_or_whole(void **state)
{
    static const char text[] = HTTP;
    size_t queues = (size_t)(strstr(text, " 5/6") - text) + 4;

    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *copy = malloc(len + 1); /* its end is the end of memory, for the sanitizer */
        struct log_line line;

        assert_non_null(copy);
        memcpy(copy, text, len);
        line = parse_span((struct span){copy, len});
        assert_int_equal(line.kind, len >= queues ? LOG_KIND_HTTP : LOG_KIND_UNKNOWN);
        if (len >= queues)
            assert_true(line.cut);
        free(copy);
    }
    assert_false(parse(text).cut);
}

static void test_line_noise_is_unknown(void **state)
{
    static const char with_nul[] =
        "1.2.3.4:5 [29/Nov/2026:19:17:36.835] f\0x b/s 1/2/3/4/5 200 1 - "
        "- -\0-- 1/1/1/1/0 0/0 \"\"";
    unsigned seed = 1;
    char noise[4096];

    (void)state;
    assert_int_equal(parse_span((struct span){with_nul, sizeof with_nul - 1}).kind,
                     LOG_KIND_UNKNOWN);
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (char)(seed = seed * 1103515245 + 12345, seed >> 16);
        assert_int_equal(parse_span((struct span){noise, seed % sizeof noise}).kind,
                         LOG_KIND_UNKNOWN);
    }
}

static void test_line_a_megabyte_is_one_request(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    size_t len = 1 << 20;
    char *text = arena_alloc(arena, len);
    struct log_line line;

    (void)state;
    memset(text, 'a', len);
    memcpy(text, HTTP, strlen(HTTP) - 2);
    line = parse_span((struct span){text, len});
    assert_int_equal(line.kind, LOG_KIND_HTTP);
    assert_true(line.cut);
    memset(text, ' ', len);
    assert_int_equal(parse_span((struct span){text, len}).kind, LOG_KIND_UNKNOWN);
    memset(text, '[', len);
    assert_int_equal(parse_span((struct span){text, len}).kind, LOG_KIND_UNKNOWN);
}

static void test_line_time_alone_is_the_same(void **state)
{
    struct log_clock clock;

    (void)state;
    log_clock_init(&clock, NOW);
    assert_int_equal(log_line_time(&clock, span_of("2026-11-22T08:45:16Z h x: y")),
                     INT64_C(1795337116000));
    assert_int_equal(log_line_time(&clock, span_of(HTTP)), INT64_C(1795337115192));
    assert_true(log_line_time(&clock, span_of("no time")) == LOG_NO_TIME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_framings_tell_time_host_tag_and_level),
        cmocka_unit_test(test_line_year_is_that_of_the_date_else_the_newest_possible),
        cmocka_unit_test(test_line_local_times_follow_the_zone),
        cmocka_unit_test(test_line_kinds_are_told_apart),
        cmocka_unit_test(test_line_tcp_has_its_own_timers_and_two_letters),
        cmocka_unit_test(test_line_clf_tells_the_same_fields),
        cmocka_unit_test(test_line_odd_names_and_clients),
        cmocka_unit_test(test_line_cookie_cannot_forge_a_state),
        cmocka_unit_test(test_line_error_line_names_its_bind),
        cmocka_unit_test(test_line_every_prefix_is_cut_or_whole),
        cmocka_unit_test(test_line_noise_is_unknown),
        cmocka_unit_test(test_line_a_megabyte_is_one_request),
        cmocka_unit_test(test_line_time_alone_is_the_same),
    };

    (void)setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
