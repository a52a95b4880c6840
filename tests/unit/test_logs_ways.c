/* Each way to read lines gives the same, for logs as they are and for logs as they should not be; so does each cut of
 * a log into pieces. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/logs/scan.h"
#include "tests/unit/logs_dump.h"

#define NOW INT64_C(1796000000000)

static const struct log_options options = {.now = NOW, .since = LOG_NO_TIME, .until = LOG_NO_TIME};
static uint64_t random_state = 1;

static uint32_t below(uint32_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (uint32_t)((random_state >> 32) * bound >> 32);
}

static const char *const framings[] = {
    "",
    "<134>",
    "<134>Nov 22 08:45:@ haproxy[13244]: ",
    "Nov 22 08:45:@ lb1 haproxy[^]: ",
    "2026-11-22T08:45:@.^23456+00:00 lb1 haproxy[812]: ",
    "2026-11-22T08:45:@Z lb1 haproxy: ",
    "<6>2026-11-22T08:45:@.995357+00:00 ",
    "<134>1 2026-11-22T08:45:@.82787^+00:00 - haproxy 29902 - - ",
    "Nov 22 08:45:@ 1.5.0.1 haproxy[^]: ",
};

static const char *pick(const char *const *list, size_t count)
{
    return list[below((uint32_t)count)];
}
#define PICK(list) pick(list, sizeof(list) / sizeof *(list))

/* '@': a second, '^': a digit */
static void add_framing(struct text *text, const char *framing)
{
    for (const char *at = framing; *at != '\0'; at++) {
        if (*at == '@')
            text_addf(text, "%02u", below(60));
        else if (*at == '^')
            text_addf(text, "%u", below(10));
        else
            text_add_span(text, (struct span){at, 1});
    }
}

static void add_client(struct text *text)
{
    static const char *const odd[] = {"unix:1", "-:-", "::1:80", "2001:db8::1:65535", "a:", ":1"};

    if (below(10) == 0)
        text_add(text, PICK(odd));
    else
        text_addf(text, "10.0.%u.%u:%u", below(3), below(9), below(70000));
}

static int32_t timer(void)
{
    return below(8) == 0 ? -1 : (int32_t)below(below(2) == 0 ? 20 : 200000);
}

static void add_names(struct text *text)
{
    static const char *const frontends[] = {"www~", "f", "fe", "api",
                                            "a-rather-long-frontend.name"};
    static const char *const backends[] = {"b", "static", "be:x.y",
                                           "a-backend-with-a-name-that-is-long"};
    static const char *const servers[] = {"s1", "s2", "<NOSRV>", "<STATS>", "server-eu-west-1a"};

    text_addf(text, "%s %s/%s ", PICK(frontends), PICK(backends), PICK(servers));
}

static void add_http(struct text *text)
{
    static const char *const statuses[] = {"200", "200", "503", "304", "-1", "0", "1000", "2x0"};
    static const char *const states[] = {"----", "SC--", "--VN", "sH--",
                                         "LR--", "cD--", "SC",   "-x--"};
    static const char *const cookies[] = {"- -", "- -", "- -", "- -", "- -", "a=b -", "a=b c - d"};
    static const char *const tails[] = {
        " \"GET / HTTP/1.1\"",
        " {a b|c} {d} \"GET /x HTTP/1.1\"",
        "",
        " {a} \"GET / HTTP/1.1\" 0/0/0/0/0 -/TLSv1.3/AES",
        " \"GET /not-fini",
        " \\\"GET / HTTP/1.1\\\"",
        " {a",
        "\r",
        " \"GET /x HTTP/1.1\"\r",
        "x",
    };

    text_addf(text, "%d/%d/%d/%d/%s%d %s %s%u %s %s %u/%u/%u/%u/%s%u %u/%u%s", timer(), timer(),
              timer(), timer(), below(9) == 0 ? "+" : "", timer(), PICK(statuses),
              below(9) == 0 ? "+" : "", below(below(5) == 0 ? UINT32_MAX : 9999), PICK(cookies),
              PICK(states), below(1000), below(1000), below(100), below(10),
              below(9) == 0 ? "+" : "", below(4), below(3) / 2, below(3) / 2, PICK(tails));
}

static void add_line(struct text *text)
{
    static const char *const others[] = {
        ("Server static/s1 is DOWN, reason: Layer4 timeout, check duration: 499ms. 3 active and 0 "
         "backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue."),
        "backend static has no server available!",
        "Connect from 1.2.3.4:5 to 5.6.7.8:80 (fe/TCP)",
        "",
        "noise \x01\xff #22 \"",
        "1.2.3.4:5 [22/Nov/2026:08:45:15.182] fe/1: SSL handshake failure"};

    add_framing(text, PICK(framings));
    if (below(12) == 0) {
        text_add(text, PICK(others));
    } else {
        add_client(text);
        text_addf(text, " [22/%s/2026:%02u:45:%02u.%03u] ", below(40) == 0 ? "Oct" : "Nov",
                  below(30) == 0 ? below(25) : 8, below(below(30) == 0 ? 70 : 60), below(1000));
        add_names(text);
        if (below(10) == 0)
            text_addf(text, "%d/%d/%d %u %s 1/2/3/4/0 0/%u", timer(), timer(), timer(), below(9999),
                      below(2) == 0 ? "--" : "SD", below(2));
        else
            add_http(text);
    }
    text_add(text, "\n");
}

/* Bytes here and there become others, or are gone. */
static struct span mutate(struct arena *arena, struct span log, uint32_t one_in)
{
    static const char bytes[] = "\n \"/:[]+-#{}0159~<>SC\r\0\xff";
    char *copy = arena_copy(arena, log.ptr, log.len);
    size_t len = 0;

    for (size_t i = 0; i < log.len; i++) {
        if (below(one_in) == 0) {
            if (below(2) == 0)
                copy[len++] = bytes[below(sizeof bytes - 1)];
        } else {
            copy[len++] = log.ptr[i];
        }
    }
    return (struct span){copy, len};
}

/* Bytes whose end is the end of memory. */
static const char *tally_dump(struct arena *arena, struct span log, struct log_options how,
                              size_t piece, bool with_sources)
{
    struct log_tally *tally = log_tally_new(&how);
    const char *dump;

    for (struct span rest = log; rest.len > 0;) {
        size_t len = rest.len < piece ? rest.len : piece;
        char *copy;

        while (len < rest.len && rest.ptr[len - 1] != '\n')
            len++;
        copy = malloc(len);
        assert_non_null(copy);
        memcpy(copy, rest.ptr, len);
        log_tally_feed(tally, (struct span){copy, len});
        free(copy);
        rest = (struct span){rest.ptr + len, rest.len - len};
    }
    dump = dump_summary(tally, arena, with_sources);
    log_tally_free(tally);
    return dump;
}

static void assert_same(const char *a, const char *b, struct span log, const char *what)
{
    size_t at = 0;

    if (strcmp(a, b) == 0)
        return;
    while (a[at] == b[at])
        at++;
    while (at > 0 && a[at - 1] != '\n')
        at--;
    fail_msg("%s differs:\n%.*s\n%.*s\nin a log that begins\n%.*s", what,
             (int)strcspn(a + at, "\n"), a + at, (int)strcspn(b + at, "\n"), b + at,
             log.len < 3000 ? (int)log.len : 3000, log.ptr);
}

static void assert_ways_agree(struct span log, struct log_options how)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const char *plain;

    how.way = LOG_SCAN_PLAIN;
    plain = tally_dump(arena, log, how, SIZE_MAX, true);
    for (how.way = LOG_SCAN_BEST; how.way < LOG_SCAN_WAYS; how.way++) {
        static const char *const names[] = {"best", "plain", "wide", "avx2", "avx512"};

        if (!log_tally_has_way(how.way))
            continue;
        assert_same(plain, tally_dump(arena, log, how, SIZE_MAX, true), log, names[how.way]);
        assert_same(plain, tally_dump(arena, log, how, 1 + below(3000), true), log, names[how.way]);
    }
}

/* The tables of a tally are large, and a sanitizer marks all of their memory each time. */
#ifdef __SANITIZE_ADDRESS__
enum { ROUNDS = 9, FEW_ROUNDS = 4, PREFIX_STEP = 17 };
#else
enum { ROUNDS = 60, FEW_ROUNDS = 20, PREFIX_STEP = 1 };
#endif

static struct span make_log(struct arena *arena, unsigned lines, bool one_framing)
{
    struct text text = text_new(arena);
    const char *framing = PICK(framings);

    for (unsigned i = 0; i < lines; i++) {
        if (!one_framing || below(20) == 0) {
            add_line(&text);
            continue;
        }
        add_framing(&text, framing);
        text_addf(&text, "10.0.0.%u:%u [22/Nov/2026:08:45:%02u.%03u] ", below(9), 1 + below(9),
                  below(60), below(1000));
        add_names(&text);
        add_http(&text);
        text_add(&text, "\n");
    }
    return text_span(&text);
}

static void test_ways_agree_on_logs_of_all_kinds(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct arena *arena CLEANUP_ARENA = arena_new();

        assert_ways_agree(make_log(arena, 300, round % 3 != 0), options);
    }
}

static void test_ways_agree_on_damaged_logs(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct span log = make_log(arena, 200, round % 3 != 0);

        assert_ways_agree(mutate(arena, log, round % 2 == 0 ? 40 : 400), options);
    }
}

static void test_ways_agree_on_every_prefix_of_a_line(void **state)
{
    static const char good[] =
        "Nov 22 08:45:15 lb1 haproxy[1]: 10.0.0.1:4711 [22/Nov/2026:08:45:15.182] www~ be_api/s1 "
        "1/2/3/4/10 503 217 - - SC-- 11/12/13/14/+3 5/6 {a b|c} {d} \"GET /x?y#22 HTTP/1.1\"\n";

    (void)state;
    for (size_t len = 0; len < sizeof good - 1; len += PREFIX_STEP) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct text text = text_new(arena);

        text_add(&text, good); /* so that it is known how lines look */
        text_add_span(&text, (struct span){good, len});
        if (len % 2 == 0) {
            text_add(&text, "\n");
            text_add(&text, good);
        }
        assert_ways_agree(text_span(&text), options);
    }
}

static void test_ways_agree_on_periods(void **state)
{
    (void)state;
    for (int round = 0; round < FEW_ROUNDS; round++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct log_options period = options;

        period.since = INT64_C(1795337100000) + below(60000);
        if (round % 2 == 0)
            period.until = period.since + below(60000);
        assert_ways_agree(make_log(arena, 200, round % 3 != 0), period);
    }
}

static void test_ways_agree_on_long_lines_and_none(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct text text = text_new(arena);

    (void)state;
    assert_ways_agree((struct span){NULL, 0}, options);
    assert_ways_agree(span_of("\n"), options);
    assert_ways_agree(span_of("\n\n\nx"), options);
    for (int i = 0; i < 4; i++) {
        struct span some = make_log(arena, 5, true);

        text_add_span(&text, some);
        if (some.len > 0)
            text_add_span(&text, (struct span){some.ptr, some.len - 1});
        for (int k = 0; k < 7000; k++)
            text_add(&text, i % 2 == 0 ? "a" : "/ ");
        text_add(&text, "\"\n");
    }
    assert_ways_agree(text_span(&text), options);
}

/* `text` instead of the number at `place`. */
static void add_line_with(struct text *log, size_t place, const char *text)
{
    static const char separators[] = "////\1\1\2////\1/";

    text_add(log, "Nov 22 08:45:15 lb1 haproxy[1]: 10.0.0.1:4711 [22/Nov/2026:08:45:15.182] www~ "
                  "be_api/s1 ");
    for (size_t i = 0; i < sizeof separators; i++) {
        text_add(log, i == place ? text : i == 5 ? "200" : "12");
        if (separators[i] == '/')
            text_add(log, "/");
        else
            text_add(log, separators[i] == '\2' ? " - - SH-- " : " ");
    }
    text_add(log, "\"GET /x HTTP/1.1\"\n");
}

/* Each number of a line in turn is short, long, missing, signed or none: what reads all of them at once must tell. A
 * log for each, as of most numbers the largest is kept. */
static void test_ways_agree_on_each_number_of_a_line(void **state)
{
    static const char *const odd[] = {"",          "-1",         "-2",        "+5",  "9999",
                                      "10000",     "12345678",   "123456789", "1-1", "00009",
                                      "000012345", "4294967296", "1x"};
    enum { NUMBERS = 14, ODD = sizeof odd / sizeof *odd };

    (void)state;
    for (size_t i = 0; i < NUMBERS * ODD; i += PREFIX_STEP) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct text text = text_new(arena);

        add_line_with(&text, NUMBERS, ""); /* so that it is known how lines look */
        add_line_with(&text, i / ODD, odd[i % ODD]);
        assert_ways_agree(text_span(&text), options);
    }
}

/* Names that look alike in part, are as long as is taken at once, or are none. */
static void test_ways_agree_on_names(void **state)
{
    static const char *const names[] = {"f/e be_api/s1", "fe /s1",         "fe be_api/",
                                        "fe be_api",     "fe  be/s1",      "fe be/s/1",
                                        "fe -/-",        "fe~ be/<NOSRV>", " fe be/s1"};
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct text text = text_new(arena);

    (void)state;
    for (unsigned i = 0; i < 600; i++) {
        text_addf(&text, "10.0.0.1:4711 [22/Nov/2026:08:45:15.%03u] ", below(1000));
        if (below(10) == 0)
            text_add(&text, PICK(names));
        else
            text_addf(&text, "frontend%u backend-%0*u-eu/server-eu-west-1%c", below(2),
                      (int)(1 + below(40)), below(3), (int)('a' + below(2)));
        text_add(&text, " 1/2/3/4/10 200 217 - - ---- 11/12/13/14/1 0/0 \"GET / HTTP/1.1\"\n");
    }
    assert_ways_agree(text_span(&text), options);
}

/* That ways agree would be easy if the fast ones never took a line: only they fill the cache of routes. */
static void test_ways_that_are_fast_take_lines_they_know(void **state)
{
    static const char line[] =
        "1.2.3.4:5 [22/Nov/2026:08:45:15.182] www~ be_api/s1 1/2/3/4/10 200 217 - - ---- "
        "1/1/1/1/0 0/0 \"GET / HTTP/1.1\"\n";

    (void)state;
    for (size_t i = 0; i < sizeof framings / sizeof *framings; i++)
        for (enum log_scan_way way = LOG_SCAN_WIDE; way < LOG_SCAN_WAYS; way++) {
            struct arena *arena CLEANUP_ARENA = arena_new();
            struct log_options how = {
                .now = NOW, .since = LOG_NO_TIME, .until = LOG_NO_TIME, .way = way};
            struct log_tally *tally = log_tally_new(&how);
            struct text text = text_new(arena);
            size_t cached = 0;

            for (int k = 0; k < 2; k++) {
                add_framing(&text, framings[i]);
                text_add(&text, line);
            }
            log_tally_feed(tally, text_span(&text));
            for (size_t k = 0; k < SCAN_CACHE; k++)
                cached += tally->scan->cache[k] != tally->route_rows;
            assert_int_equal(tally->kinds[LOG_KIND_HTTP], 2);
            if (cached != 1 && log_tally_has_way(way))
                fail_msg("way %d did not take: %s", (int)way, framings[i]);
            log_tally_free(tally);
        }
}

static void test_merged_halves_are_the_whole(void **state)
{
    (void)state;
    for (int round = 0; round < FEW_ROUNDS; round++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct span log = make_log(arena, 400, round % 2 == 0);
        struct span first = log, second;
        struct log_tally *into = log_tally_new(&options), *from = log_tally_new(&options);

        first.len = below((uint32_t)log.len);
        while (first.len > 0 && first.ptr[first.len - 1] != '\n')
            first.len--;
        second = (struct span){log.ptr + first.len, log.len - first.len};
        log_tally_feed(into, first);
        log_tally_feed(from, second);
        log_tally_merge(into, from);
        /* what comes without a time at the begin of the second half, and how the first ended, is not known to it */
        const char *whole = strchr(tally_dump(arena, log, options, SIZE_MAX, false), '\n');
        const char *merged = strchr(dump_summary(into, arena, false), '\n');
        assert_same(whole, merged, log, "merged");
        log_tally_free(into);
        log_tally_free(from);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways_agree_on_logs_of_all_kinds),
        cmocka_unit_test(test_ways_agree_on_damaged_logs),
        cmocka_unit_test(test_ways_agree_on_every_prefix_of_a_line),
        cmocka_unit_test(test_ways_agree_on_periods),
        cmocka_unit_test(test_ways_agree_on_long_lines_and_none),
        cmocka_unit_test(test_ways_agree_on_each_number_of_a_line),
        cmocka_unit_test(test_ways_agree_on_names),
        cmocka_unit_test(test_ways_that_are_fast_take_lines_they_know),
        cmocka_unit_test(test_merged_halves_are_the_whole),
    };

    (void)setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
