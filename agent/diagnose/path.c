#include "agent/diagnose/path.h"

#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/causes.h"

/* One lost segment in fifty makes a transfer wait again and again; fewer than these are noise. */
enum { LOSS_PERCENT = 2, SEGMENTS_MIN = 100, RETRANSMITTED_MIN = 5, SLOW_MS = 100 };
/* What a lost first packet costs at least; fewer connections than these are no percentile. */
enum { FIRST_AGAIN_MS = 1000, LOGGED_MIN = 20 };

const struct firewall_answer *path_rule(const struct diagnosis_work *work,
                                        const struct server_view *view)
{
    const struct firewall *firewall = &work->facts->net.firewall;

    for (size_t i = 0; facts_have(work->facts, SOURCE_FIREWALL) && i < firewall->answer_count;
         i++) {
        const struct firewall_answer *answer = &firewall->answers[i];
        if (answer->question.way == FIREWALL_OUT && answer->question.port == view->port &&
            look_same(answer->question.address, view->address) &&
            (answer->verdict == FIREWALL_DROPS || answer->verdict == FIREWALL_REJECTS))
            return answer;
    }
    return NULL;
}

const char *path_unread_rules(const struct diagnosis_work *work)
{
    return facts_have(work->facts, SOURCE_FIREWALL) ? work->facts->net.firewall.unread : NULL;
}

const char *path_rules_command(const struct diagnosis_work *work)
{
    return path_unread_rules(work) == NULL ? "nft list ruleset; iptables -S"
                                           : "nft list ruleset; iptables-legacy-save";
}

static const struct path *find_path(const struct diagnosis_work *work,
                                    const struct server_view *view)
{
    return facts_have(work->facts, SOURCE_LINKS)
               ? links_path(&work->facts->net.links, view->address)
               : NULL;
}

bool path_is_silent(const struct diagnosis_work *work, const char *address)
{
    const struct path *path = facts_have(work->facts, SOURCE_LINKS) && address != NULL
                                  ? links_path(&work->facts->net.links, address)
                                  : NULL;

    return path != NULL && path->state == PATH_ROUTED && path->neighbour == NEIGHBOUR_SILENT;
}

static const char *neighbour_text(struct diagnosis_work *work, const struct path *path)
{
    switch (path->neighbour) {
    case NEIGHBOUR_SEEN:
        return path->hardware != NULL
                   ? arena_printf(work->arena, ", whose hardware address is %s", path->hardware)
                   : ", which answers";
    case NEIGHBOUR_SILENT:
        return ", which does not answer for that address (no neighbour)";
    case NEIGHBOUR_NEEDLESS:
    case NEIGHBOUR_UNKNOWN:
        break;
    }
    return "";
}

static const char *link_text(const struct link *link)
{
    return link == NULL ? "?" : link->name;
}

static bool is_cut(const struct path *path)
{
    return path->link != NULL && !path->link->loopback && (!path->link->up || !path->link->carrier);
}

void path_tell(struct diagnosis_work *work, struct finding *finding, const struct server_view *view)
{
    const struct firewall_answer *rule = path_rule(work, view);
    const struct path *path = find_path(work, view);

    if (rule != NULL)
        diagnose_evidence(work, finding, SOURCE_FIREWALL,
                          "this host %s what it sends to %s:%" PRIu32 " by %s",
                          rule->verdict == FIREWALL_DROPS ? "drops" : "rejects",
                          look_shown(view->address), view->port, rule->place);
    if (path == NULL)
        return;
    if (path->state == PATH_NONE)
        diagnose_evidence(work, finding, SOURCE_LINKS, "no route to %s", path->target);
    else if (path->state == PATH_FORBIDDEN)
        diagnose_evidence(work, finding, SOURCE_LINKS, "a route of this host refuses %s",
                          path->target);
    else if (path->state == PATH_ROUTED)
        diagnose_evidence(work, finding, SOURCE_LINKS, "route to %s: %s%s over %s%s%s",
                          path->target, path->gateway ? "by gateway " : "direct",
                          path->gateway ? path->hop : "", link_text(path->link),
                          is_cut(path) ? ", which is down" : "", neighbour_text(work, path));
}

const struct probe_answer *path_answer(const struct diagnosis_work *work,
                                       const struct server_view *view)
{
    const struct probe_answer *answer = view->probe != NULL ? view->probe->answer : NULL;

    return answer == NULL || look_is_loopback(answer->from) ||
                   links_have(&work->facts->net.links, answer->from)
               ? NULL
               : answer;
}

static const char *advise_answer(struct diagnosis_work *work, const struct server_view *view,
                                 const struct probe_answer *answer)
{
    const char *target = look_shown(view->address);
    bool is_there = strcmp(answer->from, target) == 0;

    if (answer->is_filter)
        return arena_printf(work->arena,
                            "let tcp/%" PRIu32 " from %s pass in the firewall %s %s: it is that "
                            "which answers, not the service of %s/%s",
                            view->port, look_shown(work->facts->host_name),
                            is_there ? "of" : "on the way, at", answer->from, view->backend,
                            view->name);
    return arena_printf(work->arena,
                        "on the router %s: see its route to %s, and whether it finds that host "
                        "(%s/%s)",
                        answer->from, target, view->backend, view->name);
}

const char *path_advise(struct diagnosis_work *work, const struct server_view *view)
{
    const struct firewall_answer *rule = path_rule(work, view);
    const struct probe_answer *answer = path_answer(work, view);
    const struct path *path = find_path(work, view);
    struct arena *arena = work->arena;

    if (rule != NULL)
        return arena_printf(arena,
                            "let tcp/%" PRIu32 " to %s pass in this host's own packet filter: "
                            "%s (%s/%s)",
                            view->port, look_shown(view->address), rule->place, view->backend,
                            view->name);
    if (answer != NULL)
        return advise_answer(work, view, answer);
    if (path == NULL)
        return NULL;
    if (path->state == PATH_NONE)
        return arena_printf(arena,
                            "add a route to %s, which this host has none to (ip route add %s via "
                            "GATEWAY), or correct the server line of %s/%s",
                            path->target, path->target, view->backend, view->name);
    if (path->state == PATH_FORBIDDEN)
        return arena_printf(arena,
                            "take away the route of this host that refuses %s (ip route show; "
                            "types unreachable, prohibit, blackhole) (%s/%s)",
                            path->target, view->backend, view->name);
    if (path->state != PATH_ROUTED)
        return NULL;
    if (is_cut(path))
        return arena_printf(arena,
                            "bring up %s, over which the route to %s goes: it is down (%s/%s)",
                            link_text(path->link), path->target, view->backend, view->name);
    if (path->neighbour == NEIGHBOUR_SILENT)
        return arena_printf(arena,
                            "see that %s%s is up and on the network of %s: it does not answer "
                            "there (ip neigh show %s) (%s/%s)",
                            path->gateway ? "the gateway " : "", look_shown(path->hop),
                            link_text(path->link), look_shown(path->hop), view->backend,
                            view->name);
    if (path->neighbour == NEIGHBOUR_UNKNOWN)
        return NULL;
    return arena_printf(
        arena,
        "find the firewall that answers for %s, on it%s: this host has a route "
        "there, and %s is seen, so that somebody rejects tcp/%" PRIu32 "%s (%s/%s)",
        path->target,
        path->gateway
            ? arena_printf(arena, ", on the gateway %s or behind it", look_shown(path->hop))
            : "",
        path->gateway ? "the gateway" : "it", view->port,
        path_unread_rules(work) != NULL ? ", if no rule of this host's own old iptables does" : "",
        view->backend, view->name);
}

/* ---- network-slow ---- */

struct measured {
    uint64_t segments, retransmitted;
    uint32_t connections, retrying;
    uint32_t round_trip_us, least_us;
};

static struct measured measure(const struct sockets *sockets, const struct server_view *view)
{
    struct measured sum = {0};
    uint64_t all_us = 0;

    for (size_t i = 0; i < sockets->destination_count; i++) {
        const struct destination *to = &sockets->destinations[i];
        if (to->measured == 0 || to->port != view->port || !look_same(to->address, view->address))
            continue;
        sum.segments += to->segments;
        sum.retransmitted += to->retransmitted;
        sum.connections += to->measured;
        sum.retrying += to->retrying;
        all_us += (uint64_t)to->round_trip_us * to->measured;
        if (to->least_round_trip_us > 0 &&
            (sum.least_us == 0 || to->least_round_trip_us < sum.least_us))
            sum.least_us = to->least_round_trip_us;
    }
    if (sum.connections > 0)
        sum.round_trip_us = (uint32_t)(all_us / sum.connections);
    return sum;
}

static bool is_lossy(const struct measured *measured)
{
    return measured->segments >= SEGMENTS_MIN && measured->retransmitted >= RETRANSMITTED_MIN &&
           measured->retransmitted * 100 >= measured->segments * LOSS_PERCENT;
}

bool path_is_lossy(const struct diagnosis_work *work, const struct server_view *view)
{
    if (!facts_have(work->facts, SOURCE_SOCKETS) || view->address == NULL)
        return false;
    struct measured measured = measure(&work->facts->sockets, view);
    return is_lossy(&measured);
}

static const struct log_percentiles *connects_of(const struct log_group *log)
{
    return log != NULL && log->timers[LOG_TIMER_TC].count >= LOGGED_MIN ? &log->timers[LOG_TIMER_TC]
                                                                        : NULL;
}

/* Some connections took whole seconds while half of them took none. Tc also counts the turn-around
 * of a try that was refused: then the log says that there were such tries. */
static bool waits_for_first_packets(const struct log_group *log)
{
    const struct log_percentiles *connects = connects_of(log);

    return connects != NULL && connects->p99 >= FIRST_AGAIN_MS && connects->p50 < SLOW_MS &&
           log->retried * 100 < log->requests;
}

static void find_slow(struct diagnosis_work *work, const struct cause *cause,
                      const struct server_view *view, const struct measured *measured)
{
    const struct net_facts *net = &work->facts->net;
    int64_t connect_ms = view->row->connect_ms, rise = -1;

    if (facts_have(work->facts, SOURCE_NETSTAT))
        rise = net->rise.at[NETSTAT_RETRANSMITTED];
    bool slow_connect =
        connect_ms >= SLOW_MS && connect_ms * 1000 > 3 * (int64_t)measured->least_us;
    bool slow_trips = measured->round_trip_us >= SLOW_MS * 1000U &&
                      measured->round_trip_us / 3 > measured->least_us;
    const struct log_group *log = look_log_of(work, view);
    const struct log_percentiles *connects = connects_of(log);
    bool proven = slow_connect || slow_trips || measured->retrying > 0 || rise > 0 ||
                  waits_for_first_packets(log);
    struct finding *finding =
        diagnose_find(work, cause, proven ? FINDING_PROVEN : FINDING_POSSIBLE,
                      arena_printf(work->arena, "%s/%s", view->backend, view->name));
    finding->summary = arena_printf(
        work->arena,
        "the network to %s/%s loses packets: %" PRIu64 " of %" PRIu64 " segments were sent again",
        view->backend, view->name, measured->retransmitted, measured->segments);
    diagnose_evidence(work, finding, SOURCE_SOCKETS,
                      "%" PRIu32 " connections to %s:%" PRIu32 ": %" PRIu64 " of %" PRIu64
                      " segments sent again, %" PRIu32 " wait to be; a round trip takes %" PRIu32
                      ".%" PRIu32 " ms, at best %" PRIu32 ".%" PRIu32 " ms",
                      measured->connections, look_shown(view->address), view->port,
                      measured->retransmitted, measured->segments, measured->retrying,
                      measured->round_trip_us / 1000, measured->round_trip_us % 1000 / 100,
                      measured->least_us / 1000, measured->least_us % 1000 / 100);
    if (connect_ms >= 0)
        diagnose_evidence(work, finding, SOURCE_STATS,
                          "%s/%s: on average %" PRId64 " ms for the connection", view->backend,
                          view->name, connect_ms);
    if (connects != NULL)
        diagnose_evidence(work, finding, SOURCE_LOGS,
                          "%s/%s Tc: half of %" PRIu64 " connections stood within %" PRId64
                          " ms, 95 %% within %" PRId64 " ms, 99 %% within %" PRId64 " ms%s",
                          view->backend, view->name, connects->count, connects->p50, connects->p95,
                          connects->p99,
                          waits_for_first_packets(log)
                              ? ": a first packet that is lost costs 1 s, then 3 s, then 7 s"
                              : "");
    if (rise >= 0)
        diagnose_evidence(work, finding, SOURCE_NETSTAT,
                          "%s +%" PRId64 " in %" PRId64 " ms, to all destinations",
                          netstat_name(NETSTAT_RETRANSMITTED), rise, net->sample_ms);
    strings_add(
        &finding->consequences, work->arena,
        "each loss holds an answer up by 0.2 to 1 second and more, whatever the server does");
    strings_addf(
        &finding->advice, work->arena,
        "see the way from %s to %s: a full or broken link, a duplex mismatch, a policer, a "
        "firewall that drops some packets",
        look_shown(work->facts->host_name), look_shown(view->address));
    if (!proven) {
        finding->severity = SEVERITY_NOTICE;
        finding->settle = "whether it still goes on: nothing was sent again while hamedic looked";
    }
}

void path_look_network_slow(struct diagnosis_work *work, const struct cause *cause)
{
    if (work->facts->tree || !facts_have(work->facts, SOURCE_SOCKETS) ||
        !facts_have(work->facts, SOURCE_STATS))
        return;
    for (size_t i = 0; i < work->server_count; i++) {
        const struct server_view *view = &work->servers[i];
        if (view->address == NULL || view->row == NULL || !look_takes_traffic(view))
            continue;
        struct measured measured = measure(&work->facts->sockets, view);
        if (is_lossy(&measured))
            find_slow(work, cause, view, &measured);
    }
}
