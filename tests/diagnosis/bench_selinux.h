/* tests/diagnosis/bench_selinux: the healthy host of bench.h under an enforcing SELinux, and ways to
 * break it.
 * Use:     bench_selinux(bench); then bench_forbid, bench_denial, ...
 * Shapes:  HAProxy runs as haproxy_t; its ports are http_port_t and http_cache_port_t, which it may
 *          use; haproxy_connect_any is off and off at the next boot; the log has no denial.
 */
#ifndef HAMEDIC_TESTS_DIAGNOSIS_BENCH_SELINUX_H
#define HAMEDIC_TESTS_DIAGNOSIS_BENCH_SELINUX_H

#include "tests/diagnosis/bench.h"

#define DENIED_TEXT "General socket error (Permission denied)"

static inline void bench_port(struct bench *bench, const char *protocol, uint32_t port,
                              const char *type, unsigned wanted)
{
    struct selinux_facts *selinux = &bench->facts.selinux;

    ARENA_PUSH(bench->arena, selinux->ports, selinux->port_count) =
        (struct selinux_port_fact){.protocol = protocol,
                                   .port = port,
                                   .type = type,
                                   .wanted = wanted,
                                   .allowed = SELINUX_CONNECT | SELINUX_BIND};
}

static inline void bench_selinux(struct bench *bench)
{
    struct selinux_facts *selinux = &bench->facts.selinux;

    *selinux = (struct selinux_facts){.mode = SELINUX_ENFORCING,
                                      .domain = "haproxy_t",
                                      .store = SEMANAGE_SOUND,
                                      .store_path = "/var/lib/selinux/targeted",
                                      .installed = "/etc/selinux/targeted"};
    bench_port(bench, "tcp", 80, "http_port_t", SELINUX_CONNECT | SELINUX_BIND);
    bench_port(bench, "tcp", 8080, "http_cache_port_t", SELINUX_CONNECT);
    bench_port(bench, "tcp", 8443, "http_port_t", SELINUX_BIND);
    ARENA_PUSH(bench->arena, selinux->booleans, selinux->boolean_count) =
        (struct selinux_boolean_fact){.name = "haproxy_connect_any"};
}

static inline struct selinux_port_fact *bench_port_fact(struct bench *bench, const char *protocol,
                                                        uint32_t port)
{
    struct selinux_facts *selinux = &bench->facts.selinux;

    for (size_t i = 0; i < selinux->port_count; i++)
        if (selinux->ports[i].port == port && strcmp(selinux->ports[i].protocol, protocol) == 0)
            return &selinux->ports[i];
    abort();
}

/* The port is of this type, which haproxy_t may not use. What would help is what a targeted policy
 * has: the boolean of many domains stands before HAProxy's own. */
static inline struct selinux_port_fact *bench_forbid(struct bench *bench, const char *protocol,
                                                     uint32_t port, const char *type)
{
    static const struct selinux_boolean_effect effects[] = {
        {.name = "nis_enabled", .connect_ports = 64512, .bind_ports = 64512, .other_domains = 120},
        {.name = "haproxy_connect_any", .connect_ports = 65501, .bind_ports = 65513},
    };
    struct selinux_port_fact *fact = bench_port_fact(bench, protocol, port);

    fact->type = type;
    fact->allowed = 0;
    for (unsigned uses = 1; uses < SELINUX_CURES; uses++) {
        struct selinux_cure *cure = &fact->cures[uses];
        *cure = (struct selinux_cure){.boolean_count = 2};
        cure->booleans = arena_alloc(bench->arena, sizeof effects);
        memcpy(cure->booleans, effects, sizeof effects);
        strings_add(&cure->types, bench->arena, "http_port_t");
        strings_add(&cure->types, bench->arena, "http_cache_port_t");
    }
    return fact;
}

static inline struct denial *bench_denial(struct bench *bench, const char *permission,
                                          uint32_t port)
{
    struct denials *denials = &bench->facts.denials;
    struct denial *denial = &ARENA_PUSH(bench->arena, denials->at, denials->count);

    *denial = (struct denial){.permission = permission,
                              .object = "tcp_socket",
                              .port = port,
                              .source_type = "haproxy_t",
                              .target_type = "unreserved_port_t",
                              .comm = "haproxy",
                              .exe = "/usr/sbin/haproxy",
                              .count = 214,
                              .first = 1795336651,
                              .last = 1795337200};
    return denial;
}

/* Both servers of be_api are kept from: tcp/8080 is nobody's, and forbidden. */
static inline struct selinux_port_fact *bench_denied_servers(struct bench *bench)
{
    bench_selinux(bench);
    bench_check(bench, ROW_APP1, "DOWN", "L4CON", DENIED_TEXT);
    bench_check(bench, ROW_APP2, "DOWN", "L4CON", DENIED_TEXT);
    return bench_forbid(bench, "tcp", 8080, "unreserved_port_t");
}

/* The last start or reload failed: nobody listens on tcp/8443. */
static inline struct selinux_port_fact *bench_denied_bind(struct bench *bench)
{
    bench_selinux(bench);
    bench->listeners[LISTENER_8443] = bench->listeners[LISTENER_SSH];
    return bench_forbid(bench, "tcp", 8443, "unreserved_port_t");
}

static inline void bench_stop(struct bench *bench)
{
    bench->haproxy = (struct haproxy){.program = "/usr/sbin/haproxy", .unit = "haproxy.service"};
    bench->facts.systemd_unit.active_state = "failed";
    bench->facts.systemd_unit.sub_state = "failed";
    bench->facts.systemd_unit.result = "exit-code";
    bench->facts.sockets.listener_count = 0;
    bench_lose(bench, SOURCE_PROCESS, SOURCE_ABSENT);
    bench_lose(bench, SOURCE_STATS, SOURCE_ABSENT);
}

#endif
