/* tests/diagnosis/confusion_back: scenarios of servers that are reached and do not serve. Part of
 * confusion.c, which has the macros.
 */
#ifndef HAMEDIC_TESTS_DIAGNOSIS_CONFUSION_BACK_H
#define HAMEDIC_TESTS_DIAGNOSIS_CONFUSION_BACK_H

#include "tests/diagnosis/bench_asked.h"

static void status_agreed(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L7STS", "Service Unavailable");
    bench->rows[ROW_APP1].check_code = 503;
    bench_httpchk(bench);
    bench_asked_status(bench, "app1", 503);
}
static void status_recovered(struct bench *bench)
{
    status_agreed(bench);
    bench->asked[0].status = 200;
}
static void status_not_expected(struct bench *bench)
{
    status_agreed(bench);
    bench->rows[ROW_APP1].check_code = 404;
    bench->asked[0].status = 404;
}
static void status_while_asked_again(struct bench *bench)
{
    status_not_expected(bench);
    bench_check(bench, ROW_APP1, "DOWN", "L7STS", "");
    bench->rows[ROW_APP1].check_code = 0;
}
static void status_of_traffic(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "no check", "", "");
    bench_asked_status(bench, "app1", 502);
    bench->rows[ROW_APP1].responses_5xx = 900;
}
static void status_of_traffic_sometimes(struct bench *bench)
{
    status_of_traffic(bench);
    bench->rows[ROW_APP1].responses_2xx = 90000;
}
static void status_of_the_first_page(struct bench *bench)
{
    /* Nobody asked for "/" but us. */
    bench_check(bench, ROW_APP1, "no check", "", "");
    bench_asked_status(bench, "app1", 404);
    bench->rows[ROW_APP1].responses_5xx = 900;
}
static void status_then_gone(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L7STS", "Service Unavailable");
    bench->rows[ROW_APP1].check_code = 503;
    bench->probes[PROBE_APP1].error = ECONNREFUSED;
}
static void status_observed(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "HANA",
                "Detected 10 consecutive errors, last one was: Wrong http response");
    bench->rows[ROW_APP1].responses_5xx = 40;
}
static void observed_something(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "HANA",
                "Detected 10 consecutive errors, last one was: L4 unsuccessful connection");
}

static void answer_closed(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "SOCKERR", "");
    bench_asked(bench, "app1")->said = ASKED_CLOSED;
}
static void answer_not_asked(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L7RSP", "TCPCHK did not match content '+PONG' at step 2");
}
static void answer_called_a_timeout(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L7TOUT", "");
    bench_asked(bench, "app1")->said = ASKED_OTHER;
}
static void answer_good_now(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L7RSP", "");
    bench_httpchk(bench);
    bench_asked_status(bench, "app1", 200);
}
static void socket_trouble_of_its_own(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "SOCKERR", "Too many sockets on the process");
}

static void slow_here_too(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L7TOUT", "");
    bench_asked(bench, "app1")->said = ASKED_SILENT;
}
static void slow_answered_late(struct bench *bench)
{
    slow_here_too(bench);
    bench_httpchk(bench);
    bench->asked[0].said = ASKED_STATUS;
    bench->asked[0].status = 200;
    bench->asked[0].milliseconds = 2100;
}
static void slow_not_now(struct bench *bench)
{
    slow_answered_late(bench);
    bench->asked[0].milliseconds = 3;
}

static void tls_refused(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L6RSP", "SSL handshake failure");
}
static void tls_expired(struct bench *bench)
{
    tls_refused(bench);
    bench_asked(bench, "app1")->tls = TLS_EXPIRED;
    bench->asked[0].tls_text = "not after 2026-01-01";
}
static void tls_plain_there(struct bench *bench)
{
    tls_refused(bench);
    bench_asked(bench, "app1")->tls = TLS_PLAIN;
}
static void tls_fine_now(struct bench *bench)
{
    tls_refused(bench);
    bench_asked(bench, "app1")->tls = TLS_FINE;
}
static void tls_name_refused(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L6RSP",
                "Server presented an SSL certificate different from the expected one");
}
static void tls_other_name(struct bench *bench)
{
    tls_name_refused(bench);
    bench_asked(bench, "app1")->tls = TLS_OTHER_NAME;
    bench->asked[0].tls_text = "it names a.example, not b.example";
    bench->asked[0].wanted_by = "check-sni";
    bench->asked[0].wanted = "b.example";
}
static void tls_name_not_known(struct bench *bench)
{
    tls_name_refused(bench);
    bench_asked(bench, "app1")->tls = TLS_FINE;
}
static void tls_name_fine_now(struct bench *bench)
{
    tls_other_name(bench);
    bench->asked[0].tls = TLS_FINE;
    bench->asked[0].tls_text = NULL;
}
static void tls_not_in_the_file(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L7RSP", "");
    bench_asked(bench, "app1")->said = ASKED_TLS;
    bench->asked[0].tls = TLS_FINE;
    bench->asked[0].tls_was_a_try = true;
}
static void tls_port_asked_in_plain(struct bench *bench)
{
    /* "The plain HTTP request was sent to HTTPS port" */
    status_not_expected(bench);
    bench->rows[ROW_APP1].check_code = 400;
    bench->asked[0].status = 400;
    bench->asked[0].tls = TLS_FINE;
    bench->asked[0].tls_was_a_try = true;
}
static void tls_tried_in_vain(struct bench *bench)
{
    /* It closes plain connections, and TLS as well: that is no TLS. */
    answer_closed(bench);
    bench->asked[0].tls = TLS_REFUSED;
    bench->asked[0].tls_was_a_try = true;
}

static void differs_is_up(struct bench *bench)
{
    bench_check_port(bench, 0, 0);
    bench->probes[PROBE_APP1].error = ECONNREFUSED;
}
static void differs_is_down(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L4CON", "Connection refused");
    bench_check_port(bench, ECONNREFUSED, 0);
}
static void differs_both_refuse(struct bench *bench)
{
    differs_is_down(bench);
    bench->probes[PROBE_APP1].error = ECONNREFUSED;
}
static void differs_both_answer(struct bench *bench)
{
    bench_check_port(bench, 0, 0);
}

static void source_missing(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L4CON", "Can't bind to source address");
    bench_source(bench, EADDRNOTAVAIL);
}
static void source_missing_no_check(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "no check", "", "");
    bench->rows[ROW_APP1].connect_errors = 20;
    bench_source(bench, EADDRNOTAVAIL);
}
static void source_there(struct bench *bench)
{
    bench_source(bench, 0);
}
static void source_there_now(struct bench *bench)
{
    source_missing(bench);
    bench->sources[0].error = 0;
}

static void resolution_of_spare_slots(struct bench *bench)
{
    bench_edit(bench,
               "    server app1 10.0.0.11:8080 check maxconn 100\n"
               "    server app2 10.0.0.12:8080 check maxconn 100\n",
               "    server-template app 2 app.example:8080 check resolvers dns\n");
    bench->rows[ROW_APP2].status = "MAINT (resolution)";
}
static void resolution_of_all_slots(struct bench *bench)
{
    resolution_of_spare_slots(bench);
    bench->rows[ROW_APP1].status = "MAINT (resolution)";
}
static void agent_says_down(struct bench *bench)
{
    bench->rows[ROW_APP1].status = "DOWN (agent)";
    bench->rows[ROW_APP1].last_agent = "disk full";
}
static void drained(struct bench *bench)
{
    bench->rows[ROW_APP1].status = "DRAIN";
}
static void weight_zero(struct bench *bench)
{
    bench_edit(bench, "app2 10.0.0.12:8080 check", "app2 10.0.0.12:8080 check weight 0");
    bench->rows[ROW_APP2].status = "DRAIN";
}
static void follows_refused(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L4CON", "Connection refused");
    bench->probes[PROBE_APP1].error = ECONNREFUSED;
    bench_check(bench, ROW_WEB1, "DOWN", "L4CON", "Connection refused");
    bench->rows[ROW_WEB1].tracked = "be_api/app1";
}
static void follows_maintained(struct bench *bench)
{
    bench->rows[ROW_APP1].status = "MAINT";
    bench->rows[ROW_WEB1].status = "MAINT (via be_api/app1)";
    bench->rows[ROW_WEB1].tracked = "be_api/app1";
}

#define NO_SERVER "    server web1 10.0.0.21:80 check\n"
static void empty(struct bench *bench)
{
    bench_edit(bench, NO_SERVER, "");
    bench->rows[ROW_WEB1] = bench->rows[ROW_BE_WEB];
    bench->rows[ROW_BE_WEB].connect_errors = 3;
    bench->facts.stat_count = ROW_WEB1 + 1;
}
static void empty_answers_itself(struct bench *bench)
{
    empty(bench);
    bench_edit(bench, "\n\nbackend be_web\n",
               "\nbackend be_web\n    http-request return status 200\n");
}
static void empty_unused(struct bench *bench)
{
    empty(bench);
    bench_edit(bench, "    default_backend be_web\n", "    default_backend be_api\n");
}
static void empty_filled_at_run_time(struct bench *bench)
{
    bench_edit(bench, NO_SERVER, "");
}

static void two_faults_in_one_backend(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L4CON", "Connection refused");
    bench->probes[PROBE_APP1].error = ECONNREFUSED;
    bench_check(bench, ROW_APP2, "DOWN", "L7TOUT", "");
    bench_asked(bench, "app2")->said = ASKED_SILENT;
}

#define SCENARIOS_BACK                                                                             \
    {"L7STS, the same here", status_agreed, {PROVEN("backend-http-status")}},                      \
        {"L7STS, well by now", status_recovered, {POSSIBLE("backend-http-status")}},               \
        {"L7STS 404", status_not_expected, {PROVEN("backend-http-status")}},                       \
        {"L7STS, the code gone", status_while_asked_again, {PROVEN("backend-http-status")}},       \
        {"no check, 5xx in the traffic", status_of_traffic, {PROVEN("backend-http-status")}},      \
        {"no check, 5xx now and then", status_of_traffic_sometimes, {{0}}},                        \
        {"no check, no first page", status_of_the_first_page, {{0}}},                              \
        {"L7STS, refused by now", status_then_gone, {POSSIBLE("backend-http-status")}},            \
        {"observe saw 5xx", status_observed, {PROVEN("backend-http-status")}},                     \
        {"observe saw something", observed_something, {{0}}},                                      \
        {"closed without an answer", answer_closed, {PROVEN("backend-bad-response")}},             \
        {"tcp-check not met", answer_not_asked, {PROVEN("backend-bad-response")}},                 \
        {"L7TOUT, but garbage here", answer_called_a_timeout, {PROVEN("backend-bad-response")}},   \
        {"L7RSP, well by now", answer_good_now, {POSSIBLE("backend-bad-response")}},               \
        {"SOCKERR of its own", socket_trouble_of_its_own, {{0}}},                                  \
        {"L7TOUT, silent here", slow_here_too, {PROVEN("backend-slow-check")}},                    \
        {"L7TOUT, late here", slow_answered_late, {PROVEN("backend-slow-check")}},                 \
        {"L7TOUT, well by now", slow_not_now, {POSSIBLE("backend-slow-check")}},                   \
        {"L6RSP", tls_refused, {PROVEN("backend-tls")}},                                           \
        {"L6RSP, certificate expired", tls_expired, {PROVEN("backend-tls")}},                      \
        {"L6RSP, plain text there", tls_plain_there, {PROVEN("backend-tls")}},                     \
        {"L6RSP, well by now", tls_fine_now, {POSSIBLE("backend-tls")}},                           \
        {"L6RSP, other name", tls_other_name, {PROVEN("backend-tls")}},                            \
        {"L6RSP, other name, by HAProxy's word", tls_name_not_known, {PROVEN("backend-tls")}},     \
        {"L6RSP, other name, well by now", tls_name_fine_now, {POSSIBLE("backend-tls")}},          \
        {"L7RSP, TLS there", tls_not_in_the_file, {PROVEN("backend-tls")}},                        \
        {"L7STS 400, TLS there", tls_port_asked_in_plain, {PROVEN("backend-tls")}},                \
        {"closed, TLS as well", tls_tried_in_vain, {PROVEN("backend-bad-response")}},              \
        {"UP by another port", differs_is_up, {PROVEN("check-port-differs")}},                     \
        {"DOWN by another port", differs_is_down, {PROVEN("check-port-differs")}},                 \
        {"another port, both refuse", differs_both_refuse, {PROVEN("backend-refused")}},           \
        {"another port, both answer", differs_both_answer, {{0}}},                                 \
        {"source is not here", source_missing, {PROVEN("backend-source-missing")}},                \
        {"source is not here, no check",                                                           \
         source_missing_no_check,                                                                  \
         {PROVEN("backend-source-missing")}},                                                      \
        {"source is here", source_there, {{0}}},                                                   \
        {"source is here by now", source_there_now, {POSSIBLE("backend-source-missing")}},         \
        {"template with spare slots", resolution_of_spare_slots, {{0}}},                           \
        {"template without address", resolution_of_all_slots, {PROVEN("backend-dns")}},            \
        {"agent says down", agent_says_down, {PROVEN("backend-maintenance")}},                     \
        {"drained", drained, {PROVEN("backend-maintenance")}},                                     \
        {"weight 0", weight_zero, {PROVEN("backend-maintenance")}},                                \
        {"follows a refused one", follows_refused, {PROVEN("backend-refused")}},                   \
        {"follows a maintained one", follows_maintained, {PROVEN("backend-maintenance")}},         \
        {"no server", empty, {PROVEN("backend-empty")}},                                           \
        {"no server, but a rule", empty_answers_itself, {{0}}},                                    \
        {"no server, not used", empty_unused, {{0}}},                                              \
        {"no server in the file", empty_filled_at_run_time, {{0}}},                                \
    {                                                                                              \
        "one refused, one slow", two_faults_in_one_backend,                                        \
        {                                                                                          \
            PROVEN("backend-refused"), PROVEN("backend-slow-check")                                \
        }                                                                                          \
    }

#endif
