/* tests/diagnosis/bench: a healthy host as facts, to be broken by a test.
 * Use:     struct bench *bench = bench_new(); change it; diagnose(&bench->facts, ...);
 *          bench_free(bench);
 * Shapes:  two frontends (fe_web *:80 without a maxconn, fe_api *:8443 with 500 of 1000), backend
 *          be_api with app1, app2 (10.0.0.11, .12, port 8080, maxconn 100 each), backend be_web
 *          with web1 (10.0.0.21:80, no maxconn).
 */
#ifndef HAMEDIC_TESTS_DIAGNOSIS_BENCH_H
#define HAMEDIC_TESTS_DIAGNOSIS_BENCH_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/diagnose.h"

enum { ROW_WEB, ROW_API, ROW_APP1, ROW_APP2, ROW_BE_API, ROW_WEB1, ROW_BE_WEB, ROW_COUNT };
enum { FIELD_MAXCONN, FIELD_CURRENT, FIELD_MAXSOCK, FIELD_REACHED, FIELD_COUNT, FIELD_ROOM = 16 };
enum {
    SYSCTL_RANGE,
    SYSCTL_RESERVED,
    SYSCTL_REUSE,
    SYSCTL_NR_OPEN,
    SYSCTL_SOMAXCONN,
    SYSCTL_COUNT
};
enum { PROBE_APP1, PROBE_APP2, PROBE_WEB1, PROBE_COUNT, PROBE_SPARE = PROBE_COUNT, PROBE_ROOM };
enum { ASKED_ROOM = 4 };
enum { LISTENER_80, LISTENER_8443, LISTENER_SSH, LISTENER_SPARE, LISTENER_ROOM };
enum { DEST_APP1, DEST_APP2, DEST_WEB1, DEST_COUNT };

struct bench {
    struct arena *arena;
    struct facts facts;
    struct haproxy haproxy;
    struct cfg *cfg; /* parsed; what is below points into it */
    struct cfg_file file;
    struct cfg_proxy *web, *api, *be_api, *be_web;
    struct cfg_bind *web_bind, *api_bind;
    struct cfg_server *apps, *web1; /* apps: two */
    struct cfg_stats_socket *socket;
    struct haproxy_stat rows[ROW_COUNT];
    struct haproxy_info_field fields[FIELD_ROOM];
    struct sysctl_fact sysctls[SYSCTL_COUNT];
    struct probe probes[PROBE_ROOM];
    struct probe_source sources[1];
    struct asked asked[ASKED_ROOM];
    struct listener listeners[LISTENER_ROOM];
    struct destination destinations[DEST_COUNT];
    struct port_listener port_listeners[3]; /* HAProxy's two, and room for one */
    struct port_hold port_hold;
};

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

/* One more line of `show info`. */
static inline void bench_info_text(struct bench *bench, const char *key, const char *value)
{
    struct haproxy_info *info = &bench->facts.info;

    if (info->field_count >= FIELD_ROOM)
        abort();
    bench->fields[info->field_count++] = (struct haproxy_info_field){span_of(key), span_of(value)};
}

static inline struct listener bench_listener(const char *address, uint32_t port, uint32_t queue,
                                             uint32_t limit, uint64_t inode)
{
    return (struct listener){.address = address,
                             .port = port,
                             .queue = queue,
                             .queue_limit = limit,
                             .inode = inode,
                             .drops_known = true};
}

static inline struct destination bench_destination(const char *source, const char *address,
                                                   uint32_t port, uint32_t total,
                                                   uint32_t established, uint32_t time_wait,
                                                   uint32_t syn_sent)
{
    return (struct destination){.source = source,
                                .address = address,
                                .port = port,
                                .total = total,
                                .established = established,
                                .time_wait = time_wait,
                                .syn_sent = syn_sent};
}

#define BENCH_CONFIG                                                                               \
    "global\n"                                                                                     \
    "    log /dev/log local0\n"                                                                    \
    "    maxconn 1000\n"                                                                           \
    "    stats socket /run/haproxy/admin.sock mode 660 level admin\n"                              \
    "\n"                                                                                           \
    "defaults\n"                                                                                   \
    "    mode http\n"                                                                              \
    "    timeout connect 1s\n"                                                                     \
    "    timeout client 10s\n"                                                                     \
    "    timeout server 10s\n"                                                                     \
    "frontend fe_web\n"                                                                            \
    "    bind *:80\n"                                                                              \
    "    default_backend be_web\n"                                                                 \
    "\n"                                                                                           \
    "frontend fe_api\n"                                                                            \
    "    bind *:8443\n"                                                                            \
    "    maxconn 500\n"                                                                            \
    "    default_backend be_api\n"                                                                 \
    "\n"                                                                                           \
    "backend be_api\n"                                                                             \
    "    server app1 10.0.0.11:8080 check maxconn 100\n"                                           \
    "    server app2 10.0.0.12:8080 check maxconn 100\n"                                           \
    "\n"                                                                                           \
    "\n"                                                                                           \
    "backend be_web\n"                                                                             \
    "    server web1 10.0.0.21:80 check\n"

/* Another file: its sections must be the same, in the same order. */
static inline void bench_configure(struct bench *bench, const char *text)
{
    struct strings environment = {0};
    struct err err = {0};

    strings_add(&environment, bench->arena, "LIMIT=100");

    bench->file = (struct cfg_file){"/etc/haproxy/haproxy.cfg", span_of(text)};
    if (cfg_parse(&bench->file, 1, &environment, bench->arena, &bench->cfg, &err) < 0 ||
        bench->cfg->proxy_count != 5) {
        (void)fprintf(stderr, "bench: %s\n", err.text);
        abort();
    }
    bench->web = bench->cfg->proxies[1];
    bench->api = bench->cfg->proxies[2];
    bench->be_api = bench->cfg->proxies[3];
    bench->be_web = bench->cfg->proxies[4];
    bench->web_bind = bench->web->binds;
    bench->api_bind = bench->api->binds;
    bench->apps = bench->be_api->servers;
    bench->web1 = bench->be_web->servers;
    bench->socket = bench->cfg->global.stats_sockets;
    bench->facts.cfg = bench->cfg;
}

/* A piece of the file becomes another. */
static inline void bench_edit(struct bench *bench, const char *from, const char *to)
{
    const char *text = bench->file.bytes.ptr, *at = strstr(text, from);

    if (at == NULL)
        abort();
    bench_configure(bench, arena_printf(bench->arena, "%.*s%s%s", (int)(at - text), text, to,
                                        at + strlen(from)));
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
    bench->sysctls[SYSCTL_SOMAXCONN] = (struct sysctl_fact){
        .key = "net.core.somaxconn", .running = "4096", .kernel_default = "4096"};
    for (size_t i = 0; i < 3; i++) {
        bench->probes[i] = (struct probe){addresses[i], ports[i], 0, 600, NULL};
        bench->destinations[i] =
            bench_destination("10.0.0.5", addresses[i], ports[i], 40, 30, 10, 0);
    }
    bench->listeners[LISTENER_80] = bench_listener("0.0.0.0", 80, 0, 1000, 1);
    bench->listeners[LISTENER_8443] = bench_listener("0.0.0.0", 8443, 0, 500, 2);
    bench->port_listeners[0] =
        (struct port_listener){80, "0.0.0.0", {1, 901, "haproxy", "/usr/sbin/haproxy", true}};
    bench->port_listeners[1] =
        (struct port_listener){8443, "0.0.0.0", {2, 901, "haproxy", "/usr/sbin/haproxy", true}};
    bench->facts.ports = (struct port_facts){
        .listeners = bench->port_listeners, .listener_count = 2, .complete = true};
    bench->listeners[LISTENER_SSH] = bench_listener("0.0.0.0", 22, 0, 128, 3);
}

static inline struct bench *bench_new(void)
{
    struct arena *arena = arena_new();
    struct bench *bench = arena_alloc(arena, sizeof *bench);
    struct facts *facts = &bench->facts;

    bench->arena = arena;
    bench_configure(bench, BENCH_CONFIG);
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
    facts->worker_started = facts->time - 3600;
    facts->cfg_changed = facts->time - 7200;
    facts->cfg_changed_file = "/etc/haproxy/haproxy.cfg";
    facts->master = (struct haproxy_proc){.failed_reloads = 0, .reloads = 1, .worker = 901};
    facts->open_descriptors = 80;
    facts->capabilities = UINT64_MAX;
    facts->capabilities_known = true;
    facts->messages = (struct haproxy_messages){.from = "journal"};
    facts->memory_available_kib = 4 * 1024 * 1024;
    facts->unit = (struct unit){.exists = true, .name = "haproxy.service"};
    facts->systemd_unit = (struct systemd_unit){
        .loaded = true, .active_state = "active", .sub_state = "running", .result = "success"};
    facts->info = (struct haproxy_info){bench->fields, FIELD_COUNT};
    facts->stats = bench->rows;
    facts->stat_count = ROW_COUNT;
    facts->sysctls = bench->sysctls;
    facts->sysctl_count = SYSCTL_COUNT;
    facts->sockets =
        (struct sockets){bench->listeners, LISTENER_SSH + 1, bench->destinations, DEST_COUNT};
    facts->probes = bench->probes;
    facts->probe_count = PROBE_COUNT;
    facts->budget = (struct fd_budget){.maxconn = 1000,
                                       .need = 2040,
                                       .limit = 20000,
                                       .maxconn_that_fits = 9980,
                                       .is_strict = true,
                                       .formula = "10 + 2 listeners + ... = 2040",
                                       .limit_from = "hard limit 20000 of the running master"};
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
        facts->probe_count = facts->asked_count = facts->source_tried_count = 0;
    if (source == SOURCE_SYSCTL)
        facts->sysctl_count = 0;
    if (source == SOURCE_PORTS)
        facts->ports = (struct port_facts){0};
    if (source == SOURCE_JOURNAL)
        facts->messages = (struct haproxy_messages){0};
    if (source == SOURCE_MASTER)
        facts->master = (struct haproxy_proc){0};
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
    bench_lose(bench, SOURCE_MASTER, SOURCE_ABSENT);
    bench_lose(bench, SOURCE_PORTS, SOURCE_ABSENT);
    bench_lose(bench, SOURCE_JOURNAL, SOURCE_ABSENT);
    facts->stats_error = NULL;
    facts->told_failures = -1;
    facts->worker_started = facts->cfg_changed = 0;
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

/* The worker has `limit` descriptors, as its master has, and holds `open` of them. */
static inline void bench_descriptors(struct bench *bench, uint64_t limit, int64_t open)
{
    bench->haproxy.limit_soft = bench->haproxy.limit_hard = limit;
    bench->haproxy.worker_limit_soft = limit;
    bench->facts.budget.limit = limit;
    bench->facts.open_descriptors = open;
}

/* HAProxy, or systemd, said this. */
static inline void bench_say(struct bench *bench, const char *text)
{
    struct haproxy_messages *messages = &bench->facts.messages;
    bool of_systemd = strncmp(text, "haproxy.service: ", 17) == 0;

    if (!messages_add(messages, bench->arena, bench->facts.time - 30, of_systemd ? 1 : 900,
                      of_systemd, span_of(text)))
        abort();
}

/* Another process listens on 8443. */
static inline void bench_take(struct bench *bench, struct port_owner owner)
{
    bench->port_listeners[1].owner = owner;
    bench->facts.ports.listener_count = 2;
    bench->listeners[LISTENER_8443] = bench_listener("0.0.0.0", 8443, 0, 128, owner.inode);
}

/* A connection to another host has 8443 as its own port. */
static inline void bench_hold(struct bench *bench)
{
    bench->port_hold = (struct port_hold){8443, 1, 1, "10.0.0.5:8443", "10.0.0.99:443", 0};
    bench->facts.ports.holds = (struct port_holds){&bench->port_hold, 1};
}

/* Nobody listens on 8443. */
static inline void bench_unbound(struct bench *bench)
{
    bench->facts.ports.listener_count = 1;
    bench->listeners[LISTENER_8443] = bench->listeners[LISTENER_SSH];
}

/* LimitNOFILE in a drop-in that systemd has loaded. */
static inline void bench_unit_limit(struct bench *bench, uint64_t limit)
{
    struct facts *facts = &bench->facts;

    facts->unit.limit_soft = facts->unit.limit_hard = limit;
    facts->unit.limit_text = arena_printf(bench->arena, "%ju", (uintmax_t)limit);
    facts->unit.limit_file = "/etc/systemd/system/haproxy.service.d/limits.conf";
    facts->unit.limit_line = 2;
    facts->systemd_unit.limit_soft = facts->systemd_unit.limit_hard = limit;
}

/* The file was edited while the worker ran: another maxconn. */
static inline void bench_edited(struct bench *bench, uint64_t maxconn)
{
    bench->cfg->global.maxconn.value = maxconn;
    bench->facts.budget.maxconn = maxconn;
    bench->facts.budget.need = 2 * maxconn + 40;
    bench->facts.cfg_changed = bench->facts.worker_started + 60;
}

/* `other` loses to `winner`: two lines that set the same key. */
static inline void bench_two_files(struct bench *bench, size_t sysctl,
                                   struct sysctl_boot_fact other, struct sysctl_boot_fact winner)
{
    struct sysctl_fact *fact = &bench->sysctls[sysctl];

    fact->others = arena_alloc(bench->arena, sizeof *fact->others);
    fact->others[0] = other;
    fact->other_count = 1;
    fact->boot = winner;
}

static inline void bench_full_frontend(struct bench *bench, size_t row, size_t listener,
                                       uint32_t queue)
{
    bench->rows[row].sessions = bench->rows[row].session_limit;
    bench->listeners[listener].queue = queue;
}

#endif
