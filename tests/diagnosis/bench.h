/* tests/diagnosis/bench: a healthy host as facts, to be broken by a test.
 * Use:     struct bench *bench = bench_new(); change it; diagnose(&bench->facts, ...);
 * bench_free(bench); Shapes:  two frontends (fe_web *:80 without a maxconn, fe_api *:8443 with 500
 * of 1000), backend be_api with app1, app2 (10.0.0.11, .12, port 8080, maxconn 100 each), backend
 * be_web with web1 (10.0.0.21:80, no maxconn).
 */
#ifndef HAMEDIC_TESTS_DIAGNOSIS_BENCH_H
#define HAMEDIC_TESTS_DIAGNOSIS_BENCH_H

#include <errno.h>
#include <string.h>

#include "agent/diagnose/diagnose.h"

enum { ROW_WEB, ROW_API, ROW_APP1, ROW_APP2, ROW_BE_API, ROW_WEB1, ROW_BE_WEB, ROW_COUNT };
enum { FIELD_MAXCONN, FIELD_CURRENT, FIELD_MAXSOCK, FIELD_REACHED, FIELD_COUNT };
enum { SYSCTL_RANGE, SYSCTL_RESERVED, SYSCTL_REUSE, SYSCTL_NR_OPEN, SYSCTL_COUNT };
enum { PROBE_APP1, PROBE_APP2, PROBE_WEB1, PROBE_COUNT };
enum { LISTENER_80, LISTENER_8443, LISTENER_SSH, LISTENER_SPARE, LISTENER_ROOM };
enum { DEST_APP1, DEST_APP2, DEST_WEB1, DEST_COUNT };

struct bench {
    struct arena *arena;
    struct facts facts;
    struct haproxy haproxy;
    struct cfg cfg;
    struct cfg_file file;
    struct cfg_proxy web, api, be_api, be_web;
    struct cfg_proxy *proxies[4];
    struct cfg_bind web_bind, api_bind;
    struct cfg_server apps[2], web1;
    struct cfg_stats_socket socket;
    struct haproxy_stat rows[ROW_COUNT];
    struct haproxy_info_field fields[FIELD_COUNT];
    struct sysctl_fact sysctls[SYSCTL_COUNT];
    struct probe probes[PROBE_COUNT];
    struct listener listeners[LISTENER_ROOM];
    struct destination destinations[DEST_COUNT];
};

static inline struct cfg_number bench_number(struct bench *bench, uint64_t value, size_t line)
{
    return (struct cfg_number){
        true, value, {.file = &bench->file, .line = line, .offset = line * 20, .len = 3}};
}

static inline struct haproxy_stat bench_row(enum stat_type type, const char *proxy,
                                            const char *name, const char *status)
{
    return (struct haproxy_stat){.type = type,
                                 .proxy = proxy,
                                 .name = name,
                                 .status = status,
                                 .queue_max = -1,
                                 .session_limit = -1,
                                 .queue_limit = -1,
                                 .weight = 1,
                                 .active = 1,
                                 .backup = type == STAT_SERVER ? 0 : -1,
                                 .check_code = -1};
}

static inline void bench_server_row(struct bench *bench, size_t index, const char *backend,
                                    const char *name, const char *address, int64_t limit)
{
    struct haproxy_stat *row = &bench->rows[index];

    *row = bench_row(STAT_SERVER, backend, name, "UP");
    row->check_status = "L4OK";
    row->last_check = "";
    row->address = address;
    row->session_limit = limit;
    row->sessions = 7;
    row->response_ms = 40;
    row->connect_ms = 1;
}

static inline void bench_info(struct bench *bench, size_t index, const char *key, int64_t value)
{
    bench->fields[index].key = span_of(key);
    bench->fields[index].value = span_of(arena_printf(bench->arena, "%jd", (intmax_t)value));
}

static inline void bench_config(struct bench *bench)
{
    bench->file.path = "/etc/haproxy/haproxy.cfg";
    bench->web_bind = (struct cfg_bind){.text = "*:80",
                                        .address = "0.0.0.0",
                                        .port_low = 80,
                                        .port_high = 80,
                                        .line = 12,
                                        .file = &bench->file};
    bench->api_bind = (struct cfg_bind){.text = "*:8443",
                                        .address = "0.0.0.0",
                                        .port_low = 8443,
                                        .port_high = 8443,
                                        .line = 16,
                                        .file = &bench->file};
    bench->web = (struct cfg_proxy){.kind = CFG_FRONTEND,
                                    .name = "fe_web",
                                    .file = &bench->file,
                                    .line = 11,
                                    .binds = &bench->web_bind,
                                    .bind_count = 1};
    bench->api = (struct cfg_proxy){.kind = CFG_FRONTEND,
                                    .name = "fe_api",
                                    .file = &bench->file,
                                    .line = 15,
                                    .binds = &bench->api_bind,
                                    .bind_count = 1,
                                    .maxconn = bench_number(bench, 500, 17)};
    for (size_t i = 0; i < 2; i++)
        bench->apps[i] = (struct cfg_server){.name = i == 0 ? "app1" : "app2",
                                             .text = i == 0 ? "10.0.0.11:8080" : "10.0.0.12:8080",
                                             .address = i == 0 ? "10.0.0.11" : "10.0.0.12",
                                             .port = 8080,
                                             .check = true,
                                             .maxconn_is_own = true,
                                             .maxconn = bench_number(bench, 100, 21 + i)};
    bench->web1 = (struct cfg_server){
        .name = "web1", .text = "10.0.0.21:80", .address = "10.0.0.21", .port = 80, .check = true};
    bench->be_api = (struct cfg_proxy){.kind = CFG_BACKEND,
                                       .name = "be_api",
                                       .file = &bench->file,
                                       .line = 20,
                                       .servers = bench->apps,
                                       .server_count = 2};
    bench->be_web = (struct cfg_proxy){.kind = CFG_BACKEND,
                                       .name = "be_web",
                                       .file = &bench->file,
                                       .line = 25,
                                       .servers = &bench->web1,
                                       .server_count = 1};
    bench->proxies[0] = &bench->web;
    bench->proxies[1] = &bench->api;
    bench->proxies[2] = &bench->be_api;
    bench->proxies[3] = &bench->be_web;
    bench->socket = (struct cfg_stats_socket){.path = "/run/haproxy/admin.sock",
                                              .text = "/run/haproxy/admin.sock",
                                              .level = "admin",
                                              .line = 4,
                                              .file = &bench->file};
    bench->cfg.files = &bench->file;
    bench->cfg.file_count = 1;
    bench->cfg.proxies = bench->proxies;
    bench->cfg.proxy_count = 4;
    bench->cfg.global.present = true;
    bench->cfg.global.strict_limits = true;
    bench->cfg.global.maxconn = bench_number(bench, 1000, 3);
    bench->cfg.global.stats_sockets = &bench->socket;
    bench->cfg.global.stats_socket_count = 1;
}

static inline void bench_stats(struct bench *bench)
{
    bench->rows[ROW_WEB] = bench_row(STAT_FRONTEND, "fe_web", "FRONTEND", "OPEN");
    bench->rows[ROW_WEB].session_limit = 1000;
    bench->rows[ROW_API] = bench_row(STAT_FRONTEND, "fe_api", "FRONTEND", "OPEN");
    bench->rows[ROW_API].session_limit = 500;
    bench_server_row(bench, ROW_APP1, "be_api", "app1", "10.0.0.11:8080", 100);
    bench_server_row(bench, ROW_APP2, "be_api", "app2", "10.0.0.12:8080", 100);
    bench->rows[ROW_BE_API] = bench_row(STAT_BACKEND, "be_api", "BACKEND", "UP");
    bench_server_row(bench, ROW_WEB1, "be_web", "web1", "10.0.0.21:80", -1);
    bench->rows[ROW_BE_WEB] = bench_row(STAT_BACKEND, "be_web", "BACKEND", "UP");
    bench_info(bench, FIELD_MAXCONN, "Maxconn", 1000);
    bench_info(bench, FIELD_CURRENT, "CurrConns", 40);
    bench_info(bench, FIELD_MAXSOCK, "Maxsock", 2040);
    bench_info(bench, FIELD_REACHED, "MaxconnReached", 0);
}

static inline void bench_network(struct bench *bench)
{
    static const char *const addresses[] = {"10.0.0.11", "10.0.0.12", "10.0.0.21"};
    static const uint32_t ports[] = {8080, 8080, 80};

    bench->sysctls[SYSCTL_RANGE].key = "net.ipv4.ip_local_port_range";
    bench->sysctls[SYSCTL_RANGE].running = "32768\t60999";
    bench->sysctls[SYSCTL_RESERVED].key = "net.ipv4.ip_local_reserved_ports";
    bench->sysctls[SYSCTL_RESERVED].running = "";
    bench->sysctls[SYSCTL_REUSE].key = "net.ipv4.tcp_tw_reuse";
    bench->sysctls[SYSCTL_REUSE].running = "2";
    bench->sysctls[SYSCTL_NR_OPEN].key = "fs.nr_open";
    bench->sysctls[SYSCTL_NR_OPEN].running = "1048576";
    for (size_t i = 0; i < 3; i++) {
        bench->probes[i] = (struct probe){addresses[i], ports[i], 0, 600};
        bench->destinations[i] =
            (struct destination){"10.0.0.5", addresses[i], ports[i], 40, 30, 10, 0};
    }
    bench->listeners[LISTENER_80] = (struct listener){"0.0.0.0", 80, 0, 1000, 1};
    bench->listeners[LISTENER_8443] = (struct listener){"0.0.0.0", 8443, 0, 500, 2};
    bench->listeners[LISTENER_SSH] = (struct listener){"0.0.0.0", 22, 0, 128, 3};
}

static inline struct bench *bench_new(void)
{
    struct arena *arena = arena_new();
    struct bench *bench = arena_alloc(arena, sizeof *bench);
    struct facts *facts = &bench->facts;

    bench->arena = arena;
    bench_config(bench);
    bench_stats(bench);
    bench_network(bench);
    bench->haproxy = (struct haproxy){.running = true,
                                      .master = 900,
                                      .worker = 901,
                                      .program = "/usr/sbin/haproxy",
                                      .version = "2.6.12-1+deb12u4",
                                      .major = 2,
                                      .minor = 6,
                                      .unit = "haproxy.service",
                                      .by_systemd = true,
                                      .limit_soft = 20000,
                                      .limit_hard = 20000,
                                      .worker_limit_soft = 20000,
                                      .same_network = true};
    facts->time = 1795337204;
    facts->host_name = "lb01";
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        facts->sources[i].state = SOURCE_OK;
    facts->haproxy = &bench->haproxy;
    facts->open_descriptors = 80;
    facts->memory_available_kib = 4 * 1024 * 1024;
    facts->unit = (struct unit){.exists = true, .name = "haproxy.service"};
    facts->systemd_unit = (struct systemd_unit){
        .loaded = true, .active_state = "active", .sub_state = "running", .result = "success"};
    facts->cfg = &bench->cfg;
    facts->info = (struct haproxy_info){bench->fields, FIELD_COUNT};
    facts->stats = bench->rows;
    facts->stat_count = ROW_COUNT;
    facts->sysctls = bench->sysctls;
    facts->sysctl_count = SYSCTL_COUNT;
    facts->sockets =
        (struct sockets){bench->listeners, LISTENER_SSH + 1, bench->destinations, DEST_COUNT};
    facts->probes = bench->probes;
    facts->probe_count = PROBE_COUNT;
    facts->budget = (struct fd_budget){1000,
                                       2040,
                                       20000,
                                       9980,
                                       "10 + 2 listeners + ... = 2040",
                                       "hard limit 20000 of the running master"};
    return bench;
}

static inline void bench_free(struct bench *bench)
{
    arena_free(bench->arena);
}

/* ---- ways to break it, shared by the tests ---- */

static inline void bench_lose(struct bench *bench, enum source_id source, enum source_state state)
{
    struct facts *facts = &bench->facts;

    facts->sources[source].state = state;
    facts->sources[source].reason = "Permission denied";
    if (source == SOURCE_CONFIG)
        facts->cfg = NULL;
    if (source == SOURCE_STATS) {
        facts->info = (struct haproxy_info){NULL, 0};
        facts->stat_count = 0;
        facts->stats_error = "connect: Permission denied";
    }
    if (source == SOURCE_SOCKETS)
        facts->sockets = (struct sockets){0};
    if (source == SOURCE_PROBE)
        facts->probe_count = 0;
    if (source == SOURCE_SYSCTL)
        facts->sysctl_count = 0;
}

static inline void bench_tree(struct bench *bench)
{
    struct facts *facts = &bench->facts;

    facts->tree = true;
    bench->haproxy = (struct haproxy){.unit = "haproxy.service"};
    bench_lose(bench, SOURCE_PROCESS, SOURCE_ABSENT);
    bench_lose(bench, SOURCE_CHECK, SOURCE_ABSENT);
    bench_lose(bench, SOURCE_STATS, SOURCE_ABSENT);
    bench_lose(bench, SOURCE_SOCKETS, SOURCE_ABSENT);
    bench_lose(bench, SOURCE_PROBE, SOURCE_ABSENT);
    facts->stats_error = NULL;
    for (size_t i = 0; i < SYSCTL_COUNT; i++)
        bench->sysctls[i].running = NULL;
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        facts->sources[i].reason = NULL;
    facts->systemd_unit = (struct systemd_unit){0};
    facts->memory_available_kib = facts->open_descriptors = -1;
}

static inline void bench_check(struct bench *bench, size_t row, const char *status,
                               const char *check, const char *text)
{
    bench->rows[row].status = status;
    bench->rows[row].check_status = check;
    bench->rows[row].last_check = text;
}

static inline void bench_queue(struct bench *bench, size_t row, int64_t sessions, int64_t queue)
{
    bench->rows[row].sessions = sessions;
    bench->rows[row].queue = queue;
}

static inline void bench_full_frontend(struct bench *bench, size_t row, size_t listener,
                                       uint32_t queue)
{
    bench->rows[row].sessions = bench->rows[row].session_limit;
    bench->listeners[listener].queue = queue;
}

#endif
