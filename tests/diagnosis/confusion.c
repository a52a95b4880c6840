/* tests/diagnosis/confusion: every scenario against every cause. Prints the table, and says by its
 * exit status whether only the causes that a scenario was built for were found: P proven, p
 * possible, . not found; a wrong cell shows what was found and what should have been ("P!." is
 * found, and should not be).
 */
#include <stdio.h>
#include <stdlib.h>

#include "agent/diagnose/causes.h"
#include "tests/diagnosis/bench_net.h"
#include "tests/diagnosis/bench_selinux.h"
#include "tests/diagnosis/confusion_back.h"

struct expectation {
    const char *cause;
    enum finding_state state;
};
struct scenario {
    const char *name;
    void (*breaks)(struct bench *bench);
    struct expectation expected[3];
};

/* ---- the scenarios ---- */

static void nothing(struct bench *bench)
{
    (void)bench;
}

static void queue_one(struct bench *bench)
{
    bench_queue(bench, ROW_APP1, 100, 30);
}
static void queue_backend(struct bench *bench)
{
    bench_queue(bench, ROW_APP1, 100, 0);
    bench_queue(bench, ROW_APP2, 100, 0);
    bench->rows[ROW_BE_API].queue = 60;
}
static void queue_other_limit(struct bench *bench)
{
    queue_one(bench);
    bench->apps[0].maxconn.value = 400;
}
static void queue_zero(struct bench *bench)
{
    bench_queue(bench, ROW_APP1, 100, 0);
    bench_queue(bench, ROW_APP2, 100, 0);
}
static void queue_beside_room(struct bench *bench)
{
    bench_queue(bench, ROW_APP1, 100, 0);
    bench->rows[ROW_BE_API].queue = 3;
}
static void queue_all_down(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L7STS", "Service Unavailable");
    bench_check(bench, ROW_APP2, "DOWN", "L7STS", "Service Unavailable");
    bench->rows[ROW_APP1].check_code = bench->rows[ROW_APP2].check_code = 503;
    bench->rows[ROW_BE_API].queue = 9;
}

/* Both servers at work, each with as many requests behind it as an average needs. */
static void at_work(struct bench *bench)
{
    for (size_t i = ROW_APP1; i <= ROW_APP2; i++) {
        bench->rows[i].sessions_total = 5000;
        bench->rows[i].rate = 20;
    }
}
static void slow_one(struct bench *bench)
{
    at_work(bench);
    bench->rows[ROW_APP2].response_ms = 900;
}
static void slow_once(struct bench *bench)
{
    slow_one(bench);
    bench->rows[ROW_APP2].rate = bench->rows[ROW_APP2].sessions = 0;
}
static void slow_few(struct bench *bench)
{
    slow_one(bench);
    bench->rows[ROW_APP2].sessions_total = 5;
}
static void slow_both(struct bench *bench)
{
    at_work(bench);
    bench->rows[ROW_APP1].response_ms = bench->rows[ROW_APP2].response_ms = 2000;
}
static void slow_little(struct bench *bench)
{
    at_work(bench);
    bench->rows[ROW_APP1].response_ms = 2;
    bench->rows[ROW_APP2].response_ms = 90;
}
static void slow_in_the_log(struct bench *bench, int64_t average)
{
    static struct log_group servers[2];

    at_work(bench);
    bench->rows[ROW_APP1].response_ms = 3;
    bench->rows[ROW_APP2].response_ms = average;
    servers[0] = (struct log_group){.name = "app1", .backend = "be_api", .requests = 900};
    servers[0].timers[LOG_TIMER_RESPONSE] = (struct log_percentiles){900, 3, 6, 9, 20};
    servers[1] = (struct log_group){.name = "app2", .backend = "be_api", .requests = 900};
    servers[1].timers[LOG_TIMER_RESPONSE] = (struct log_percentiles){900, 3, 1500, 1600, 1700};
    bench->facts.logs.summary.servers = servers;
    bench->facts.logs.summary.server_count = 2;
}
static void slow_at_times(struct bench *bench)
{
    slow_in_the_log(bench, 90);
}
static void slow_that_a_client_wrote(struct bench *bench)
{
    slow_in_the_log(bench, 4);
}
static void slow_with_queue(struct bench *bench)
{
    queue_backend(bench);
    bench->rows[ROW_APP1].response_ms = bench->rows[ROW_APP2].response_ms = 4000;
}
static void one_slow_of_two_queues(struct bench *bench)
{
    queue_one(bench);
    bench->rows[ROW_APP1].response_ms = 1000;
}
static void early(struct bench *bench, uint64_t count, uint64_t requests)
{
    static struct log_early early;
    static struct log_group frontend;

    early = (struct log_early){
        .frontend = "fe_api",
        .bind = "1",
        .reason = "Received something which does not look like a PROXY protocol header",
        .count = count};
    frontend = (struct log_group){.name = "fe_api", .requests = requests};
    bench->facts.logs.summary.early = &early;
    bench->facts.logs.summary.early_count = 1;
    bench->facts.logs.summary.frontends = &frontend;
    bench->facts.logs.summary.frontend_count = 1;
}
static void proxy_header_missing(struct bench *bench)
{
    bench->api_bind->accept_proxy = true;
    early(bench, 80, 0);
}
static void proxy_header_missing_unread(struct bench *bench)
{
    proxy_header_missing(bench);
    bench->facts.logs.unknown = "900 of 980 lines in its log are in no format that is known";
}
static void proxy_header_scanner(struct bench *bench)
{
    bench->api_bind->accept_proxy = true;
    early(bench, 30, 4000);
}
static void proxy_header_of_another(struct bench *bench)
{
    early(bench, 80, 0); /* the log says so, the file does not */
}
static void requests_unread(struct bench *bench)
{
    bench->rows[ROW_WEB].request_errors = 500;
    bench->rows[ROW_WEB].requests_total = 501;
}
static void requests_unread_captured(struct bench *bench, enum capture_begins begins, int64_t age)
{
    static struct haproxy_capture capture;

    requests_unread(bench);
    capture = (struct haproxy_capture){.begins = begins,
                                       .proxy = "fe_web",
                                       .client = "10.9.9.9:4000",
                                       .time = "29/Nov/2026:23:22:33",
                                       .age = age,
                                       .length = 65,
                                       .position = 19};
    bench->facts.captures = &capture;
    bench->facts.capture_count = 1;
}
static void requests_unread_header(struct bench *bench)
{
    requests_unread_captured(bench, CAPTURE_PROXY, 5);
}
static void requests_unread_header_once(struct bench *bench)
{
    requests_unread_captured(bench, CAPTURE_PROXY, 90000);
}
static void requests_unread_tls(struct bench *bench)
{
    requests_unread_captured(bench, CAPTURE_TLS, 5);
}
static void header_sent_by_some(struct bench *bench)
{
    requests_unread_captured(bench, CAPTURE_PROXY, 5);
    bench->rows[ROW_WEB].requests_total = 9000;
}
static void bad_answers(struct bench *bench, int64_t count, const char *server, const char *client)
{
    static struct haproxy_capture capture;

    bench->rows[ROW_APP1].response_errors = count;
    bench->rows[ROW_APP1].sessions_total = 1000;
    capture = (struct haproxy_capture){.is_response = true,
                                       .proxy = "be_api",
                                       .other = client,
                                       .server = server,
                                       .time = "29/Nov/2026:23:22:33"};
    bench->facts.captures = &capture;
    bench->facts.capture_count = 1;
}
static void bad_answers_logged(struct bench *bench, uint64_t count)
{
    static struct log_group server;
    static struct log_fault fault;

    server = (struct log_group){.name = "app1", .backend = "be_api", .requests = 900};
    fault = (struct log_fault){
        .frontend = "fe_api", .backend = "be_api", .server = "app1", .status = 502, .count = count};
    memcpy(fault.state, "PH", 3);
    bench->facts.logs.summary.servers = &server;
    bench->facts.logs.summary.server_count = 1;
    bench->facts.logs.summary.faults = &fault;
    bench->facts.logs.summary.fault_count = 1;
}
static void bad_answers_all(struct bench *bench)
{
    bad_answers(bench, 400, "app1", "fe_api");
    bad_answers_logged(bench, 390);
}
static void bad_answers_before(struct bench *bench)
{
    bad_answers_all(bench);
    struct log_fault *fault = &bench->facts.logs.summary.faults[0];
    fault->first = (bench->facts.time - 400) * 1000;
    fault->last = (bench->facts.time - 300) * 1000;
}
static void bad_answers_no_log(struct bench *bench)
{
    bad_answers(bench, 400, "app1", "fe_api");
    bench_lose(bench, SOURCE_LOGS, SOURCE_ABSENT);
}
static void bad_answers_broken_off(struct bench *bench)
{
    bad_answers(bench, 400, "app1", "fe_api");
    bad_answers_logged(bench, 2);
}
/* None is seen in the log, of which most is not understood. */
static void bad_answers_log_unread(struct bench *bench)
{
    bad_answers_broken_off(bench);
    bench->facts.logs.unknown = "900 of 980 lines in its log are in no format that is known";
}
static void bad_answers_of_another(struct bench *bench)
{
    bad_answers(bench, 400, "app2", "fe_api");
    bad_answers_logged(bench, 390);
}
static void bad_answers_of_a_check(struct bench *bench)
{
    bad_answers(bench, 400, "app1", NULL);
    bad_answers_logged(bench, 390);
}
static void bad_answers_few(struct bench *bench)
{
    bad_answers(bench, 9, "app1", "fe_api");
    bad_answers_logged(bench, 390);
}
static void requests_unread_some(struct bench *bench)
{
    requests_unread(bench);
    bench->rows[ROW_WEB].requests_total = 9000;
}
static void send_proxy(struct bench *bench)
{
    static struct log_group server;
    static struct log_count_status status;

    bench_edit(bench, "    server app1 10.0.0.11:8080 check maxconn 100\n",
               "    server app1 10.0.0.11:8080 check maxconn 100 send-proxy\n");
    bench->rows[ROW_APP1].responses_4xx = 300;
    status = (struct log_count_status){400, 90};
    server = (struct log_group){.name = "app1",
                                .backend = "be_api",
                                .requests = 90,
                                .statuses = &status,
                                .status_count = 1};
    bench->facts.logs.summary.servers = &server;
    bench->facts.logs.summary.server_count = 1;
}
static void send_proxy_no_log(struct bench *bench)
{
    send_proxy(bench);
    bench->facts.logs.summary.server_count = 0;
}
static void send_proxy_known(struct bench *bench)
{
    send_proxy(bench);
    bench->rows[ROW_APP1].responses_2xx = 4000;
}
static void aborts(struct bench *bench)
{
    at_work(bench);
    bench->rows[ROW_APP1].server_aborts = 400;
}
static void aborts_of_long(struct bench *bench)
{
    aborts(bench);
    bench->facts.worker_started = bench->facts.time - 86400;
    bench->facts.cfg_changed = bench->facts.worker_started - 60;
}
static void aborts_logged(struct bench *bench, int64_t counted)
{
    static struct log_group server;
    static struct log_fault fault;

    at_work(bench);
    bench->rows[ROW_APP1].response_errors = counted;
    bench->facts.worker_started = bench->facts.time - 86400;
    bench->facts.cfg_changed = bench->facts.worker_started - 60;
    server = (struct log_group){.name = "app1", .backend = "be_api", .requests = 400};
    fault = (struct log_fault){.frontend = "fe_api",
                               .backend = "be_api",
                               .server = "app1",
                               .state = "SH",
                               .status = 502,
                               .count = 60,
                               .example = "app1 ... SH-- ..."};
    bench->facts.logs.summary.servers = &server;
    bench->facts.logs.summary.server_count = 1;
    bench->facts.logs.summary.faults = &fault;
    bench->facts.logs.summary.fault_count = 1;
}
static void aborts_in_the_log(struct bench *bench)
{
    aborts_logged(bench, 900);
}
static void aborts_before(struct bench *bench)
{
    aborts_in_the_log(bench);
    struct log_fault *fault = &bench->facts.logs.summary.faults[0];
    fault->first = (bench->facts.time - 400) * 1000;
    fault->last = (bench->facts.time - 300) * 1000;
}
static void aborts_now_and_then(struct bench *bench)
{
    aborts_before(bench);
    struct log_fault *fault = &bench->facts.logs.summary.faults[0];
    fault->first = (bench->facts.time - 800) * 1000;
    fault->last = (bench->facts.time - 65) * 1000;
}
static void aborts_before_the_log(struct bench *bench)
{
    static struct log_group server;

    aborts(bench);
    server = (struct log_group){.name = "app1", .backend = "be_api", .requests = 400};
    bench->facts.logs.summary.servers = &server;
    bench->facts.logs.summary.server_count = 1;
}
static void aborts_that_a_client_wrote(struct bench *bench)
{
    aborts_logged(bench, 0);
}
/* Requests to app1 that ended with sH, the last one so many seconds ago. */
static void no_answers(struct bench *bench, int64_t counted, int64_t seconds)
{
    aborts_logged(bench, counted);
    struct log_fault *fault = &bench->facts.logs.summary.faults[0];
    memcpy(fault->state, "sH", 3);
    fault->status = 504;
    bench->facts.logs.summary.last = bench->facts.time * 1000;
    fault->first = fault->last = (bench->facts.time - seconds) * 1000;
}
static void no_answers_in_time(struct bench *bench)
{
    no_answers(bench, 60, 1);
}
static void no_answers_that_a_client_wrote(struct bench *bench)
{
    no_answers(bench, 0, 1);
}
static void no_answers_before(struct bench *bench)
{
    no_answers(bench, 60, 300);
    bench_asked_status(bench, "app1", 200);
}
static void no_answers_before_nor_now(struct bench *bench)
{
    no_answers(bench, 60, 300);
    bench_asked(bench, "app1")->said = ASKED_SILENT;
}
static void no_answers_no_log(struct bench *bench)
{
    at_work(bench);
    bench->rows[ROW_APP1].response_errors = 100;
    bench->rows[ROW_APP1].sessions_total = 400;
    bench_asked(bench, "app1")->said = ASKED_SILENT;
    bench_lose(bench, SOURCE_LOGS, SOURCE_ABSENT);
}
/* The check of app1 took it out so often by HAProxy's counter, and by lines of its log. */
static void flaps(struct bench *bench, int64_t counted, uint64_t logged, int64_t seconds)
{
    static struct log_message_count said;

    bench->rows[ROW_APP1].check_downs = counted;
    said = (struct log_message_count){.kind = "server-down",
                                      .proxy = "be_api",
                                      .server = "app1",
                                      .count = logged,
                                      .first = (bench->facts.time - 600) * 1000,
                                      .last = (bench->facts.time - seconds) * 1000,
                                      .example = "Server be_api/app1 is DOWN"};
    bench->facts.logs.summary.messages = &said;
    bench->facts.logs.summary.message_count = 1;
}
static void flapping(struct bench *bench)
{
    flaps(bench, 9, 8, 5);
}
static void flapping_refused_now(struct bench *bench)
{
    flaps(bench, 9, 8, 5);
    bench_check(bench, ROW_APP1, "DOWN", "L4CON", "Connection refused");
    bench->probes[PROBE_APP1].error = ECONNREFUSED;
}
static void flapping_before(struct bench *bench)
{
    flaps(bench, 9, 8, 300);
}
static void flapping_by_a_client(struct bench *bench)
{
    flaps(bench, 0, 8, 5);
}
static void flapping_long_ago(struct bench *bench)
{
    flaps(bench, 9, 1, 5);
}
static void without_weight(struct bench *bench)
{
    bench->rows[ROW_APP1].weight = 0;
}
static void aborts_few(struct bench *bench)
{
    aborts(bench);
    bench->rows[ROW_APP1].server_aborts = 200;
}
static void cpu_idle(struct bench *bench, const char *idle, int64_t work, int64_t wait)
{
    bench_info_text(bench, "Idle_pct", idle);
    bench_info_text(bench, "Nbthread", "2");
    bench->facts.load = (struct load_facts){
        .sample_ms = 200, .work_ms = work, .wait_ms = wait, .threads = 2, .cpus = 4};
}
static void cpu_full(struct bench *bench)
{
    cpu_idle(bench, "2", 390, 5);
}
static void cpu_full_unsampled(struct bench *bench)
{
    cpu_full(bench);
    bench_lose(bench, SOURCE_LOAD, SOURCE_FAILED);
}
static void cpu_others(struct bench *bench)
{
    cpu_idle(bench, "5", 90, 300);
}
static void cpu_of_hamedic(struct bench *bench)
{
    cpu_others(bench);
    bench->facts.load.own_ms = 1000; /* of four processors */
}
static void cpu_sample_idle(struct bench *bench)
{
    cpu_idle(bench, "4", 60, 20);
}
static void cpu_cheap(struct bench *bench)
{
    cpu_idle(bench, "60", 390, 5);
}
static void memory_failed(struct bench *bench)
{
    bench_info_text(bench, "PoolFailed", "31");
    bench_info_text(bench, "Memmax_MB", "64");
}
static void memory_failed_unlimited(struct bench *bench)
{
    bench_info_text(bench, "PoolFailed", "31");
    bench_info_text(bench, "Memmax_MB", "0");
}
static void memory_limited(struct bench *bench)
{
    bench_info_text(bench, "PoolFailed", "0");
    bench_info_text(bench, "Memmax_MB", "64");
    bench->facts.load.memory_process_limit_kib = 64 * 1024;
}
static void memory_stuck(struct bench *bench)
{
    bench_lose(bench, SOURCE_STATS, SOURCE_FAILED);
    bench->facts.load.memory_process_limit_kib = 64 * 1024;
    bench->facts.load.memory_process_kib = 63 * 1024;
}
static void memory_silent(struct bench *bench)
{
    memory_stuck(bench);
    bench->facts.load.memory_process_kib = 30 * 1024;
}
static void memory_group_full(struct bench *bench)
{
    bench->facts.worker_memory_kib = 900 * 1024;
    bench->facts.load.memory_group_kib = 1020 * 1024;
    bench->facts.load.memory_group_limit_kib = 1024 * 1024;
}
static void memory_group_cache(struct bench *bench)
{
    memory_group_full(bench);
    bench->facts.worker_memory_kib = 80 * 1024;
}
static void memory_killed(struct bench *bench)
{
    bench->haproxy.running = false;
    bench->haproxy.worker = bench->haproxy.master = 0;
    bench_lose(bench, SOURCE_STATS, SOURCE_ABSENT);
    bench_lose(bench, SOURCE_LOAD, SOURCE_ABSENT);
    bench->facts.systemd_unit.active_state = "failed";
    bench->facts.systemd_unit.result = "oom-kill";
}

static void global_full(struct bench *bench)
{
    bench_info(bench, FIELD_CURRENT, "CurrConns", 1000);
    bench_full_frontend(bench, ROW_WEB, LISTENER_80, 120);
}
/* 700 of the 1000 connections are at web1, the only server of its backend. */
static void global_full_at(struct bench *bench, int64_t response_ms)
{
    global_full(bench);
    bench->rows[ROW_WEB1].sessions = 700;
    bench->rows[ROW_WEB1].sessions_total = 9000;
    bench->rows[ROW_WEB1].response_ms = response_ms;
}
static void global_full_of_slow(struct bench *bench)
{
    global_full_at(bench, 8000);
}
static void global_full_of_quick(struct bench *bench)
{
    global_full_at(bench, 900);
}
static void global_full_beside_slow(struct bench *bench)
{
    global_full_at(bench, 8000);
    bench->rows[ROW_WEB1].sessions = 100;
}
static void frontend_full_of_slow(struct bench *bench)
{
    bench_full_frontend(bench, ROW_API, LISTENER_8443, 90);
    bench_queue(bench, ROW_APP1, 100, 150);
    bench_queue(bench, ROW_APP2, 100, 150);
    bench->rows[ROW_APP1].response_ms = bench->rows[ROW_APP2].response_ms = 4000;
}
static void frontend_full_of_anothers(struct bench *bench)
{
    bench_full_frontend(bench, ROW_API, LISTENER_8443, 90);
    bench->rows[ROW_WEB1].sessions = 700;
    bench->rows[ROW_WEB1].sessions_total = 9000;
    bench->rows[ROW_WEB1].response_ms = 8000;
}
static void frontend_full_of_queue(struct bench *bench)
{
    bench_full_frontend(bench, ROW_API, LISTENER_8443, 90);
    bench_queue(bench, ROW_APP1, 100, 150);
    bench_queue(bench, ROW_APP2, 100, 150);
}
static void global_full_no_sockets(struct bench *bench)
{
    global_full(bench);
    bench_lose(bench, SOURCE_SOCKETS, SOURCE_FAILED);
}
static void global_full_reached(struct bench *bench)
{
    global_full_no_sockets(bench);
    bench_info(bench, FIELD_REACHED, "MaxconnReached", 5);
}
static void global_was_full(struct bench *bench)
{
    bench_info(bench, FIELD_REACHED, "MaxconnReached", 5);
}
static void global_full_nobody_waits(struct bench *bench)
{
    bench_info(bench, FIELD_CURRENT, "CurrConns", 1000);
    bench->rows[ROW_WEB].sessions = 1000;
}
static void frontend_full(struct bench *bench)
{
    bench_full_frontend(bench, ROW_API, LISTENER_8443, 80);
}
static void frontend_full_nobody_waits(struct bench *bench)
{
    bench_full_frontend(bench, ROW_API, LISTENER_8443, 0);
}
static void frontend_full_no_sockets(struct bench *bench)
{
    frontend_full(bench);
    bench_lose(bench, SOURCE_SOCKETS, SOURCE_FAILED);
}
static void frontend_slow_accept(struct bench *bench)
{
    bench->listeners[LISTENER_8443].queue = 80;
}

static void refused(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L4CON", "Connection refused");
    bench_check(bench, ROW_APP2, "DOWN", "L4CON",
                "ECONNREFUSED returned by OS (Connection refused)");
    bench->probes[PROBE_APP1].error = bench->probes[PROBE_APP2].error = ECONNREFUSED;
}
static void refused_not_here(struct bench *bench)
{
    refused(bench);
    bench->probes[PROBE_APP1].error = bench->probes[PROBE_APP2].error = 0;
}
static void refused_no_probe(struct bench *bench)
{
    refused(bench);
    bench_lose(bench, SOURCE_PROBE, SOURCE_FAILED);
}
static void refused_no_check(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "no check", "", "");
    bench->probes[PROBE_APP1].error = ECONNREFUSED;
}
static void refused_no_check_counted(struct bench *bench)
{
    refused_no_check(bench);
    bench->rows[ROW_APP1].connect_errors = 12;
}
static void denied(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L4CON", "General socket error (Permission denied)");
    bench_check(bench, ROW_APP2, "DOWN", "L4CON", "General socket error (Permission denied)");
}
static void deny_rule(struct bench *bench)
{
    /* 503s that HAProxy was told to send: all that is seen of them here is traffic. */
    bench->rows[ROW_WEB].sessions = 300;
}
static void server_says_503(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L7STS", "Service Unavailable");
    bench->rows[ROW_APP1].check_code = 503;
}
static void loopback_only(struct bench *bench)
{
    bench_check(bench, ROW_WEB1, "DOWN", "L4CON", "Connection refused");
    bench->rows[ROW_WEB1].address = "10.0.0.5:9000";
    bench->web1->address = "10.0.0.5";
    bench->web1->port = 9000;
    bench->probes[PROBE_WEB1] = (struct probe){"10.0.0.5", 9000, ECONNREFUSED, 90, NULL};
    bench->listeners[LISTENER_SPARE] = bench_listener("127.0.0.1", 9000, 0, 128, 9);
    bench->facts.sockets.listener_count = LISTENER_ROOM;
}
static void timeout(struct bench *bench)
{
    bench_check(bench, ROW_APP2, "DOWN", "L4TOUT", "");
    bench->probes[PROBE_APP2].error = ETIMEDOUT;
}
static void timeout_of_the_kernel(struct bench *bench)
{
    bench_check(bench, ROW_APP2, "DOWN", "L4CON", "General socket error (Connection timed out)");
    bench->probes[PROBE_APP2].error = ETIMEDOUT;
}
static void reset(struct bench *bench)
{
    bench_check(bench, ROW_APP2, "DOWN", "L4CON",
                "General socket error (Connection reset by peer)");
}
static void server_says_refused(struct bench *bench)
{
    /* These words are the server's own answer. */
    bench_check(bench, ROW_APP2, "DOWN", "L7STS", "Connection refused");
}
static void slow_check(struct bench *bench)
{
    bench_check(bench, ROW_APP2, "DOWN", "L7TOUT", "");
}
static void no_route(struct bench *bench)
{
    bench_check(bench, ROW_APP2, "DOWN", "L4CON", "General socket error (No route to host)");
    bench->probes[PROBE_APP2].error = EHOSTUNREACH;
}
static void no_neighbour(struct bench *bench)
{
    timeout(bench);
    bench->probes[PROBE_APP2].error = EHOSTUNREACH;
}
static void maintenance(struct bench *bench)
{
    bench->rows[ROW_WEB1].status = "MAINT";
}
static void resolution(struct bench *bench)
{
    bench->rows[ROW_WEB1].status = "MAINT (resolution)";
}
static void maintenance_after_refusal(struct bench *bench)
{
    refused(bench);
    bench->rows[ROW_APP1].status = bench->rows[ROW_APP2].status = "MAINT";
}

static void ports_used_up(struct bench *bench)
{
    bench_check(bench, ROW_APP1, "DOWN", "L4CON",
                "Out of local source ports on the system (Cannot assign requested address)");
    bench->probes[PROBE_APP1].error = EADDRNOTAVAIL;
    bench->destinations[DEST_APP1].total = 28230;
}
static void ports_wrong_source(struct bench *bench)
{
    ports_used_up(bench);
    bench->probes[PROBE_APP1].error = 0;
    bench->destinations[DEST_APP1].total = 12;
}
static void ports_nearly_used_up(struct bench *bench)
{
    bench->destinations[DEST_APP1].total = 27500;
}
static void ports_all_held(struct bench *bench)
{
    bench->destinations[DEST_APP1].total = 28231;
    bench->rows[ROW_APP1].connect_errors = 300;
}
static void ports_spread(struct bench *bench)
{
    /* Many sockets, but not to one server. */
    for (size_t i = 0; i < DEST_COUNT; i++)
        bench->destinations[i].total = 20000;
}

static void overlap(struct bench *bench)
{
    bench->sysctls[SYSCTL_RANGE].running = "1024 65535";
}
static void overlap_reserved(struct bench *bench)
{
    overlap(bench);
    bench->sysctls[SYSCTL_RESERVED].running = "8000-9000";
}
static void overlap_at_boot(struct bench *bench)
{
    bench->sysctls[SYSCTL_RANGE].boot.value = "1024 65535";
    bench->sysctls[SYSCTL_RANGE].boot.file = "/etc/sysctl.d/99-haproxy.conf";
}
static void over_budget(struct bench *bench)
{
    bench->cfg->global.maxconn.value = 100000;
    bench->facts.budget.maxconn = 100000;
    bench->facts.budget.need = 200040;
}
static void auto_maxconn(struct bench *bench)
{
    over_budget(bench);
    bench->cfg->global.maxconn.set = false;
}
static void no_socket(struct bench *bench)
{
    bench->cfg->global.stats_socket_count = 0;
    bench_lose(bench, SOURCE_STATS, SOURCE_ABSENT);
}
static void operator_socket(struct bench *bench)
{
    bench->socket->level = "operator";
}
static void silent_socket(struct bench *bench)
{
    bench_lose(bench, SOURCE_STATS, SOURCE_FAILED);
}

static void descriptors_used_up(struct bench *bench)
{
    /* no strict-limits: it started with less than its maxconn needs */
    bench_descriptors(bench, 1024, 1020);
    bench_info(bench, FIELD_CURRENT, "CurrConns", 480);
}
static void descriptors_no_systemd(struct bench *bench)
{
    /* No unit can give it more: what is left is a lower maxconn. */
    descriptors_used_up(bench);
    bench->haproxy.by_systemd = false;
}
static void descriptors_lowered(struct bench *bench)
{
    bench->haproxy.worker_limit_soft = 1024;
    bench->facts.open_descriptors = 1018;
    bench_info(bench, FIELD_CURRENT, "CurrConns", 480);
}
static void descriptors_by_maxconn(struct bench *bench)
{
    bench_descriptors(bench, 2040, 2035);
    bench_info(bench, FIELD_CURRENT, "CurrConns", 998);
}
static void descriptors_of_many(struct bench *bench)
{
    bench_descriptors(bench, 20000, 1900);
    bench_info(bench, FIELD_CURRENT, "CurrConns", 900);
}
static void descriptors_mute(struct bench *bench)
{
    descriptors_lowered(bench);
    bench_lose(bench, SOURCE_STATS, SOURCE_FAILED);
}
static void descriptors_no_stats(struct bench *bench)
{
    descriptors_lowered(bench);
    bench_lose(bench, SOURCE_STATS, SOURCE_ABSENT);
}
static void limit_not_loaded(struct bench *bench)
{
    bench_unit_limit(bench, 50000);
}
static void limit_raised_by_itself(struct bench *bench)
{
    bench_unit_limit(bench, 10000);
}
static void limit_with_capability(struct bench *bench)
{
    bench_unit_limit(bench, 50000);
    bench->haproxy.can_raise_limit = true;
}
static void limit_above_nr_open(struct bench *bench)
{
    bench_unit_limit(bench, UINT64_MAX);
    bench_descriptors(bench, 1048576, 80);
}
static void limit_of_another_start(struct bench *bench)
{
    bench_unit_limit(bench, 50000);
    bench->haproxy.by_systemd = false;
}
static void limit_pending_and_needed(struct bench *bench)
{
    /* The drop-in is there, and what was edited needs it. */
    bench_unit_limit(bench, 50000);
    bench_edited(bench, 20000);
    bench->facts.master.failed_reloads = bench->facts.told_failures = 1;
}

static void reload_failed(struct bench *bench)
{
    bench_edited(bench, 2000);
    bench->facts.master.failed_reloads = bench->facts.told_failures = 2;
}
static void reload_failed_over_budget(struct bench *bench)
{
    bench_edited(bench, 100000);
    bench->facts.master.failed_reloads = bench->facts.told_failures = 1;
}
static void reload_failed_by_status(struct bench *bench)
{
    bench_edited(bench, 2000);
    bench_lose(bench, SOURCE_MASTER, SOURCE_ABSENT);
    bench->facts.told_failures = -1;
    bench->facts.systemd_unit.status_text = "Reload failed!";
}
static void reload_failed_unseen(struct bench *bench)
{
    bench_edited(bench, 2000);
    bench_lose(bench, SOURCE_MASTER, SOURCE_ABSENT);
    bench->facts.told_failures = -1;
}
static void reload_failed_old_version(struct bench *bench)
{
    /* 2.4: nothing is counted, the worker stands among the old ones. */
    bench_edited(bench, 2000);
    bench->facts.told_failures = -1;
    bench->facts.master = (struct haproxy_proc){.failed_reloads = -1, .reloads = 3};
}
static void edited_not_reloaded(struct bench *bench)
{
    bench_edited(bench, 2000);
    bench->facts.systemd_unit.status_text = "Ready.";
}
static void edited_over_budget(struct bench *bench)
{
    bench_edited(bench, 100000);
    bench->facts.systemd_unit.status_text = "Ready.";
}
static void reload_failed_put_back(struct bench *bench)
{
    bench->facts.master.failed_reloads = 1;
    bench->facts.told_failures = -1;
}
static void reload_and_tree(struct bench *bench)
{
    reload_failed(bench);
    bench_tree(bench);
}

#define FILE_50  "/etc/sysctl.d/50-haproxy.conf"
#define FILE_99  "/etc/sysctl.d/99-sysctl.conf"
#define FILE_OWN "/etc/sysctl.d/99-hamedic.conf"
static void overridden_with(struct bench *bench, const char *running, bool loser_ours,
                            bool winner_ours)
{
    bench->sysctls[SYSCTL_SOMAXCONN].running = running;
    bench_two_files(
        bench, SYSCTL_SOMAXCONN,
        (struct sysctl_boot_fact){"16384", loser_ours ? FILE_50 : "/etc/sysctl.d/10-x.conf", 3,
                                  loser_ours, false},
        (struct sysctl_boot_fact){"1024", winner_ours ? FILE_OWN : FILE_99, 7, winner_ours, false});
}
static void overridden_for_haproxy(struct bench *bench)
{
    overridden_with(bench, "1024", true, false);
}
static void overridden_but_runs(struct bench *bench)
{
    overridden_with(bench, "16384", false, false);
    bench->sysctls[SYSCTL_SOMAXCONN].follows_boot = true;
}
static void overridden_by_nobody_knows(struct bench *bench)
{
    overridden_with(bench, "1024", false, false);
}
static void overridden_by_hamedic(struct bench *bench)
{
    overridden_with(bench, "1024", false, true);
}
static void overridden_same_value(struct bench *bench)
{
    overridden_with(bench, "16384", true, false);
    bench->sysctls[SYSCTL_SOMAXCONN].boot.value = "16384";
}
static void overridden_elsewhere(struct bench *bench)
{
    overridden_for_haproxy(bench);
    bench->haproxy.same_network = false;
}
static void changed_by_hand(struct bench *bench)
{
    bench->sysctls[SYSCTL_SOMAXCONN].running = "8192";
    bench->sysctls[SYSCTL_SOMAXCONN].follows_boot = true;
}
static void changed_since_file(struct bench *bench)
{
    changed_by_hand(bench);
    bench->sysctls[SYSCTL_SOMAXCONN].boot =
        (struct sysctl_boot_fact){"1024", FILE_50, 3, true, false};
}
static void file_not_loaded(struct bench *bench)
{
    changed_since_file(bench);
    bench->sysctls[SYSCTL_SOMAXCONN].boot.since_boot = true;
}
static void changed_in_a_container(struct bench *bench)
{
    changed_by_hand(bench);
    bench->sysctls[SYSCTL_SOMAXCONN].follows_boot = false;
}
static void changed_elsewhere(struct bench *bench)
{
    changed_by_hand(bench);
    bench->haproxy.same_network = false;
}
static void changed_unknown_default(struct bench *bench)
{
    bench->sysctls[SYSCTL_NR_OPEN].running = "2000000";
    bench->sysctls[SYSCTL_NR_OPEN].follows_boot = true;
}
static void changed_only_blanks(struct bench *bench)
{
    bench->sysctls[SYSCTL_RANGE].follows_boot = true;
    bench->sysctls[SYSCTL_RANGE].kernel_default = "32768 60999";
    bench->sysctls[SYSCTL_RESERVED].follows_boot = true;
    bench->sysctls[SYSCTL_RESERVED].running = "9000-9001";
    bench->sysctls[SYSCTL_RESERVED].boot =
        (struct sysctl_boot_fact){"9001,9000", FILE_50, 1, true, false};
}

static void stopped(struct bench *bench)
{
    bench_stop(bench);
}
static void was_a_person(struct bench *bench)
{
    bench->facts.systemd_unit.active_state = "inactive";
    bench->facts.systemd_unit.result = "success";
}
static void stopped_elsewhere(struct bench *bench)
{
    stopped(bench);
    bench->facts.systemd_unit.active_state = "active";
    bench->facts.sockets.listener_count = 2;
}
static void processes_unread(struct bench *bench)
{
    stopped(bench);
    bench_lose(bench, SOURCE_PROCESS, SOURCE_FAILED);
}
static void not_installed(struct bench *bench)
{
    stopped(bench);
    bench->haproxy.program = NULL;
    bench->facts.systemd_unit.loaded = false;
    bench_lose(bench, SOURCE_CONFIG, SOURCE_ABSENT);
    bench_lose(bench, SOURCE_CHECK, SOURCE_ABSENT);
}
static void invalid(struct bench *bench)
{
    bench->facts.check.exit_code = 1;
    bench->facts.check.output = span_of(
        "[ALERT]    (1) : config : parsing [/etc/haproxy/haproxy.cfg:7] : unknown keyword\n");
}
static void no_listener(struct bench *bench)
{
    bench->facts.check.exit_code = 2;
}
static void invalid_to_us(struct bench *bench)
{
    bench_lose(bench, SOURCE_CHECK, SOURCE_FAILED);
    bench->facts.cfg = NULL;
    bench->facts.sources[SOURCE_CONFIG].state = SOURCE_FAILED;
    bench->facts.cfg_error = "/etc/haproxy/haproxy.cfg:7: a quote is not closed";
}
static void invalid_and_stopped(struct bench *bench)
{
    stopped(bench);
    invalid(bench);
}
static void invalid_and_stopped_by_a_person(struct bench *bench)
{
    invalid_and_stopped(bench);
    was_a_person(bench);
}
static void invalid_and_killed(struct bench *bench)
{
    invalid_and_stopped(bench);
    bench->facts.systemd_unit.result = "signal";
}
/* ---- a port that it wants and does not get ---- */

#define SAID_8443(why)                                                                             \
    "[ALERT]    (900) : Binding [/etc/haproxy/haproxy.cfg:16] for frontend fe_api: cannot bind "   \
    "socket (" why ") for [0.0.0.0:8443]"

/* The reload that was to bring port 8443 failed. */
static void unbound(struct bench *bench)
{
    bench_unbound(bench);
    bench_edited(bench, 1000);
    bench->facts.master.failed_reloads = bench->facts.told_failures = 1;
}
static void taken(struct bench *bench)
{
    unbound(bench);
    bench_take(bench, (struct port_owner){7, 4711, "nginx", "/usr/sbin/nginx", false});
}
static void taken_and_said(struct bench *bench)
{
    taken(bench);
    bench_say(bench, "[NOTICE]   (900) : Reloading HAProxy");
    bench_say(bench, SAID_8443("Address already in use"));
    bench_say(bench, "[WARNING]  (900) : Loading failure!");
}
static void taken_unseen(struct bench *bench)
{
    taken_and_said(bench);
    bench->port_listeners[1].owner.pid = 0;
    bench_stop(bench);
}
static void taken_and_stopped(struct bench *bench)
{
    taken(bench);
    bench_stop(bench);
}
static void taken_and_stopped_by_a_person(struct bench *bench)
{
    taken_and_stopped(bench);
    was_a_person(bench);
}
static void taken_elsewhere(struct bench *bench)
{
    /* Another program, the same port, another address. */
    bench_edit(bench, "bind *:8443", "bind 10.0.0.5:8443");
    bench->port_listeners[1].address = "10.0.0.5";
    bench->port_listeners[2] =
        (struct port_listener){8443, "10.0.0.6", {7, 4711, "nginx", "/usr/sbin/nginx", false}};
    bench->facts.ports.listener_count = 3;
}
static void taken_by_an_old_worker(struct bench *bench)
{
    bench->port_listeners[1].owner.pid = 850;
}
static void unseen_listeners(struct bench *bench)
{
    /* Not root: whose they are is not known. */
    bench->facts.ports.complete = false;
    bench->port_listeners[0].owner = (struct port_owner){.inode = 1};
    bench->port_listeners[1].owner = (struct port_owner){.inode = 2};
}
static void said_long_ago(struct bench *bench)
{
    bench_say(bench, "[NOTICE]   (900) : Reloading HAProxy");
    bench_say(bench, SAID_8443("Address already in use"));
    bench_say(bench, "[WARNING]  (900) : Loading failure!");
    bench_say(bench, "[NOTICE]   (900) : Reloading HAProxy");
    bench_say(bench, "[NOTICE]   (900) : Loading success.");
}
static void clash(struct bench *bench)
{
    unbound(bench);
    bench->sysctls[SYSCTL_RANGE].running = "1024\t60999";
    bench_hold(bench);
}
static void clash_untried(struct bench *bench)
{
    clash(bench);
    bench->facts.master.failed_reloads = bench->facts.told_failures = 0;
}
static void clash_gone(struct bench *bench)
{
    clash(bench);
    bench->facts.ports.holds.count = 0;
    bench_say(bench, SAID_8443("Address already in use"));
}
static void privilege(struct bench *bench)
{
    /* Port 80, and a master that was not started as root. */
    bench->facts.ports.listeners = &bench->port_listeners[1];
    bench->facts.ports.listener_count = 1;
    bench->facts.capabilities = 0;
    bench->haproxy.uid = 65534;
    bench->facts.master.failed_reloads = bench->facts.told_failures = 1;
    bench_edited(bench, 1000);
}
static void privilege_had(struct bench *bench)
{
    privilege(bench);
    bench->facts.capabilities = UINT64_C(1) << 10;
}
static void privilege_of_a_unit(struct bench *bench)
{
    privilege(bench);
    bench_stop(bench);
    bench->facts.unit.user = "www-data";
    bench_say(bench, "[ALERT]    (900) : Starting frontend fe_web: cannot bind socket (Permission "
                     "denied) [0.0.0.0:80]");
}

/* ---- what was told to stop ---- */

static void frontend_paused(struct bench *bench)
{
    bench->rows[ROW_API].status = "PAUSED";
    bench_unbound(bench);
}
static void frontend_paused_yet_listening(struct bench *bench)
{
    bench->rows[ROW_API].status = "PAUSED";
}
static void frontend_disabled(struct bench *bench)
{
    bench_edit(bench, "    bind *:8443\n", "    bind *:8443\n    disabled\n");
    bench_unbound(bench);
    bench->rows[ROW_API] = bench->rows[ROW_WEB];
}
static void rate_reached(struct bench *bench)
{
    bench->rows[ROW_API].rate_limit = bench->rows[ROW_API].rate = 50;
    bench->listeners[LISTENER_8443].queue = 9;
}
static void rate_reached_nobody_waits(struct bench *bench)
{
    rate_reached(bench);
    bench->listeners[LISTENER_8443].queue = 0;
}
static void rate_below(struct bench *bench)
{
    rate_reached(bench);
    bench->rows[ROW_API].rate = 20;
}
static pid_t old_pids[5] = {801, 802, 803, 804, 805};
static void old_many(struct bench *bench)
{
    bench->haproxy.old_workers = old_pids;
    bench->haproxy.old_worker_count = 5;
}
static void old_one_for_long(struct bench *bench)
{
    old_many(bench);
    bench->haproxy.old_worker_count = 1;
}
static void old_one_just_now(struct bench *bench)
{
    old_one_for_long(bench);
    bench->facts.worker_started = bench->facts.time - 5;
    bench->facts.cfg_changed = bench->facts.time - 9;
}
static struct sysctl_fact with_file_nr[SYSCTL_COUNT + 1];
static void file_nr(struct bench *bench, const char *value)
{
    memcpy(with_file_nr, bench->sysctls, sizeof bench->sysctls);
    with_file_nr[SYSCTL_COUNT] = (struct sysctl_fact){.key = "fs.file-nr", .running = value};
    bench->facts.sysctls = with_file_nr;
    bench->facts.sysctl_count = SYSCTL_COUNT + 1;
}
#define SAID_SYSTEM                                                                                \
    "Proxy fe_web reached system FD limit (maxsock=2040). Please check system tunables."
static void files_gone(struct bench *bench)
{
    file_nr(bench, "99500\t0\t100000");
    bench_say(bench, SAID_SYSTEM);
}
static void files_gone_unsaid(struct bench *bench)
{
    file_nr(bench, "99500\t0\t100000");
}
static void files_gone_before(struct bench *bench)
{
    file_nr(bench, "1184\t0\t9223372036854775807");
    bench_say(bench, SAID_SYSTEM);
}
static void files_there(struct bench *bench)
{
    file_nr(bench, "1184\t0\t9223372036854775807");
}
static void killed(struct bench *bench)
{
    bench_stop(bench);
    bench->facts.systemd_unit.exit_code = 1; /* CLD_EXITED */
    bench->facts.systemd_unit.exit_status = 137;
    bench_say(bench, "[ALERT]    (900) : Current worker (901) exited with code 137 (Killed)");
}

/* ---- errors that HAProxy answers itself ---- */

static struct log_fault own_answer;
static struct log_group web_log;
static void answered(struct bench *bench, const char *backend, const char *state, int32_t status)
{
    own_answer = (struct log_fault){.frontend = "fe_web",
                                    .backend = backend,
                                    .server = "<NOSRV>",
                                    .status = status,
                                    .server_kind = LOG_SERVER_NONE,
                                    .count = 40};
    (void)snprintf(own_answer.state, sizeof own_answer.state, "%s", state);
    web_log = (struct log_group){.name = "fe_web", .requests = 100};
    bench->facts.logs.summary.faults = &own_answer;
    bench->facts.logs.summary.fault_count = 1;
    bench->facts.logs.summary.frontends = &web_log;
    bench->facts.logs.summary.frontend_count = 1;
    bench->rows[ROW_WEB].responses_5xx = 40;
}
static void unmatched(struct bench *bench)
{
    bench_edit(bench, "    default_backend be_web\n", "");
    answered(bench, "fe_web", "SC", 503);
}
static void unmatched_with_default(struct bench *bench)
{
    answered(bench, "fe_web", "SC", 503);
}
static void unmatched_but_chosen(struct bench *bench)
{
    bench_edit(bench, "    default_backend be_web\n", "");
    answered(bench, "be_web", "SC", 503);
}
static void ruled(struct bench *bench)
{
    bench_edit(bench, "    bind *:80\n",
               "    bind *:80\n    http-request deny deny_status 503 if { path /x }\n");
    answered(bench, "fe_web", "PR", 503);
}
static void ruled_elsewhere(struct bench *bench)
{
    /* The rule is another frontend's. */
    bench_edit(bench, "    bind *:8443\n",
               "    bind *:8443\n    http-request deny deny_status 503\n");
    answered(bench, "fe_web", "PR", 503);
}
static void ruled_with_403(struct bench *bench)
{
    ruled(bench);
    own_answer.status = 403;
}

static void tree_with_all(struct bench *bench)
{
    /* What only a running host could show MUST NOT be told of a tree. */
    refused(bench);
    over_budget(bench);
    overlap_at_boot(bench);
    bench->cfg->global.stats_socket_count = 0;
    bench_tree(bench);
}
static void tree_healthy(struct bench *bench)
{
    bench_tree(bench);
}

static void selinux_healthy(struct bench *bench)
{
    bench_selinux(bench);
}
static void selinux_connect(struct bench *bench)
{
    bench_denied_servers(bench);
    bench_denial(bench, "name_connect", 8080);
}
static void selinux_connect_no_log(struct bench *bench)
{
    bench_denied_servers(bench);
    bench_lose(bench, SOURCE_AUDIT, SOURCE_ABSENT);
}
static void selinux_connect_permissive(struct bench *bench)
{
    selinux_connect(bench);
    bench->facts.selinux.mode = SELINUX_PERMISSIVE;
}
static void selinux_connect_permissive_domain(struct bench *bench)
{
    selinux_connect(bench);
    bench->facts.selinux.domain_permissive = true;
}
static void selinux_connect_allowed_now(struct bench *bench)
{
    selinux_connect(bench);
    bench_port_fact(bench, "tcp", 8080)->allowed = SELINUX_CONNECT;
}
static void selinux_connect_unasked(struct bench *bench)
{
    selinux_connect(bench);
    bench->facts.selinux =
        (struct selinux_facts){.mode = SELINUX_ENFORCING, .unasked = "no libsepol"};
}
static void selinux_connect_down_too(struct bench *bench)
{
    selinux_connect(bench);
    bench->probes[PROBE_APP1].error = bench->probes[PROBE_APP2].error = ECONNREFUSED;
}
static void refused_after_a_denial(struct bench *bench)
{
    refused(bench);
    bench_selinux(bench);
    bench_denial(bench, "name_connect", 8080);
}
static void unchecked_server_denied(struct bench *bench)
{
    bench_selinux(bench);
    bench_forbid(bench, "tcp", 8080, "unreserved_port_t");
    bench_check(bench, ROW_APP1, "no check", "", "");
    bench->rows[ROW_APP1].connect_errors = 12;
}
static void unchecked_server_let_through(struct bench *bench)
{
    unchecked_server_denied(bench);
    bench->rows[ROW_APP1].connect_errors = 0;
    bench_denial(bench, "name_connect", 8080)->permissive = true;
    bench_denial(bench, "name_connect", 8080)->source_type = "user_t";
    bench_denial(bench, "name_connect", 8080)->object = "udp_socket";
    bench_denial(bench, "name_bind", 8080);
}
static void selinux_bind_stopped(struct bench *bench)
{
    bench_denied_bind(bench);
    bench_stop(bench);
    bench_denial(bench, "name_bind", 8443);
}
static void selinux_bind_stopped_no_log(struct bench *bench)
{
    bench_denied_bind(bench);
    bench_stop(bench);
    bench_lose(bench, SOURCE_AUDIT, SOURCE_ABSENT);
}
static void selinux_bind_stopped_by_a_person(struct bench *bench)
{
    selinux_bind_stopped(bench);
    was_a_person(bench);
}
static void selinux_bind_reload(struct bench *bench)
{
    bench_denied_bind(bench);
    bench_denial(bench, "name_bind", 8443);
}
static void selinux_bind_untried(struct bench *bench)
{
    bench_denied_bind(bench);
    bench_denial(bench, "name_connect", 8443);
    bench_denial(bench, "name_bind", 8443)->permissive = true;
}
static void selinux_bind_not_asked(struct bench *bench)
{
    selinux_bind_untried(bench);
    bench->sysctls[SYSCTL_RANGE].running = "8443 60999";
    bench->sysctls[SYSCTL_RESERVED].running = "8443";
}
static void selinux_bind_listened(struct bench *bench)
{
    bench_selinux(bench);
    bench_forbid(bench, "tcp", 8443, "unreserved_port_t");
    bench_denial(bench, "name_bind", 8443);
}
static void selinux_unix_socket(struct bench *bench)
{
    bench_selinux(bench);
    bench_stop(bench);
    bench_denial(bench, "dac_override", 0)->object = "capability";
    bench_denial(bench, "create", 0)->object = "sock_file";
}
static void selinux_boolean_on(struct bench *bench)
{
    bench_selinux(bench);
    bench->facts.selinux.booleans[0].running = true;
}
static void selinux_other_boolean_on(struct bench *bench)
{
    bench_selinux(bench);
    bench->facts.selinux.booleans[0] =
        (struct selinux_boolean_fact){"nis_enabled", true, false, 120};
}
static void selinux_store(struct bench *bench)
{
    bench_selinux(bench);
    bench->facts.selinux.store = SEMANAGE_NO_ACTIVE;
}
static void selinux_store_and_denied(struct bench *bench)
{
    selinux_connect(bench);
    bench->facts.selinux.store = SEMANAGE_NOT_INSTALLED;
}
static void selinux_store_in_tree(struct bench *bench)
{
    selinux_connect(bench);
    bench->facts.selinux.mode = SELINUX_OFF;
    bench->facts.selinux.store = SEMANAGE_NO_ACTIVE;
    bench_tree(bench);
}

static void net_healthy(struct bench *bench)
{
    bench_net(bench);
}
static void net_overflow(struct bench *bench)
{
    bench_net(bench);
    bench_sysctl(bench, "net.core.somaxconn", "128");
    bench_overflow(bench, 128);
}
static void net_overflow_elsewhere(struct bench *bench)
{
    bench_net(bench);
    bench_overflow(bench, 500);
    bench->facts.net.listeners[1].queue_most = bench->facts.net.listeners[1].drops_rise = 0;
}
static void net_overflow_before(struct bench *bench)
{
    net_overflow(bench);
    bench->facts.net.rise.at[NETSTAT_LISTEN_OVERFLOWS] = 0;
    bench->facts.net.rise.at[NETSTAT_LISTEN_DROPS] = 0;
    bench->facts.net.listeners[1].queue_most = bench->facts.net.listeners[1].drops_rise = 0;
}
static void net_overflow_at_maxconn(struct bench *bench)
{
    net_overflow(bench);
    bench_full_frontend(bench, ROW_API, LISTENER_8443, 129);
}
static void net_half_open(struct bench *bench)
{
    bench_net(bench);
    bench_half_open(bench, 97);
}
static void net_half_open_with_cookies(struct bench *bench)
{
    net_half_open(bench);
    bench_sysctl(bench, "net.ipv4.tcp_syncookies", "1");
}
static void net_half_open_few(struct bench *bench)
{
    bench_net(bench);
    bench_half_open(bench, 12);
}
static void net_tracked_full(struct bench *bench)
{
    bench_net(bench);
    bench->facts.net.conntrack = (struct conntrack){.count = 262144, .max = 262144, .dropped = 77};
    bench->facts.net.conntrack_dropped_rise = 9;
}
static void net_tracked_full_servers_down(struct bench *bench)
{
    timeout(bench);
    net_tracked_full(bench);
}
static void net_tracked_many(struct bench *bench)
{
    bench_net(bench);
    bench->facts.net.conntrack.count = 200000;
    bench->facts.net.conntrack.dropped = 12; /* once, long ago */
}
static void net_shut(struct bench *bench)
{
    bench_net(bench);
    bench_shut(bench, ANSWER_8443, FIREWALL_DROPS, true);
}
static void net_shut_by_policy(struct bench *bench)
{
    bench_net(bench);
    bench_shut(bench, ANSWER_8443, FIREWALL_DROPS, false);
    bench->rows[ROW_API].sessions_total = 0;
}
static void net_shut_and_visited(struct bench *bench)
{
    net_shut_by_policy(bench);
    bench->rows[ROW_API].sessions_total = 90;
}
static void net_shut_all(struct bench *bench)
{
    net_shut_and_visited(bench);
    bench_shut(bench, ANSWER_80, FIREWALL_REJECTS, false);
}
static void net_shut_for_some(struct bench *bench)
{
    bench_net(bench);
    bench_shut(bench, ANSWER_8443, FIREWALL_UNTOLD, true);
}
static void net_shut_for_us(struct bench *bench)
{
    refused(bench);
    bench_net(bench);
    bench_shut(bench, ANSWER_APP1, FIREWALL_REJECTS, true);
}
static void net_no_address(struct bench *bench)
{
    bench_net(bench);
    bench_vip(bench, false);
}
static void net_no_address_stopped(struct bench *bench)
{
    net_no_address(bench);
    bench->haproxy.running = false;
    bench->facts.systemd_unit.active_state = "failed";
    bench->facts.sockets.listener_count = 0;
    bench_lose(bench, SOURCE_STATS, SOURCE_ABSENT);
}
static void net_vip(struct bench *bench)
{
    bench_net(bench);
    bench_vip(bench, true);
    bench_sysctl(bench, "net.ipv4.ip_nonlocal_bind", "1");
}
static void net_vip_asked(struct bench *bench)
{
    net_vip(bench);
    bench->facts.net.target = "10.0.0.99";
}
static void net_asked_here(struct bench *bench)
{
    bench_net(bench);
    bench->facts.net.target = "10.0.0.5";
    bench->facts.net.target_port = 8443;
}
static void net_asked_elsewhere(struct bench *bench)
{
    net_asked_here(bench);
    bench->facts.net.target_port = 443;
}
static void net_asked_loopback(struct bench *bench)
{
    net_asked_here(bench);
    bench_edit(bench, "bind *:8443\n", "bind 127.0.0.1:8443\n");
    bench->listeners[LISTENER_8443].address = "127.0.0.1";
}
static void net_lossy(struct bench *bench)
{
    bench_net(bench);
    bench_lossy(bench);
}
static void net_far(struct bench *bench)
{
    bench_net(bench);
    bench->destinations[DEST_APP1].round_trip_us = 180000;
    bench->destinations[DEST_APP1].least_round_trip_us = 175000;
    bench->rows[ROW_APP1].connect_ms = 180;
}
/* Too short a time for either to hear that nobody has the address. */
static void net_no_neighbour(struct bench *bench)
{
    bench_net(bench);
    bench_check(bench, ROW_APP2, "DOWN", "L4TOUT", "");
    bench->probes[PROBE_APP2].error = ETIMEDOUT;
    bench->facts.net.links.paths[PATH_APP2].neighbour = NEIGHBOUR_SILENT;
    bench->facts.net.links.paths[PATH_APP2].hardware = NULL;
}
static void net_neighbour_elsewhere(struct bench *bench)
{
    net_no_neighbour(bench);
    bench->facts.net.links.paths[PATH_APP2].neighbour = NEIGHBOUR_SEEN;
    bench->facts.net.links.paths[PATH_APP1].neighbour = NEIGHBOUR_SILENT;
}
/* Answers that are late once in twenty, over a network that loses packets. */
static void net_lossy_late_at_times(struct bench *bench)
{
    slow_at_times(bench);
    bench_net(bench);
    bench->destinations[DEST_APP2].retransmitted = 2100;
    bench->destinations[DEST_APP2].retrying = 3;
}
static void net_lossy_logged(struct bench *bench, uint64_t retried)
{
    static struct log_group server;

    bench_net(bench);
    bench->destinations[DEST_APP1].retransmitted = 2100;
    server = (struct log_group){
        .name = "app1", .backend = "be_api", .requests = 900, .retried = retried};
    server.timers[LOG_TIMER_TC] = (struct log_percentiles){900, 1, 4, 1010, 3040};
    bench->facts.logs.summary.servers = &server;
    bench->facts.logs.summary.server_count = 1;
}
static void net_lossy_in_the_log(struct bench *bench)
{
    net_lossy_logged(bench, 2);
}
static void net_lossy_retried(struct bench *bench)
{
    net_lossy_logged(bench, 200);
}
static void net_lossy_before(struct bench *bench)
{
    bench_net(bench);
    bench->destinations[DEST_APP1].retransmitted = 2100;
}

#define PROVEN(cause)                                                                              \
    {                                                                                              \
        cause, FINDING_PROVEN                                                                      \
    }
#define POSSIBLE(cause)                                                                            \
    {                                                                                              \
        cause, FINDING_POSSIBLE                                                                    \
    }
static const struct scenario scenarios[] = {
    {"a healthy host", nothing, {{0}}},
    {"a healthy network", net_healthy, {{0}}},
    {"accept queue overflows", net_overflow, {PROVEN("listen-overflow")}},
    {"another's queue overflows", net_overflow_elsewhere, {{0}}},
    {"a queue overflowed once", net_overflow_before, {{0}}},
    {"overflow at frontend maxconn", net_overflow_at_maxconn, {PROVEN("frontend-maxconn")}},
    {"half-open ones, no cookies", net_half_open, {PROVEN("syn-overflow")}},
    {"half-open ones, cookies", net_half_open_with_cookies, {{0}}},
    {"few half-open ones, drops", net_half_open_few, {{0}}},
    {"conntrack full", net_tracked_full, {PROVEN("conntrack-full")}},
    {"conntrack full, checks time out", net_tracked_full_servers_down, {PROVEN("conntrack-full")}},
    {"conntrack three quarters full", net_tracked_many, {{0}}},
    {"a rule drops the port", net_shut, {PROVEN("frontend-firewalled")}},
    {"policy drops a port, no visits", net_shut_by_policy, {POSSIBLE("frontend-firewalled")}},
    {"policy drops a port, visits", net_shut_and_visited, {{0}}},
    {"policy drops all ports", net_shut_all, {PROVEN("frontend-firewalled")}},
    {"a rule drops it for some", net_shut_for_some, {{0}}},
    {"our own rule rejects a server", net_shut_for_us, {PROVEN("backend-refused")}},
    {"bind address not here", net_no_address, {PROVEN("bind-address-missing")}},
    {"bind address not here, stopped", net_no_address_stopped, {PROVEN("bind-address-missing")}},
    {"VIP on the peer", net_vip, {{0}}},
    {"VIP on the peer, asked for", net_vip_asked, {PROVEN("vip-elsewhere")}},
    {"asked where it listens", net_asked_here, {{0}}},
    {"asked on another port", net_asked_elsewhere, {PROVEN("not-listening-there")}},
    {"asked, loopback alone", net_asked_loopback, {PROVEN("not-listening-there")}},
    {"packets are lost", net_lossy, {PROVEN("network-slow")}},
    {"a server far away", net_far, {{0}}},
    {"lost, and Tc of whole seconds", net_lossy_in_the_log, {PROVEN("network-slow")}},
    {"lost once, Tc of retries", net_lossy_retried, {POSSIBLE("network-slow")}},
    {"lost, and late once in 20", net_lossy_late_at_times, {PROVEN("network-slow")}},
    {"packets were lost once", net_lossy_before, {POSSIBLE("network-slow")}},
    {"one server's queue", queue_one, {PROVEN("server-queue")}},
    {"the backend's queue", queue_backend, {PROVEN("server-queue")}},
    {"queue, file has another limit", queue_other_limit, {POSSIBLE("server-queue")}},
    {"servers full, nothing queues", queue_zero, {{0}}},
    {"queue, but a server has room", queue_beside_room, {{0}}},
    {"queue, all servers down", queue_all_down, {PROVEN("backend-http-status")}},
    {"one server is slow", slow_one, {PROVEN("backend-slow")}},
    {"one server was slow", slow_once, {{0}}},
    {"a slow server, five requests", slow_few, {{0}}},
    {"both servers take long", slow_both, {{0}}},
    {"one answer in 20 is late", slow_at_times, {PROVEN("backend-slow")}},
    {"late in the log alone", slow_that_a_client_wrote, {{0}}},
    {"slower by little", slow_little, {{0}}},
    {"queue, and the servers are slow", slow_with_queue, {PROVEN("backend-slow")}},
    {"a slow server's queue", one_slow_of_two_queues, {PROVEN("backend-slow")}},
    {"no PROXY header comes", proxy_header_missing, {PROVEN("proxy-protocol-mismatch")}},
    {"no PROXY header comes, requests are not read",
     proxy_header_missing_unread,
     {POSSIBLE("proxy-protocol-mismatch")}},
    {"no PROXY header from scanners", proxy_header_scanner, {{0}}},
    {"a log of another file", proxy_header_of_another, {{0}}},
    {"no request can be read", requests_unread, {POSSIBLE("proxy-protocol-mismatch")}},
    {"unread, one has the header", requests_unread_header, {PROVEN("proxy-protocol-mismatch")}},
    {"unread, the header yesterday",
     requests_unread_header_once,
     {POSSIBLE("proxy-protocol-mismatch")}},
    {"unread, one is TLS", requests_unread_tls, {{0}}},
    {"some send a header", header_sent_by_some, {{0}}},
    {"PH, eresp and show errors", bad_answers_all, {PROVEN("backend-bad-response")}},
    {"eresp and show errors, no log", bad_answers_no_log, {POSSIBLE("backend-bad-response")}},
    {"eresp and show errors, log not read",
     bad_answers_log_unread,
     {POSSIBLE("backend-bad-response")}},
    {"eresp is broken off answers", bad_answers_broken_off, {{0}}},
    {"PH, show errors of another", bad_answers_of_another, {{0}}},
    {"PH, show errors of a check", bad_answers_of_a_check, {{0}}},
    {"PH, eresp is low", bad_answers_few, {{0}}},
    {"some requests cannot be read", requests_unread_some, {{0}}},
    {"send-proxy, every answer 400", send_proxy, {PROVEN("proxy-protocol-mismatch")}},
    {"send-proxy, all 4xx, no log", send_proxy_no_log, {POSSIBLE("proxy-protocol-mismatch")}},
    {"send-proxy, and good answers", send_proxy_known, {{0}}},
    {"a server breaks answers off", aborts, {PROVEN("backend-aborts")}},
    {"broken off, in a day", aborts_of_long, {POSSIBLE("backend-aborts")}},
    {"SH in the log, and counted", aborts_in_the_log, {PROVEN("backend-aborts")}},
    {"SH in the log, not counted", aborts_that_a_client_wrote, {{0}}},
    {"few answers broken off", aborts_few, {{0}}},
    {"comes and goes", flapping, {PROVEN("backend-flapping")}},
    {"comes and goes, refused now", flapping_refused_now, {PROVEN("backend-refused")}},
    {"came and went before", flapping_before, {{0}}},
    {"comes and goes, by a client", flapping_by_a_client, {{0}}},
    {"came and went long ago", flapping_long_ago, {{0}}},
    {"weight 0 while it runs", without_weight, {PROVEN("backend-maintenance")}},
    {"answers broken off before", aborts_before, {POSSIBLE("backend-aborts")}},
    {"answers broken off now and then", aborts_now_and_then, {PROVEN("backend-aborts")}},
    {"answers broken off before the log", aborts_before_the_log, {POSSIBLE("backend-aborts")}},
    {"bad answers before", bad_answers_before, {POSSIBLE("backend-bad-response")}},
    {"no idle time, threads at work", cpu_full, {PROVEN("cpu-saturated")}},
    {"no idle time, not sampled", cpu_full_unsampled, {POSSIBLE("cpu-saturated")}},
    {"no idle time, threads wait", cpu_others, {PROVEN("cpu-saturated")}},
    {"no idle time, waits for hamedic", cpu_of_hamedic, {{0}}},
    {"no idle time, threads idle", cpu_sample_idle, {{0}}},
    {"threads at work, idle time", cpu_cheap, {{0}}},
    {"memory refused, -m", memory_failed, {PROVEN("memory-limit")}},
    {"memory refused, no limit", memory_failed_unlimited, {POSSIBLE("memory-limit")}},
    {"a memory limit, not met", memory_limited, {{0}}},
    {"memory used up, no answer",
     memory_stuck,
     {PROVEN("memory-limit"), POSSIBLE("stats-socket-off")}},
    {"no answer, memory left", memory_silent, {POSSIBLE("stats-socket-off")}},
    {"control group full", memory_group_full, {PROVEN("memory-limit")}},
    {"control group full of cache", memory_group_cache, {{0}}},
    {"killed for memory", memory_killed, {PROVEN("memory-limit"), PROVEN("haproxy-not-running")}},
    {"global maxconn, accept queue", global_full, {PROVEN("global-maxconn")}},
    {"global maxconn, a slow server has most", global_full_of_slow, {PROVEN("backend-slow")}},
    {"global maxconn, a quick server has most", global_full_of_quick, {PROVEN("global-maxconn")}},
    {"global maxconn, a slow server has some", global_full_beside_slow, {PROVEN("global-maxconn")}},
    {"frontend maxconn, slow servers", frontend_full_of_slow, {PROVEN("backend-slow")}},
    {"frontend maxconn, a queue", frontend_full_of_queue, {PROVEN("server-queue")}},
    {"frontend maxconn, another's slow server",
     frontend_full_of_anothers,
     {PROVEN("frontend-maxconn")}},
    {"no answer in time, in the log", no_answers_in_time, {PROVEN("backend-slow")}},
    {"no answer in time, by a client", no_answers_that_a_client_wrote, {{0}}},
    {"no answer in time, before", no_answers_before, {POSSIBLE("backend-slow")}},
    {"no answer in time, before and now", no_answers_before_nor_now, {PROVEN("backend-slow")}},
    {"no answer in time, no log", no_answers_no_log, {PROVEN("backend-slow")}},
    {"global maxconn, sockets unread", global_full_no_sockets, {POSSIBLE("global-maxconn")}},
    {"global maxconn, was counted", global_full_reached, {PROVEN("global-maxconn")}},
    {"global maxconn reached before", global_was_full, {POSSIBLE("global-maxconn")}},
    {"global maxconn, nobody waits", global_full_nobody_waits, {{0}}},
    {"frontend maxconn, accept queue", frontend_full, {PROVEN("frontend-maxconn")}},
    {"frontend maxconn, nobody waits", frontend_full_nobody_waits, {{0}}},
    {"frontend maxconn, sockets unread", frontend_full_no_sockets, {POSSIBLE("frontend-maxconn")}},
    {"accept queue below maxconn", frontend_slow_accept, {{0}}},
    {"refused, here too", refused, {PROVEN("backend-refused")}},
    {"refused, but not here", refused_not_here, {POSSIBLE("backend-refused")}},
    {"refused, probes failed", refused_no_probe, {POSSIBLE("backend-refused")}},
    {"refused here, no check", refused_no_check, {POSSIBLE("backend-refused")}},
    {"refused here, errors counted", refused_no_check_counted, {PROVEN("backend-refused")}},
    {"L4CON permission denied", denied, {{0}}},
    {"503 by a deny rule", deny_rule, {{0}}},
    {"503 by the server", server_says_503, {PROVEN("backend-http-status")}},
    {"listens on loopback only", loopback_only, {PROVEN("backend-loopback-only")}},
    {"L4TOUT, here too", timeout, {PROVEN("backend-timeout")}},
    {"L4CON timed out, here too", timeout_of_the_kernel, {PROVEN("backend-timeout")}},
    {"L4CON reset", reset, {{0}}},
    {"L7STS with the words refused", server_says_refused, {PROVEN("backend-bad-response")}},
    {"L7TOUT", slow_check, {PROVEN("backend-slow-check")}},
    {"no route, here too", no_route, {PROVEN("backend-unreachable")}},
    {"L4TOUT, here too, no neighbour", net_no_neighbour, {PROVEN("backend-unreachable")}},
    {"L4TOUT, another's neighbour", net_neighbour_elsewhere, {PROVEN("backend-timeout")}},
    {"L4TOUT, no neighbour", no_neighbour, {PROVEN("backend-unreachable")}},
    {"maintenance", maintenance, {PROVEN("backend-maintenance")}},
    {"name does not resolve", resolution, {PROVEN("backend-dns")}},
    SCENARIOS_BACK,
    {"maintenance, refused before", maintenance_after_refusal, {PROVEN("backend-maintenance")}},
    {"local ports used up", ports_used_up, {PROVEN("backend-no-ports")}},
    {"no ports, wrong source", ports_wrong_source, {POSSIBLE("backend-no-ports")}},
    {"local ports nearly used up", ports_nearly_used_up, {POSSIBLE("backend-no-ports")}},
    {"all ports held, errors counted", ports_all_held, {PROVEN("backend-no-ports")}},
    {"many sockets, many servers", ports_spread, {{0}}},
    {"range covers a bind port", overlap, {PROVEN("port-range-overlap")}},
    {"range covers a reserved one", overlap_reserved, {{0}}},
    {"range covers it after boot", overlap_at_boot, {PROVEN("port-range-overlap")}},
    {"maxconn over the budget", over_budget, {PROVEN("maxconn-over-budget")}},
    {"no maxconn in the file", auto_maxconn, {{0}}},
    {"descriptors used up, no strict-limits", descriptors_used_up, {PROVEN("fd-limit")}},
    {"descriptors used up, no systemd",
     descriptors_no_systemd,
     {PROVEN("fd-limit"), PROVEN("maxconn-over-budget")}},
    {"descriptors used up, limit lowered", descriptors_lowered, {PROVEN("fd-limit")}},
    {"descriptors used up by maxconn", descriptors_by_maxconn, {{0}}},
    {"many descriptors, more to have", descriptors_of_many, {{0}}},
    {"descriptors used up, stats mute", descriptors_mute, {PROVEN("fd-limit")}},
    {"descriptors used up, no stats",
     descriptors_no_stats,
     {POSSIBLE("fd-limit"), POSSIBLE("stats-socket-off")}},
    {"LimitNOFILE not in force", limit_not_loaded, {PROVEN("limit-not-effective")}},
    {"LimitNOFILE below what runs", limit_raised_by_itself, {{0}}},
    {"LimitNOFILE, CAP_SYS_RESOURCE", limit_with_capability, {{0}}},
    {"LimitNOFILE infinity, at nr_open", limit_above_nr_open, {{0}}},
    {"LimitNOFILE, not systemd's process", limit_of_another_start, {{0}}},
    {"LimitNOFILE not in force, needed",
     limit_pending_and_needed,
     {PROVEN("limit-not-effective"), PROVEN("reload-failed")}},
    {"reload failed", reload_failed, {PROVEN("reload-failed")}},
    {"reload failed, over the budget",
     reload_failed_over_budget,
     {PROVEN("reload-failed"), PROVEN("maxconn-over-budget")}},
    {"reload failed, by status text", reload_failed_by_status, {PROVEN("reload-failed")}},
    {"reload failed, HAProxy 2.4", reload_failed_old_version, {PROVEN("reload-failed")}},
    {"edited, nobody knows of a reload", reload_failed_unseen, {POSSIBLE("reload-failed")}},
    {"edited and not reloaded", edited_not_reloaded, {PROVEN("config-not-loaded")}},
    {"edited over the budget, not reloaded",
     edited_over_budget,
     {PROVEN("maxconn-over-budget"), PROVEN("config-not-loaded")}},
    {"reload failed, file put back", reload_failed_put_back, {POSSIBLE("reload-failed")}},
    {"reload failed, but a tree", reload_and_tree, {{0}}},
    {"HAProxy's sysctl loses", overridden_for_haproxy, {PROVEN("sysctl-overridden")}},
    {"what runs loses at boot", overridden_but_runs, {PROVEN("sysctl-overridden")}},
    {"a sysctl of somebody's loses", overridden_by_nobody_knows, {POSSIBLE("sysctl-overridden")}},
    {"a sysctl loses to hamedic's", overridden_by_hamedic, {{0}}},
    {"a sysctl is set twice the same", overridden_same_value, {{0}}},
    {"a sysctl loses, other network", overridden_elsewhere, {{0}}},
    {"sysctl set by hand", changed_by_hand, {PROVEN("sysctl-not-persistent")}},
    {"sysctl set since its file", changed_since_file, {PROVEN("sysctl-not-persistent")}},
    {"sysctl file not loaded yet", file_not_loaded, {POSSIBLE("sysctl-not-persistent")}},
    {"sysctl set in a container", changed_in_a_container, {{0}}},
    {"sysctl set, other network", changed_elsewhere, {{0}}},
    {"sysctl set, default not known", changed_unknown_default, {{0}}},
    {"sysctl written in another way", changed_only_blanks, {{0}}},
    {"no stats socket", no_socket, {PROVEN("stats-socket-off")}},
    {"stats socket of an operator", operator_socket, {PROVEN("stats-socket-off")}},
    {"stats socket silent", silent_socket, {POSSIBLE("stats-socket-off")}},
    {"stopped", stopped, {PROVEN("haproxy-not-running")}},
    {"stopped, unit says active", stopped_elsewhere, {POSSIBLE("haproxy-not-running")}},
    {"processes could not be read", processes_unread, {{0}}},
    {"not installed", not_installed, {{0}}},
    {"invalid configuration", invalid, {PROVEN("config-invalid")}},
    {"no listener", no_listener, {PROVEN("config-invalid")}},
    {"invalid to hamedic alone", invalid_to_us, {POSSIBLE("config-invalid")}},
    {"invalid, its start failed", invalid_and_stopped, {PROVEN("config-invalid")}},
    {"invalid, stopped by a person",
     invalid_and_stopped_by_a_person,
     {PROVEN("config-invalid"), PROVEN("haproxy-not-running")}},
    {"invalid, killed",
     invalid_and_killed,
     {PROVEN("config-invalid"), PROVEN("haproxy-not-running")}},
    {"port taken, reload failed", taken, {PROVEN("bind-in-use"), PROVEN("reload-failed")}},
    {"port taken, and said so", taken_and_said, {PROVEN("bind-in-use"), PROVEN("reload-failed")}},
    {"port taken by one not seen", taken_unseen, {PROVEN("bind-in-use")}},
    {"port taken, stopped", taken_and_stopped, {PROVEN("bind-in-use")}},
    {"port taken, stopped by a person",
     taken_and_stopped_by_a_person,
     {PROVEN("haproxy-not-running")}},
    {"same port of another address", taken_elsewhere, {{0}}},
    {"port of an old worker", taken_by_an_old_worker, {{0}}},
    {"listeners, but not whose", unseen_listeners, {{0}}},
    {"port taken, long ago", said_long_ago, {{0}}},
    {"port of a connection", clash, {PROVEN("bind-ephemeral-clash"), PROVEN("reload-failed")}},
    {"port of a connection, untried",
     clash_untried,
     {POSSIBLE("bind-ephemeral-clash"), PROVEN("config-not-loaded"), PROVEN("port-range-overlap")}},
    {"port of a connection, gone",
     clash_gone,
     {POSSIBLE("bind-ephemeral-clash"), PROVEN("reload-failed"), PROVEN("port-range-overlap")}},
    {"port 80, not root", privilege, {PROVEN("bind-privilege"), PROVEN("reload-failed")}},
    {"port 80, with the capability", privilege_had, {PROVEN("reload-failed")}},
    {"port 80, unit of a user", privilege_of_a_unit, {PROVEN("bind-privilege")}},
    {"frontend paused", frontend_paused, {PROVEN("frontend-stopped")}},
    {"frontend paused, yet it listens",
     frontend_paused_yet_listening,
     {POSSIBLE("frontend-stopped")}},
    {"frontend disabled in the file", frontend_disabled, {PROVEN("frontend-stopped")}},
    {"rate at its limit", rate_reached, {PROVEN("rate-limited")}},
    {"rate at its limit, nobody waits", rate_reached_nobody_waits, {{0}}},
    {"rate below its limit", rate_below, {{0}}},
    {"five old workers", old_many, {PROVEN("old-workers")}},
    {"one old worker for an hour", old_one_for_long, {PROVEN("old-workers")}},
    {"one old worker for 5 s", old_one_just_now, {{0}}},
    {"no file left on the host", files_gone, {PROVEN("system-fd-limit")}},
    {"no file left, not said", files_gone_unsaid, {POSSIBLE("system-fd-limit")}},
    {"no file left, long ago", files_gone_before, {POSSIBLE("system-fd-limit")}},
    {"files without end", files_there, {{0}}},
    {"killed", killed, {PROVEN("haproxy-not-running")}},
    {"no backend for some requests", unmatched, {PROVEN("no-backend-matched")}},
    {"no server, with a default", unmatched_with_default, {{0}}},
    {"no server of a chosen backend", unmatched_but_chosen, {{0}}},
    {"503 by a rule", ruled, {PROVEN("answered-by-rule")}},
    {"503 by a rule that is not seen", ruled_elsewhere, {POSSIBLE("answered-by-rule")}},
    {"403 by a rule", ruled_with_403, {{0}}},
    {"SELinux enforcing, healthy", selinux_healthy, {{0}}},
    {"connect denied", selinux_connect, {PROVEN("backend-selinux")}},
    {"connect denied, no audit log", selinux_connect_no_log, {PROVEN("backend-selinux")}},
    {"connect denied, SELinux permissive", selinux_connect_permissive, {{0}}},
    {"connect denied, domain permissive", selinux_connect_permissive_domain, {{0}}},
    {"connect denied, allowed now", selinux_connect_allowed_now, {{0}}},
    {"connect denied, policy unasked", selinux_connect_unasked, {POSSIBLE("backend-selinux")}},
    {"connect denied, refused here", selinux_connect_down_too, {POSSIBLE("backend-selinux")}},
    {"refused, an old denial in the log", refused_after_a_denial, {PROVEN("backend-refused")}},
    {"no check, forbidden, errors", unchecked_server_denied, {PROVEN("backend-selinux")}},
    {"no check, denials of others", unchecked_server_let_through, {{0}}},
    {"bind denied, stopped", selinux_bind_stopped, {PROVEN("bind-selinux")}},
    {"bind denied, stopped, no log", selinux_bind_stopped_no_log, {PROVEN("bind-selinux")}},
    {"bind denied, stopped by a person",
     selinux_bind_stopped_by_a_person,
     {PROVEN("bind-selinux"), PROVEN("haproxy-not-running")}},
    {"bind denied, reload failed", selinux_bind_reload, {PROVEN("bind-selinux")}},
    {"bind forbidden, not tried", selinux_bind_untried, {POSSIBLE("bind-selinux")}},
    {"bind forbidden, kernel asks not", selinux_bind_not_asked, {{0}}},
    {"bind forbidden, yet listened on", selinux_bind_listened, {{0}}},
    {"stopped, unix socket denied", selinux_unix_socket, {PROVEN("haproxy-not-running")}},
    {"boolean on, not at boot", selinux_boolean_on, {PROVEN("boolean-not-persistent")}},
    {"boolean of others not at boot", selinux_other_boolean_on, {{0}}},
    {"store without active", selinux_store, {PROVEN("selinux-store-damaged")}},
    {"store damaged, connect denied",
     selinux_store_and_denied,
     {PROVEN("selinux-store-damaged"), PROVEN("backend-selinux")}},
    {"store damaged in a tree", selinux_store_in_tree, {PROVEN("selinux-store-damaged")}},
    {"a tree with latent faults",
     tree_with_all,
     {PROVEN("maxconn-over-budget"), PROVEN("port-range-overlap"), PROVEN("stats-socket-off")}},
    {"a healthy tree", tree_healthy, {{0}}},
};

/* ---- the table ---- */

static char letter(const struct finding *finding)
{
    if (finding == NULL)
        return '.';
    return finding->state == FINDING_PROVEN ? 'P' : 'p';
}

static char found(const struct diagnosis_result *result, const char *cause)
{
    for (size_t i = 0; i < result->finding_count; i++)
        if (strcmp(result->findings[i].cause, cause) == 0)
            return letter(&result->findings[i]);
    return '.';
}

static char wanted(const struct scenario *scenario, const char *cause)
{
    for (size_t i = 0; i < 3 && scenario->expected[i].cause != NULL; i++)
        if (strcmp(scenario->expected[i].cause, cause) == 0)
            return scenario->expected[i].state == FINDING_PROVEN ? 'P' : 'p';
    return '.';
}

static size_t print_row(const struct scenario *scenario)
{
    struct bench *bench = bench_new();
    struct diagnosis_result result;
    size_t wrong = 0;

    scenario->breaks(bench);
    diagnose(&bench->facts, NULL, NULL, bench->arena, &result);
    printf("%-34s", scenario->name);
    for (size_t i = 0; i < causes_count(); i++) {
        char is = found(&result, causes_at(i)->slug), should = wanted(scenario, causes_at(i)->slug);

        if (is == should)
            printf(" %2c ", is);
        else
            printf(" %c!%c", is, should);
        wrong += is != should;
    }
    printf("\n");
    bench_free(bench);
    return wrong;
}

static size_t count_unused(void)
{
    size_t unused = 0;

    for (size_t c = 0; c < causes_count(); c++) {
        bool used = false;

        for (size_t s = 0; s < sizeof scenarios / sizeof scenarios[0]; s++)
            used = used || wanted(&scenarios[s], causes_at(c)->slug) == 'P';
        if (!used)
            printf("no scenario proves %s\n", causes_at(c)->slug);
        unused += !used;
    }
    return unused;
}

int main(void)
{
    size_t wrong = 0, scenario_count = sizeof scenarios / sizeof scenarios[0];

    for (size_t i = 0; i < causes_count(); i++)
        printf("%2zu %s\n", i + 1, causes_at(i)->slug);
    printf("%-34s", "");
    for (size_t i = 0; i < causes_count(); i++)
        printf(" %2zu ", i + 1);
    printf("\n");
    for (size_t i = 0; i < scenario_count; i++)
        wrong += print_row(&scenarios[i]);
    wrong += count_unused();
    printf("%zu scenarios, %zu causes, %zu wrong\n", scenario_count, causes_count(), wrong);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
