#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "agent/observe/ask.h"

/* ---- answers ---- */

static const struct {
    struct span bytes;
    bool closed, told;
    enum asked_said said;
    uint32_t status;
    const char *text;
} answers[] = {
    {{"HTTP/1.1 200 OK\r\n", 17}, false, true, ASKED_STATUS, 200, "HTTP/1.1 200 OK"},
    {{"HTTP/1.0 503\n", 13}, false, true, ASKED_STATUS, 503, "HTTP/1.0 503"},
    {{"HTTP/1.1 200 OK", 15}, false, false, ASKED_NOTHING, 0, NULL},
    {{"HTTP/1.1 200 OK", 15}, true, true, ASKED_OTHER, 0, "HTTP/1.1 200 OK"},
    {{"HTTP/1.1 2000\r\n", 15}, false, true, ASKED_OTHER, 0, "HTTP/1.1 2000"},
    {{"HTTP/1.1 20x\r\n", 14}, false, true, ASKED_OTHER, 0, "HTTP/1.1 20x"},
    {{"HTTP/1.1 099 no\r\n", 17}, false, true, ASKED_OTHER, 0, "HTTP/1.1 099 no"},
    {{"HTTP/1\n", 7}, false, true, ASKED_OTHER, 0, "HTTP/1"},
    {{"\n", 1}, false, true, ASKED_OTHER, 0, ""},
    {{"220 mail\x1b[2J\r\n", 14}, false, true, ASKED_OTHER, 0, "220 mail\\x1b[2J"},
    {{"\0\xff\n", 3}, false, true, ASKED_OTHER, 0, "\\x00\\xff"},
    {{"\x15\x03\x01\0\x02\x02\x0a", 7}, false, true, ASKED_TLS, 0, NULL},
    {{"\x16\x03\x03", 3}, false, true, ASKED_TLS, 0, NULL},
    {{"\x16\x03", 2}, false, false, ASKED_NOTHING, 0, NULL},
    {{"", 0}, false, false, ASKED_NOTHING, 0, NULL},
    {{"", 0}, true, true, ASKED_CLOSED, 0, NULL},
    {{"+PONG", 5}, true, true, ASKED_OTHER, 0, "+PONG"},
};

static void test_ask_read_tells_what_came(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        struct asked asked = {0};
        /* Nothing behind it: a read past the end is seen by the sanitizers. */
        char *exact = malloc(answers[i].bytes.len > 0 ? answers[i].bytes.len : 1);
        assert_non_null(exact);
        memcpy(exact, answers[i].bytes.ptr, answers[i].bytes.len);
        bool told =
            ask_read((struct span){exact, answers[i].bytes.len}, answers[i].closed, arena, &asked);
        assert_int_equal(told, answers[i].told);
        assert_int_equal(asked.said, answers[i].said);
        assert_int_equal(asked.status, answers[i].status);
        if (answers[i].text == NULL)
            assert_null(asked.text);
        else
            assert_string_equal(asked.text, answers[i].text);
        free(exact);
    }
}

static void test_ask_read_line_without_end_is_no_answer(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct asked asked = {0};
    char bytes[ASK_LINE_MAX];

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    assert_false(ask_read((struct span){bytes, ASK_LINE_MAX - 1}, false, arena, &asked));
    assert_true(ask_read((struct span){bytes, ASK_LINE_MAX}, false, arena, &asked));
    assert_int_equal(asked.said, ASKED_OTHER);
}

/* ---- who is asked what ---- */

struct place {
    struct arena *arena;
    struct facts facts;
    struct haproxy haproxy;
    struct haproxy_stat row;
};

/* One server "be/s1" at 10.0.0.1:80 with these lines, and what its check says. */
static void set_up(struct place *place, const char *lines, const char *server, const char *check)
{
    struct cfg_file *file;
    struct cfg *cfg = NULL;
    struct err err = {0};

    place->arena = arena_new();
    file = arena_alloc(place->arena, sizeof *file);
    *file = (struct cfg_file){
        "/e/a.cfg",
        span_of(arena_printf(place->arena, "backend be\n mode http\n%s server s1 10.0.0.1:80 %s\n",
                             lines, server))};
    if (cfg_parse(file, 1, NULL, place->arena, &cfg, &err) < 0)
        fail_msg("%s", err.text);
    place->row = (struct haproxy_stat){.type = STAT_SERVER,
                                       .proxy = "be",
                                       .name = "s1",
                                       .status = "DOWN",
                                       .check_status = check,
                                       .address = "10.0.0.1:80"};
    place->haproxy = (struct haproxy){.major = 2, .minor = 6};
    place->facts = (struct facts){
        .haproxy = &place->haproxy, .cfg = cfg, .stats = &place->row, .stat_count = 1};
}

/* "10.0.0.1:80 tls name QUESTION"; NULL: not asked. */
static const char *asked_as(struct place *place)
{
    size_t count = 0;
    const struct ask *ask = ask_list(&place->facts, place->arena, &count);

    if (count == 0)
        return NULL;
    assert_int_equal(count, 1);
    assert_string_equal(ask->asked.backend, "be");
    assert_string_equal(ask->asked.server, "s1");
    return arena_printf(place->arena, "%s:%u%s%s%s %.*s", ask->asked.address, ask->asked.port,
                        ask->is_tls ? " tls" : "", ask->name != NULL ? " " : "",
                        ask->name != NULL ? ask->name : "", (int)ask->question.len,
                        ask->question.ptr != NULL ? ask->question.ptr : "");
}

#define END "Connection: close\r\n\r\n"
static void test_ask_list_asks_as_the_check_does(void **state)
{
    static const struct {
        const char *lines, *server, *check, *expected;
    } cases[] = {
        {" option httpchk\n", "check", "L7STS", "10.0.0.1:80 OPTIONS / HTTP/1.0\r\n" END},
        {" option httpchk GET /up\n http-check send ver HTTP/1.1 hdr Host www\n", "check", "L7RSP",
         "10.0.0.1:80 GET /up HTTP/1.1\r\nHost: www\r\n" END},
        {" option httpchk\n", "check port 81 addr 10.0.0.9", "L7TOUT",
         "10.0.0.9:81 OPTIONS / HTTP/1.0\r\n" END},
        {" option httpchk\n", "check ssl verify none check-sni www.x", "L6RSP",
         "10.0.0.1:80 tls www.x OPTIONS / HTTP/1.0\r\n" END},
        {"", "check ssl verify none", "L6RSP", "10.0.0.1:80 tls "},
        /* What could change something, what HAProxy alone can write, and what is not for us. */
        {" option httpchk POST /up\n", "check", "L7STS", NULL},
        {" option httpchk\n http-check send hdr X %[srv_name]\n", "check", "L7STS", NULL},
        {" option httpchk GET \"/a b\"\n", "check", "L7STS", NULL},
        {" option httpchk\n", "check send-proxy", "L7STS", NULL},
        {" option httpchk\n http-check connect\n", "check", "L7STS", NULL},
        {" option tcp-check\n", "check", "L7RSP", NULL},
        /* Who is well, or was never reached. */
        {" option httpchk\n", "check", "L7OK", NULL},
        {" option httpchk\n", "check", "L4CON", NULL},
        {" option httpchk\n", "check", "L4TOUT", NULL},
        {"", "check", "L4OK", NULL},
        {"", "", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct place place;
        set_up(&place, cases[i].lines, cases[i].server, cases[i].check);
        const char *asked = asked_as(&place);
        if (cases[i].expected == NULL && asked != NULL)
            fail_msg("case %zu: asked '%s'", i, asked);
        if (cases[i].expected != NULL) {
            assert_non_null(asked);
            assert_string_equal(asked, cases[i].expected);
        }
        arena_free(place.arena);
    }
}

static void test_ask_list_asks_unchecked_servers_whose_traffic_fails(void **state)
{
    struct place place;

    (void)state;
    set_up(&place, "", "ssl verify none sni str(www.x)", NULL);
    place.row.status = "no check";
    place.row.responses_5xx = 3;
    assert_string_equal(asked_as(&place),
                        "10.0.0.1:80 tls www.x GET / HTTP/1.1\r\nHost: www.x\r\n" END);
    place.row.status = "MAINT";
    assert_null(asked_as(&place));
    place.row.status = "no check";
    place.row.tracked = "be/s2";
    assert_null(asked_as(&place));
    place.row.tracked = NULL;
    place.row.address = NULL;
    assert_null(asked_as(&place));
    place.facts.cfg = NULL;
    assert_null(asked_as(&place));
    arena_free(place.arena);
}

/* At work are 30. Answered, its rate and its average: how many wait for an answer, and is that more than usual? */
static void test_ask_piled_up_is_more_than_rate_and_average_account_for(void **state)
{
    static const struct {
        int64_t total, answered, rate, response_ms;
        uint64_t unanswered;
        bool is_piled_up;
    } rows[] = {
        {1000, 970, 0, 20, 30, true},     /* nothing comes, nothing goes */
        {1000, 970, 1500, 20, 30, false}, /* as many as 1500 a second of 20 ms are */
        {1000, 970, 10, 3000, 30, false}, /* slow as ever */
        {1000, 970, 2, 3000, 30, true},
        {1000, 500, 0, -1, 30,
         true}, /* who gave up earlier is counted, but no more than are at work */
        {1000, 997, 0, 20, 3, false},  /* chance; the others get long answers */
        {1000, 1000, 0, 20, 0, false}, /* all have begun */
        {1000, 1200, 0, 20, 0, false}, /* more answers than requests: counters were cleared */
        {1000, -1, 0, 20, 0, false},   /* TCP: nobody counts answers */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct haproxy_stat row = {.type = STAT_SERVER,
                                         .sessions = 30,
                                         .sessions_total = rows[i].total,
                                         .responses_2xx = rows[i].answered,
                                         .rate = rows[i].rate,
                                         .response_ms = rows[i].response_ms};
        assert_int_equal(ask_unanswered(&row), rows[i].unanswered);
        assert_int_equal(ask_is_piled_up(&row), rows[i].is_piled_up);
    }
}

/* What the certificate must be, as 2.4 to 3.2 want it: SNI's name counts before that of `verifyhost`. */
static void test_ask_list_wants_the_name_that_haproxy_wants(void **state)
{
#define CHECKED "check ssl verify required ca-file /ca "
#define TRAFFIC "ssl verify required ca-file /ca "
    static const struct {
        const char *lines, *server, *check, *expected; /* NULL: no certificate is looked at */
    } cases[] = {
        {"", CHECKED "verifyhost a", "L6RSP", "/ca verifyhost a"},
        {"", CHECKED "verifyhost a sni str(b)", "L6RSP", "/ca verifyhost a"},
        {"", CHECKED "verifyhost a check-sni b", "L6RSP", "/ca check-sni b"},
        {"", CHECKED "sni str(b)", "L6RSP", "/ca"},
        {"", "check ssl verifyhost a", "L6RSP", " verifyhost a"},
        {"", "check check-ssl verifyhost a", "L6RSP", " verifyhost a"},
        {"", "check ssl verify none ca-file /ca verifyhost a", "L6RSP", NULL},
        /* A rule says which name, or that there is none. */
        {" option tcp-check\n tcp-check connect ssl sni x\n", CHECKED "verifyhost a", "L6RSP",
         "/ca"},
        {" option httpchk\n http-check connect ssl\n", CHECKED "check-sni a", "L6RSP", "/ca"},
        {" option tcp-check\n tcp-check expect string x\n", CHECKED "verifyhost a", "L6RSP",
         "/ca verifyhost a"},
        /* It got behind the handshake: what it saw there was taken. */
        {" option httpchk\n", CHECKED "verifyhost a", "L7STS", NULL},
        /* The traffic. */
        {"", TRAFFIC "verifyhost a", NULL, "/ca verifyhost a"},
        {"", TRAFFIC "verifyhost a sni str(b)", NULL, "/ca sni b"},
        {"", TRAFFIC "verifyhost a sni req.hdr(host)", NULL, "/ca"},
        {"", CHECKED "sni str(b)", "L6OK", "/ca sni b"},
        {" option httpchk\n", CHECKED "sni str(b)", "L7OK", "/ca sni b"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct place place;
        size_t count = 0;

        set_up(&place, cases[i].lines, cases[i].server, cases[i].check);
        place.row.connect_errors = 1;
        const struct ask *ask = ask_list(&place.facts, place.arena, &count);
        if (count != 1 || ask->is_verified != (cases[i].expected != NULL))
            fail_msg("case %zu: %zu asked", i, count);
        const struct asked *asked = &ask->asked;
        if (cases[i].expected != NULL)
            assert_string_equal(arena_printf(place.arena, "%s%s%s%s%s",
                                             ask->ca_file != NULL ? ask->ca_file : "",
                                             asked->wanted_by != NULL ? " " : "",
                                             asked->wanted_by != NULL ? asked->wanted_by : "",
                                             asked->wanted != NULL ? " " : "",
                                             asked->wanted != NULL ? asked->wanted : ""),
                                cases[i].expected);
        arena_free(place.arena);
    }
}

static void test_ask_list_knows_no_name_where_haproxy_may_send_its_own(void **state)
{
    struct place place;
    size_t count = 0;

    (void)state;
    set_up(&place, "", CHECKED "verifyhost a", "L6RSP");
    place.haproxy = (struct haproxy){.major = 3, .minor = 3};
    assert_null(ask_list(&place.facts, place.arena, &count)->asked.wanted);
    arena_free(place.arena);
    set_up(&place, " option httpchk\n", CHECKED "verifyhost a check-sni b sni str(b)", "L7OK");
    place.row.connect_errors = 1;
    assert_null(ask_list(&place.facts, place.arena, &count));
    arena_free(place.arena);
}

static void test_ask_list_verifies_no_server_where_global_says_so(void **state)
{
    struct cfg_file file = {"/e/a.cfg", span_of("global\n ssl-server-verify none\nbackend be\n"
                                                " server s1 10.0.0.1:80 check ssl verifyhost a\n"
                                                " server s2 10.0.0.1:80 " CHECKED "\n")};
    struct place place;
    struct err err = {0};
    struct cfg *cfg = NULL;
    size_t count = 0;

    (void)state;
    set_up(&place, "", "", "L6RSP");
    assert_int_equal(cfg_parse(&file, 1, NULL, place.arena, &cfg, &err), 0);
    place.facts.cfg = cfg;
    assert_false(ask_list(&place.facts, place.arena, &count)->is_verified);
    place.row.name = "s2";
    assert_true(ask_list(&place.facts, place.arena, &count)->is_verified);
    arena_free(place.arena);
}

static void test_ask_list_is_bounded(void **state)
{
    enum { ROWS = 3 * ASK_MAX };
    struct place place;
    size_t count;

    (void)state;
    set_up(&place, " option httpchk\n", "check", "L7STS");
    struct haproxy_stat *rows = arena_alloc(place.arena, ROWS * sizeof *rows);
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = place.row;
    place.facts.stats = rows;
    place.facts.stat_count = ROWS;
    assert_non_null(ask_list(&place.facts, place.arena, &count));
    assert_int_equal(count, ASK_MAX);
    arena_free(place.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ask_read_tells_what_came),
        cmocka_unit_test(test_ask_read_line_without_end_is_no_answer),
        cmocka_unit_test(test_ask_list_asks_as_the_check_does),
        cmocka_unit_test(test_ask_list_asks_unchecked_servers_whose_traffic_fails),
        cmocka_unit_test(test_ask_piled_up_is_more_than_rate_and_average_account_for),
        cmocka_unit_test(test_ask_list_wants_the_name_that_haproxy_wants),
        cmocka_unit_test(test_ask_list_knows_no_name_where_haproxy_may_send_its_own),
        cmocka_unit_test(test_ask_list_verifies_no_server_where_global_says_so),
        cmocka_unit_test(test_ask_list_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
