/* tests/diagnosis/bench_net: the network of the healthy host, and ways to break it.
 * Use:     bench_net(bench) once; then what breaks it.
 * Shapes:  the host is 10.0.0.5 on eth0 and reaches its servers by the gateway 10.0.0.1.
 */
#ifndef HAMEDIC_TESTS_DIAGNOSIS_BENCH_NET_H
#define HAMEDIC_TESTS_DIAGNOSIS_BENCH_NET_H

#include "tests/diagnosis/bench.h"

enum { NET_SAMPLES = 2, NET_PATHS = 4, NET_ANSWERS = 5, NET_ADDRESSES = 2, NET_LINKS = 2 };
enum { ANSWER_80, ANSWER_8443, ANSWER_APP1, ANSWER_APP2, ANSWER_WEB1 };
enum { PATH_APP1, PATH_APP2, PATH_WEB1, PATH_VIP };

static inline void bench_sysctl(struct bench *bench, const char *key, const char *value)
{
    struct facts *facts = &bench->facts;

    for (size_t i = 0; i < facts->sysctl_count; i++)
        if (strcmp(facts->sysctls[i].key, key) == 0) {
            facts->sysctls[i].running = value;
            return;
        }
    struct sysctl_fact *more = arena_alloc(bench->arena, (facts->sysctl_count + 1) * sizeof *more);
    memcpy(more, facts->sysctls, facts->sysctl_count * sizeof *more);
    more[facts->sysctl_count++] = (struct sysctl_fact){.key = key, .running = value};
    facts->sysctls = more;
}

static inline void bench_net(struct bench *bench)
{
    static const char *const targets[] = {"10.0.0.11", "10.0.0.12", "10.0.0.21", "10.0.0.99"};
    struct net_facts *net = &bench->facts.net;
    struct arena *arena = bench->arena;

    net->sample_ms = 500;
    net->conntrack_dropped_rise = net->conntrack_evicted_rise = 0;
    net->conntrack = (struct conntrack){.count = 900, .max = 262144};
    net->listeners = arena_alloc(arena, NET_SAMPLES * sizeof *net->listeners);
    net->listener_count = NET_SAMPLES;
    net->listeners[0] = (struct listener_sample){
        .address = "0.0.0.0", .port = 80, .queue_limit = 1000, .drops_known = true};
    net->listeners[1] = (struct listener_sample){
        .address = "0.0.0.0", .port = 8443, .queue_limit = 500, .drops_known = true};
    net->links.links = arena_alloc(arena, NET_LINKS * sizeof *net->links.links);
    net->links.link_count = NET_LINKS;
    net->links.links[0] =
        (struct link){.name = "lo", .index = 1, .loopback = true, .up = true, .direct = true};
    net->links.links[1] = (struct link){.name = "eth0", .index = 2, .up = true, .carrier = true};
    net->links.addresses = arena_alloc(arena, NET_ADDRESSES * sizeof *net->links.addresses);
    net->links.address_count = NET_ADDRESSES;
    net->links.addresses[0] = (struct link_address){"127.0.0.1", &net->links.links[0]};
    net->links.addresses[1] = (struct link_address){"10.0.0.5", &net->links.links[1]};
    net->links.paths = arena_alloc(arena, NET_PATHS * sizeof *net->links.paths);
    net->links.path_count = NET_PATHS;
    net->firewall.answers = arena_alloc(arena, NET_ANSWERS * sizeof *net->firewall.answers);
    net->firewall.answer_count = NET_ANSWERS;
    for (size_t i = 0; i < NET_PATHS; i++)
        net->links.paths[i] = (struct path){.target = targets[i],
                                            .state = PATH_ROUTED,
                                            .link = &net->links.links[1],
                                            .hop = "10.0.0.1",
                                            .gateway = true,
                                            .neighbour = NEIGHBOUR_SEEN,
                                            .hardware = "02:00:00:00:00:01"};
    net->firewall.answers[ANSWER_80].question =
        (struct firewall_question){FIREWALL_IN, "0.0.0.0", 80};
    net->firewall.answers[ANSWER_8443].question =
        (struct firewall_question){FIREWALL_IN, "0.0.0.0", 8443};
    for (size_t i = 0; i < 3; i++)
        net->firewall.answers[ANSWER_APP1 + i].question =
            (struct firewall_question){FIREWALL_OUT, targets[i], i < 2 ? 8080 : 80};
    bench_sysctl(bench, "net.ipv4.tcp_syncookies", "1");
    bench_sysctl(bench, "net.ipv4.tcp_max_syn_backlog", "128");
    bench_sysctl(bench, "net.ipv4.ip_nonlocal_bind", "0");
    bench_sysctl(bench, "net.netfilter.nf_conntrack_max", "262144");
    for (size_t i = 0; i < DEST_COUNT; i++) {
        bench->destinations[i].measured = 30;
        bench->destinations[i].segments = 40000;
        bench->destinations[i].retransmitted = 3;
        bench->destinations[i].round_trip_us = 700;
        bench->destinations[i].least_round_trip_us = 400;
    }
}

/* Connections to *:8443 overflow its queue of `limit`. */
static inline void bench_overflow(struct bench *bench, uint32_t limit)
{
    struct net_facts *net = &bench->facts.net;

    net->rise.at[NETSTAT_LISTEN_OVERFLOWS] = net->rise.at[NETSTAT_LISTEN_DROPS] = 40;
    net->total.at[NETSTAT_LISTEN_OVERFLOWS] = net->total.at[NETSTAT_LISTEN_DROPS] = 900;
    net->listeners[1].queue_limit = bench->listeners[LISTENER_8443].queue_limit = limit;
    net->listeners[1].queue_most = limit + 1;
    net->listeners[1].drops = 900;
    net->listeners[1].drops_rise = 40;
}

static inline void bench_half_open(struct bench *bench, uint32_t count)
{
    struct net_facts *net = &bench->facts.net;

    bench->listeners[LISTENER_80].half_open = count;
    net->rise.at[NETSTAT_LISTEN_DROPS] = 60;
    bench_sysctl(bench, "net.ipv4.tcp_syncookies", "0");
}

static inline void bench_shut(struct bench *bench, size_t answer, enum firewall_verdict verdict,
                              bool names_port)
{
    struct firewall_answer *shut = &bench->facts.net.firewall.answers[answer];

    shut->verdict = verdict;
    shut->names_port = names_port;
    shut->place = "chain inet filter input, rule with handle 7";
    shut->is_counted = true;
    shut->packets = 31;
}

/* fe_web listens on 10.0.0.99, which is not this host's. */
static inline void bench_vip(struct bench *bench, bool listens)
{
    bench_edit(bench, "bind *:80\n", "bind 10.0.0.99:80\n");
    bench->listeners[LISTENER_80].address = listens ? "10.0.0.99" : "127.0.0.7";
    bench->facts.net.listeners[0].address = bench->listeners[LISTENER_80].address;
}

static inline void bench_lossy(struct bench *bench)
{
    bench->destinations[DEST_APP1].retransmitted = 2100;
    bench->destinations[DEST_APP1].retrying = 4;
    bench->rows[ROW_APP1].connect_ms = 320;
}

#endif
