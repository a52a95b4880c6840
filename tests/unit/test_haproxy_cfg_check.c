#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "remediations/host/haproxy_cfg.h"

static struct cfg *parse(const char *text, struct arena *arena)
{
    struct cfg_file file = {"/e/a.cfg", span_of(text)};
    struct cfg *cfg = NULL;
    struct err err = {0};

    if (cfg_parse(&file, 1, NULL, arena, &cfg, &err) < 0)
        fail_msg("%s", err.text);
    return cfg;
}

static const struct cfg_proxy *back(const struct cfg *cfg, const char *name)
{
    const struct cfg_proxy *proxy = cfg_find_backend(cfg, name);

    assert_non_null(proxy);
    return proxy;
}

static const struct cfg_server *server_of(const struct cfg *cfg, const char *proxy,
                                          const char *name)
{
    const struct cfg_server *server = cfg_find_server(back(cfg, proxy), name);

    assert_non_null(server);
    return server;
}

static void test_check_option_httpchk_in_all_its_forms(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const struct cfg *cfg = parse("backend a\n option httpchk\n"
                                  "backend b\n option httpchk /up\n"
                                  "backend c\n option httpchk GET /up\n"
                                  "backend d\n option httpchk GET /up HTTP/1.1\\r\\nHost:\\ www\n"
                                  "backend e\n option tcp-check\n"
                                  "backend f\n",
                                  arena);

    (void)state;
    assert_int_equal(back(cfg, "a")->check.kind, CFG_CHECK_HTTP);
    assert_null(back(cfg, "a")->check.uri);
    assert_null(back(cfg, "b")->check.method);
    assert_string_equal(back(cfg, "b")->check.uri, "/up");
    assert_string_equal(back(cfg, "c")->check.method, "GET");
    assert_string_equal(back(cfg, "c")->check.uri, "/up");
    assert_string_equal(back(cfg, "d")->check.version, "HTTP/1.1");
    assert_int_equal(back(cfg, "d")->check.headers.count, 1);
    assert_string_equal(back(cfg, "d")->check.headers.at[0], "Host: www");
    assert_int_equal(back(cfg, "e")->check.kind, CFG_CHECK_OTHER);
    assert_string_equal(back(cfg, "e")->check.name, "tcp-check");
    assert_int_equal(back(cfg, "f")->check.kind, CFG_CHECK_CONNECT);
}

static void test_check_send_and_expect_are_read_and_inherited(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const struct cfg *cfg =
        parse("defaults\n mode http\n timeout check 1500ms\n option httpchk\n"
              " http-check send meth HEAD uri /health ver HTTP/1.1 hdr Host \"www.x\"\n"
              " http-check expect status 200\n"
              "backend a\n"
              "backend b\n http-check expect comment what rstatus ^2\n"
              "backend c\n mode tcp\n timeout check 3s\n http-check expect ! status 500-599,404\n"
              "backend d\n http-check send meth GET uri /%[srv_name] hdr X %[srv_name] body b\n"
              "backend e\n option httpchk GET /\n http-check connect ssl\n",
              arena);
    const struct cfg_check *a = &back(cfg, "a")->check;

    (void)state;
    assert_true(back(cfg, "a")->is_http);
    assert_string_equal(a->method, "HEAD");
    assert_string_equal(a->headers.at[0], "Host: www.x");
    assert_int_equal(a->expect, CFG_EXPECT_STATUS);
    assert_string_equal(a->expected, "200");
    assert_int_equal(a->timeout_ms, 1500);
    assert_false(a->is_intricate);
    assert_int_equal(back(cfg, "b")->check.expect, CFG_EXPECT_OTHER);
    assert_false(back(cfg, "c")->is_http);
    assert_int_equal(back(cfg, "c")->check.timeout_ms, 3000);
    assert_true(back(cfg, "c")->check.expect_is_negated);
    assert_string_equal(back(cfg, "c")->check.expected, "500-599,404");
    assert_true(back(cfg, "d")->check.is_intricate);
    assert_true(back(cfg, "e")->check.is_intricate);
}

static void test_check_takes_the_statuses_that_haproxy_would(void **state)
{
    static const struct {
        struct cfg_check check;
        uint32_t status;
        bool taken, known;
    } cases[] = {
        {{.expect = CFG_EXPECT_USUAL}, 200, true, true},
        {{.expect = CFG_EXPECT_USUAL}, 399, true, true},
        {{.expect = CFG_EXPECT_USUAL}, 400, false, true},
        {{.expect = CFG_EXPECT_USUAL}, 101, false, true},
        {{.expect = CFG_EXPECT_STATUS, .expected = "200"}, 302, false, true},
        {{.expect = CFG_EXPECT_STATUS, .expected = "200-299,404"}, 404, true, true},
        {{.expect = CFG_EXPECT_STATUS, .expected = "200-299,404"}, 403, false, true},
        {{.expect = CFG_EXPECT_STATUS, .expected = "500-599", .expect_is_negated = true},
         503,
         false,
         true},
        {{.expect = CFG_EXPECT_STATUS, .expected = "500-599", .expect_is_negated = true},
         404,
         true,
         true},
        {{.expect = CFG_EXPECT_STATUS, .expected = "2xx,,-,x-9"}, 200, false, true},
        {{.expect = CFG_EXPECT_OTHER}, 200, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool known = !cases[i].known;
        assert_int_equal(cfg_check_takes_status(&cases[i].check, cases[i].status, &known),
                         cases[i].taken);
        assert_int_equal(known, cases[i].known);
    }
}

static void test_contact_of_a_server_is_its_own_and_its_defaults(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const struct cfg *cfg = parse(
        "backend a\n"
        " default-server inter 500 resolvers dns init-addr none check\n"
        " server s1 www.example.com:443 ssl verify none sni str(www) check-sni www2\n"
        " server s2 10.0.0.1:443 ssl check-ssl no-check-ssl port 8443 source 10.0.0.9:1024-2000\n"
        " server s3 10.0.0.2:80 track a/s1 inter 2s weight 0\n"
        " server s4 10.0.0.2:80 observe layer7 check-ssl addr 10.9.9.9 source [::1]\n"
        "backend b\n server s1 10.0.0.3:80 ssl port 81 check\n server s2 10.0.0.3:81 check\n",
        arena);
    const struct cfg_contact *s1 = cfg_contact_of(server_of(cfg, "a", "s1"));
    const struct cfg_contact *s2 = cfg_contact_of(server_of(cfg, "a", "s2"));
    const struct cfg_contact *s3 = cfg_contact_of(server_of(cfg, "a", "s3"));
    const struct cfg_contact *s4 = cfg_contact_of(server_of(cfg, "a", "s4"));

    (void)state;
    assert_true(s1->ssl && s1->verify_none);
    assert_string_equal(s1->sni, "str(www)");
    assert_string_equal(s1->check_sni, "www2");
    assert_false(s1->verify_required || s2->verify_none || s2->verify_required);
    assert_string_equal(s1->resolvers, "dns");
    assert_string_equal(s1->init_addr, "none");
    assert_int_equal(server_of(cfg, "a", "s1")->inter_ms, 500);
    assert_true(cfg_check_is_ssl(server_of(cfg, "a", "s1")));
    assert_string_equal(s2->source, "10.0.0.9");
    assert_true(s2->source_has_range);
    assert_null(s2->sni);
    assert_false(cfg_check_is_ssl(server_of(cfg, "a", "s2")));
    assert_string_equal(s3->track, "a/s1");
    assert_string_equal(s3->resolvers, "dns");
    assert_false(s3->ssl);
    assert_true(server_of(cfg, "a", "s3")->weight_is_zero);
    assert_int_equal(server_of(cfg, "a", "s3")->inter_ms, 2000);
    assert_string_equal(s4->observe, "layer7");
    assert_string_equal(s4->check_address, "10.9.9.9");
    assert_string_equal(s4->source, "::1");
    assert_true(cfg_check_is_ssl(server_of(cfg, "a", "s4")));
    assert_false(cfg_check_is_ssl(server_of(cfg, "b", "s1")));
    /* Nothing special: nothing is kept. */
    assert_null(server_of(cfg, "b", "s2")->contact);
}

static void test_server_is_direct_where_a_connect_of_ours_says_the_same(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const struct cfg *cfg = parse("backend a\n"
                                  " server s1 10.0.0.1:80 source 10.0.0.9\n"
                                  " server s2 quic.example:80\n"
                                  " server s3 10.0.0.1:80 check socks4 10.0.0.2:1080\n"
                                  " server s4 10.0.0.1:80 namespace blue\n"
                                  " server s5 udp@10.0.0.1:514\n"
                                  " server s6 quic4@10.0.0.1:443\n"
                                  " server s7 /run/a.sock\n",
                                  arena);
    const char *const names[] = {"s1", "s2", "s3", "s4", "s5", "s6", "s7"};

    (void)state;
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(cfg_server_is_direct(server_of(cfg, "a", names[i])), i < 2);
}

static void test_proxy_tells_where_requests_go(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const struct cfg *cfg = parse("frontend f\n use_backend a if { path / }\n use_backend %[path]\n"
                                  "backend a\n http-request set-header X y\n source 10.0.0.7\n"
                                  "backend b\n http-request return status 200\n"
                                  "backend c\n redirect prefix https://x\n"
                                  "backend d\n dispatch 10.0.0.1:80\n",
                                  arena);

    (void)state;
    assert_int_equal(cfg_find_proxy(cfg, CFG_FRONTEND, "f")->uses.count, 2);
    assert_string_equal(cfg_find_proxy(cfg, CFG_FRONTEND, "f")->uses.at[0], "a");
    assert_false(back(cfg, "a")->answers_itself);
    assert_string_equal(back(cfg, "a")->check.source, "10.0.0.7");
    assert_true(back(cfg, "b")->answers_itself);
    assert_true(back(cfg, "c")->answers_itself);
    assert_true(back(cfg, "d")->answers_itself);
}

static void test_bind_parameters_count_where_they_are_ones(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const struct cfg *cfg = parse("frontend f\n"
                                  " bind 10.0.0.1:80,10.0.0.2:80 backlog 100 transparent\n"
                                  " bind :81 name transparent ssl crt /backlog\n"
                                  " bind :82 backlog 5 maxconn 9 backlog 7 accept-proxy\n"
                                  " bind :83 backlog x\n"
                                  " bind :84 backlog\n"
                                  " bind :85 interface backlog namespace accept-proxy\n"
                                  " bind :86 no-such-word-yet transparent\n",
                                  arena);
    const struct cfg_bind *binds = cfg_find_proxy(cfg, CFG_FRONTEND, "f")->binds;

    (void)state;
    assert_int_equal(cfg_find_proxy(cfg, CFG_FRONTEND, "f")->bind_count, 8);
    for (size_t i = 0; i < 2; i++) {
        assert_true(binds[i].transparent);
        assert_true(binds[i].backlog.set);
        assert_int_equal(binds[i].backlog.value, 100);
        assert_int_equal(binds[i].backlog.place.line, 2);
        assert_false(binds[i].ssl);
    }
    /* `name transparent` is a name. */
    assert_false(binds[2].transparent);
    assert_false(binds[2].backlog.set);
    assert_true(binds[2].ssl);
    assert_int_equal(binds[3].backlog.value, 7);
    assert_int_equal(binds[3].maxconn.value, 9);
    assert_true(binds[3].accept_proxy);
    /* HAProxy 2.6 takes what is no number for 0; a word that is missing is no value. */
    assert_int_equal(binds[4].backlog.value, 0);
    assert_int_equal(binds[5].backlog.value, 0);
    assert_false(binds[6].backlog.set);
    assert_false(binds[6].accept_proxy);
    assert_true(binds[7].transparent);
}

static void test_proxy_tells_what_it_answers_itself(void **state)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    const struct cfg *cfg = parse("defaults\n monitor-uri /up\n errorfile 503 /a.http\n"
                                  "frontend f\n monitor fail if { nbsrv(a) lt 1 }\n"
                                  " monitor fail if TRUE\n"
                                  "frontend g\n monitor-uri\n monitor\n monitor fail\n"
                                  "backend a\n errorfile 502 /a.http\n"
                                  "backend b\n errorfile 503 /a.http\n"
                                  "backend c\n http-error status 503 content-type text/plain\n"
                                  "backend d\n errorloc302 503 http://x/\n"
                                  "backend e\n errorfile\n http-error status\n",
                                  arena);
    const struct cfg_proxy *f = cfg_find_proxy(cfg, CFG_FRONTEND, "f");

    (void)state;
    assert_string_equal(f->monitor_uri, "/up");
    assert_int_equal(f->monitor_fail_line, 5);
    assert_int_equal(f->error_page_line, 0);
    assert_string_equal(cfg_find_proxy(cfg, CFG_FRONTEND, "g")->monitor_uri, "/up");
    assert_int_equal(back(cfg, "a")->error_page_line, 0);
    assert_int_equal(back(cfg, "b")->error_page_line, 14);
    assert_int_equal(back(cfg, "c")->error_page_line, 16);
    assert_int_equal(back(cfg, "d")->error_page_line, 18);
    assert_int_equal(back(cfg, "e")->error_page_line, 0);
}

static void test_check_half_written_lines_are_no_trouble(void **state)
{
    static const char *const texts[] = {
        "backend a\n http-check\n",
        "backend a\n http-check send\n",
        "backend a\n http-check send hdr\n",
        "backend a\n http-check send hdr Host\n",
        "backend a\n http-check send meth\n",
        "backend a\n http-check expect\n",
        "backend a\n http-check expect !\n",
        "backend a\n http-check expect status\n",
        "backend a\n option\n",
        "backend a\n timeout\n",
        "backend a\n timeout check\n",
        "backend a\n timeout check x\n",
        "backend a\n timeout check 99999999999999999999s\n",
        "backend a\n source\n",
        "backend a\n source :\n",
        "backend a\n server s 10.0.0.1:80 source\n",
        "backend a\n server s 10.0.0.1:80 source [\n",
        "backend a\n server s 10.0.0.1:80 source ipv4@\n",
        "backend a\n server s 10.0.0.1:80 addr\n",
        "backend a\n server s 10.0.0.1:80 inter\n",
        "backend a\n server s 10.0.0.1:80 check sni\n",
        "backend a\n server s 10.0.0.1:80 no-such-word-yet addr\n",
        "backend a\n option httpchk GET / HTTP/1.1\\r\\n\n",
        "backend a\n option httpchk GET / \\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arena *arena CLEANUP_ARENA = arena_new();
        const struct cfg_proxy *proxy = back(parse(texts[i], arena), "a");
        bool known;
        (void)cfg_check_takes_status(&proxy->check, 200, &known);
        assert_true(cfg_check_limit_ms(&proxy->check, proxy->servers) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_option_httpchk_in_all_its_forms),
        cmocka_unit_test(test_check_send_and_expect_are_read_and_inherited),
        cmocka_unit_test(test_check_takes_the_statuses_that_haproxy_would),
        cmocka_unit_test(test_contact_of_a_server_is_its_own_and_its_defaults),
        cmocka_unit_test(test_server_is_direct_where_a_connect_of_ours_says_the_same),
        cmocka_unit_test(test_proxy_tells_where_requests_go),
        cmocka_unit_test(test_bind_parameters_count_where_they_are_ones),
        cmocka_unit_test(test_proxy_tells_what_it_answers_itself),
        cmocka_unit_test(test_check_half_written_lines_are_no_trouble),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
