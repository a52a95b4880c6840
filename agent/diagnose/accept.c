#include "agent/diagnose/accept.h"

#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/causes.h"

#define SOMAXCONN   "net.core.somaxconn"
#define SYN_BACKLOG "net.ipv4.tcp_max_syn_backlog"
#define COOKIES     "net.ipv4.tcp_syncookies"
#define TRACKED_MAX "net.netfilter.nf_conntrack_max"

enum { BACKLOG_DEFAULT = 1024, FACTOR = 4, IDLE_ENOUGH = 5 };

/* ---- what a listener asks for ---- */

static struct cfg_number effective_backlog(const struct cfg_proxy *proxy)
{
    for (; proxy != NULL; proxy = proxy->defaults)
        if (proxy->backlog.set && proxy->backlog.value > 0)
            return proxy->backlog;
    return (struct cfg_number){0};
}

struct accept_backlog accept_backlog_of(const struct diagnosis_work *work,
                                        const struct cfg_proxy *proxy, const struct cfg_bind *bind)
{
    struct cfg_number of_proxy = effective_backlog(proxy), own = cfg_effective_maxconn(proxy);
    const struct facts *facts = work->facts;
    int64_t global = look_info(work, "Maxconn");
    const char *kind = proxy->kind == CFG_LISTEN ? "listen" : "frontend";

    if (bind->backlog.set && bind->backlog.value > 0)
        return (struct accept_backlog){bind->backlog.value, "backlog of the bind line", NULL};
    if (of_proxy.set)
        return (struct accept_backlog){
            of_proxy.value, arena_printf(work->arena, "backlog of %s %s", kind, proxy->name), NULL};
    if (bind->maxconn.set && bind->maxconn.value > 0)
        return (struct accept_backlog){bind->maxconn.value, "maxconn of the bind line", NULL};
    if (own.set)
        return (struct accept_backlog){
            own.value, arena_printf(work->arena, "maxconn of %s %s", kind, proxy->name),
            arena_printf(work->arena, "%s/%s", kind, proxy->name)};
    if (global <= 0 && facts->cfg != NULL && facts->cfg->global.maxconn.set)
        global = (int64_t)facts->cfg->global.maxconn.value;
    if (global > 0)
        return (struct accept_backlog){(uint64_t)global, "the global maxconn", NULL};
    return (struct accept_backlog){BACKLOG_DEFAULT, "HAProxy's default", NULL};
}

bool accept_wish_sysctl(struct diagnosis_work *work, const struct cause *cause,
                        struct finding *finding, const char *key, uint64_t value,
                        const char *because)
{
    const struct facts *facts = work->facts;
    const char *address = arena_printf(work->arena, "sysctl.dropin:%s", key);
    uint64_t bound = look_bound(work, address), now = 0;
    const char *text = look_sysctl(work, key);

    if (facts->haproxy->running && !facts->haproxy->same_network) {
        strings_addf(&finding->advice, work->arena,
                     "set %s = %" PRIu64 " in HAProxy's own network namespace (process %d): it is "
                     "not this one",
                     key, value, (int)facts->haproxy->worker);
        return false;
    }
    if (text == NULL || !span_scan_u64(span_of(text), &now)) {
        strings_addf(&finding->advice, work->arena,
                     "set %s = %" PRIu64 " by hand: its value could not be read", key, value);
        return false;
    }
    if (value > bound)
        value = bound;
    if (value <= now) {
        strings_addf(&finding->advice, work->arena,
                     "%s is %" PRIu64 " already: the policy allows no more", key, now);
        return false;
    }
    diagnose_wish(work, cause, address, value, WISH_FLOOR, because);
    return true;
}

/* ---- listen-overflow ---- */

struct overflow {
    const struct cfg_proxy *proxy;
    const struct cfg_bind *bind;
    uint32_t queue, limit;
    uint64_t drops, drops_rise; /* of all its listeners */
    bool known, is_full;
};

static bool serves(const struct listener_sample *sample, const struct cfg_bind *bind)
{
    const struct listener listener = {.address = sample->address, .port = sample->port};
    const struct sockets one = {.listeners = (struct listener[]){listener}, .listener_count = 1};

    return sample->port >= bind->port_low && sample->port <= bind->port_high &&
           look_is_listened(&one, bind, sample->port);
}

static struct overflow look_at_bind(const struct diagnosis_work *work,
                                    const struct cfg_proxy *proxy, const struct cfg_bind *bind)
{
    const struct net_facts *net = &work->facts->net;
    struct overflow overflow = {.proxy = proxy, .bind = bind};

    for (size_t i = 0; look_is_tcp(bind) && i < net->listener_count; i++) {
        const struct listener_sample *sample = &net->listeners[i];
        if (!serves(sample, bind))
            continue;
        overflow.known = true;
        if (sample->queue_most >= overflow.queue) {
            overflow.queue = sample->queue_most;
            overflow.limit = sample->queue_limit;
        }
        overflow.is_full = overflow.is_full ||
                           (sample->queue_limit > 0 && sample->queue_most >= sample->queue_limit);
        overflow.drops += sample->drops;
        overflow.drops_rise += sample->drops_rise;
    }
    return overflow;
}

/* A queue that grows because HAProxy takes no more is what that other cause does. */
static struct finding *find_deeper(const struct diagnosis_work *work, const struct cfg_proxy *proxy)
{
    static const char *const deeper[] = {"global-maxconn", "fd-limit", "system-fd-limit",
                                         "rate-limited"};
    struct diagnosis_result *result = work->result;

    for (size_t i = 0; i < result->finding_count; i++) {
        struct finding *finding = &result->findings[i];
        if (strcmp(finding->cause, "frontend-maxconn") == 0 &&
            look_same(finding->object, proxy->name))
            return finding;
        for (size_t k = 0; finding->state == FINDING_PROVEN && k < sizeof deeper / sizeof *deeper;
             k++)
            if (strcmp(finding->cause, deeper[k]) == 0)
                return finding;
    }
    return NULL;
}

/* Sessions at the limit, whatever else was found: HAProxy itself does not accept. */
static bool is_at_limit(const struct diagnosis_work *work, const struct cfg_proxy *proxy)
{
    const struct haproxy_stat *row = look_row(work, STAT_FRONTEND, proxy->name);
    int64_t maxconn = look_info(work, "Maxconn"), now = look_info(work, "CurrConns");

    return (row != NULL && row->session_limit > 0 && row->sessions >= row->session_limit) ||
           (maxconn > 0 && now >= maxconn);
}

static void tell_overflow(struct diagnosis_work *work, struct finding *finding,
                          const struct overflow *overflow)
{
    const struct net_facts *net = &work->facts->net;

    diagnose_evidence(work, finding, SOURCE_NETSTAT,
                      "%s +%" PRId64 " and %s +%" PRId64 " in %" PRId64 " ms (%" PRId64
                      " and %" PRId64 " in all)",
                      netstat_name(NETSTAT_LISTEN_OVERFLOWS),
                      net->rise.at[NETSTAT_LISTEN_OVERFLOWS], netstat_name(NETSTAT_LISTEN_DROPS),
                      net->rise.at[NETSTAT_LISTEN_DROPS], net->sample_ms,
                      net->total.at[NETSTAT_LISTEN_OVERFLOWS], net->total.at[NETSTAT_LISTEN_DROPS]);
    diagnose_evidence(work, finding, SOURCE_NETSTAT,
                      "the listener of %s: up to %" PRIu32 " waited in its queue of %" PRIu32
                      ", and it lost %" PRIu64 " (%" PRIu64 " since it listens)",
                      look_shown(overflow->bind->text), overflow->queue, overflow->limit,
                      overflow->drops_rise, overflow->drops);
}

static void repair_overflow(struct diagnosis_work *work, const struct cause *cause,
                            struct finding *finding, const struct overflow *overflow)
{
    struct accept_backlog backlog = accept_backlog_of(work, overflow->proxy, overflow->bind);
    uint64_t limit = overflow->limit, kernel = 0;
    uint64_t want = look_new_limit(limit, overflow->queue + overflow->drops_rise, FACTOR);
    const char *text = look_sysctl(work, SOMAXCONN);
    const char *because =
        arena_printf(work->arena, "connections to %s overflow its accept queue of %" PRIu64,
                     look_shown(overflow->bind->text), limit);

    if (text == NULL || !span_scan_u64(span_of(text), &kernel))
        kernel = 0;
    bool by_kernel = backlog.wanted > limit;
    diagnose_evidence(work, finding, SOURCE_CONFIG, "%s asks for a queue of %" PRIu64 " (%s)",
                      look_place(work, overflow->bind->file, overflow->bind->line), backlog.wanted,
                      backlog.by);
    if (kernel > 0)
        diagnose_evidence(work, finding, SOURCE_SYSCTL, SOMAXCONN " = %" PRIu64, kernel);
    finding->summary = arena_printf(
        work->arena, "clients of %s are dropped: its accept queue holds %" PRIu64 ", as %s allows",
        overflow->proxy->name, limit, by_kernel ? SOMAXCONN : backlog.by);
    if (by_kernel && kernel > limit) {
        strings_addf(&finding->advice, work->arena,
                     SOMAXCONN " is %" PRIu64
                               " by now, but this listener still has the queue it was made with",
                     kernel);
    } else if (kernel > 0 && want > kernel) {
        (void)accept_wish_sysctl(work, cause, finding, SOMAXCONN, want, because);
    }
    if (want > backlog.wanted) {
        uint64_t bound =
            backlog.target == NULL
                ? 0
                : look_bound(work, arena_printf(work->arena, "haproxy.maxconn:%s", backlog.target));
        if (backlog.target != NULL && want <= bound &&
            look_edit_obstacle(work, backlog.target) == NULL)
            diagnose_wish(work, cause,
                          arena_printf(work->arena, "haproxy.maxconn:%s", backlog.target), want,
                          WISH_FLOOR, because);
        else
            strings_addf(&finding->advice, work->arena,
                         "add `backlog %" PRIu64
                         "` to the bind line (%s), or raise it there: %s is %" PRIu64,
                         want, look_place(work, overflow->bind->file, overflow->bind->line),
                         backlog.by, backlog.wanted);
    }
    strings_addf(&finding->advice, work->arena,
                 "then restart HAProxy: a listener keeps its queue until it listens again, also "
                 "over a reload (without a restart: `disable frontend %s; enable frontend %s` on "
                 "the stats socket, which refuses clients in between)",
                 overflow->proxy->name, overflow->proxy->name);
    int64_t idle = look_info(work, "Idle_pct");
    if (idle >= 0 && idle < IDLE_ENOUGH)
        strings_addf(&finding->advice, work->arena,
                     "HAProxy is busy (Idle_pct %" PRId64
                     "): a longer queue only makes clients wait, more threads let it accept",
                     idle);
}

static void find_overflow(struct diagnosis_work *work, const struct cause *cause,
                          const struct overflow *overflow)
{
    struct finding *deeper = find_deeper(work, overflow->proxy);

    if (deeper != NULL) {
        strings_addf(
            &deeper->consequences, work->arena,
            "the accept queue of %s overflows: it lost %" PRIu64 " connections in %" PRId64 " ms",
            look_shown(overflow->bind->text), overflow->drops_rise, work->facts->net.sample_ms);
        return;
    }
    if (is_at_limit(work, overflow->proxy))
        return;
    struct finding *finding =
        diagnose_find(work, cause, FINDING_PROVEN,
                      arena_printf(work->arena, "%s %s", overflow->proxy->name,
                                   look_shown(overflow->bind->text)));
    tell_overflow(work, finding, overflow);
    repair_overflow(work, cause, finding, overflow);
    strings_add(&finding->consequences, work->arena,
                "the kernel drops what comes: clients try again after 1, 3, 7 seconds, or time "
                "out; HAProxy neither sees nor logs them");
}

void accept_look_listen_overflow(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;

    if (!facts_have(facts, SOURCE_NETSTAT) || facts->cfg == NULL || !facts->haproxy->running ||
        facts->net.rise.at[NETSTAT_LISTEN_OVERFLOWS] <= 0)
        return;
    for (size_t i = 0; i < facts->cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = facts->cfg->proxies[i];
        for (size_t b = 0; look_is_front(proxy) && !proxy->disabled && b < proxy->bind_count; b++) {
            struct overflow overflow = look_at_bind(work, proxy, &proxy->binds[b]);
            /* The one that overflows, not another that happens to be full. */
            if (overflow.known && (overflow.drops_rise > 0 || overflow.is_full))
                find_overflow(work, cause, &overflow);
        }
    }
}

/* ---- syn-overflow ---- */

static const struct listener *most_half_open(const struct diagnosis_work *work)
{
    const struct sockets *sockets = &work->facts->sockets;
    const struct listener *most = NULL;

    for (size_t i = 0; i < sockets->listener_count; i++)
        if (sockets->listeners[i].half_open > 0 &&
            (most == NULL || sockets->listeners[i].half_open > most->half_open))
            most = &sockets->listeners[i];
    return most;
}

/* The kernel drops a SYN of a peer it does not know once a quarter of the backlog is all that is
 * left (net/ipv4/tcp_input.c tcp_conn_request), with cookies off. */
void accept_look_syn_overflow(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    const struct netstat *rise = &facts->net.rise;
    const struct listener *listener = most_half_open(work);
    const char *cookies = look_sysctl(work, COOKIES), *text = look_sysctl(work, SYN_BACKLOG);
    uint64_t limit = 0;

    if (!facts_have(facts, SOURCE_NETSTAT) || !facts_have(facts, SOURCE_SOCKETS) ||
        listener == NULL || cookies == NULL || strcmp(cookies, "0") != 0 || text == NULL ||
        !span_scan_u64(span_of(text), &limit) || !facts->haproxy->running)
        return;
    int64_t overflows = rise->at[NETSTAT_LISTEN_OVERFLOWS];
    int64_t lost = rise->at[NETSTAT_LISTEN_DROPS] - (overflows > 0 ? overflows : 0);
    bool by_backlog = rise->at[NETSTAT_REQUESTS_FULL_DROP] > 0;
    bool is_near = (uint64_t)listener->half_open + 1 >= limit - limit / 4;
    if (lost <= 0 || !(is_near || by_backlog))
        return;
    struct finding *finding = diagnose_find(
        work, cause, FINDING_PROVEN,
        arena_printf(work->arena, "%s:%" PRIu32, look_shown(listener->address), listener->port));
    finding->summary =
        arena_printf(work->arena,
                     "%" PRIu32 " half-open connections fill the queue of port %" PRIu32
                     ", SYN cookies are off, and new clients are dropped",
                     listener->half_open, listener->port);
    diagnose_evidence(work, finding, SOURCE_NETSTAT,
                      "%s +%" PRId64 ", %s +%" PRId64 ", %s +%" PRId64 " in %" PRId64 " ms",
                      netstat_name(NETSTAT_LISTEN_DROPS), rise->at[NETSTAT_LISTEN_DROPS],
                      netstat_name(NETSTAT_LISTEN_OVERFLOWS), overflows,
                      netstat_name(NETSTAT_REQUESTS_FULL_DROP),
                      rise->at[NETSTAT_REQUESTS_FULL_DROP], facts->net.sample_ms);
    diagnose_evidence(work, finding, SOURCE_SOCKETS, "%" PRIu32 " in SYN-RECV on %s:%" PRIu32,
                      listener->half_open, look_shown(listener->address), listener->port);
    diagnose_evidence(work, finding, SOURCE_SYSCTL, COOKIES " = 0, " SYN_BACKLOG " = %" PRIu64,
                      limit);
    strings_add(&finding->consequences, work->arena,
                "clients that are new to this host get no answer to their SYN, try again and time "
                "out");
    strings_add(&finding->advice, work->arena,
                "set " COOKIES " = 1, the kernel's default: then a full queue turns nobody away");
    strings_add(&finding->advice, work->arena,
                "see who opens them (ss -tn state syn-recv): answers that do not arrive, or a "
                "flood");
    if (by_backlog && !is_near)
        strings_addf(&finding->advice, work->arena,
                     "here the listener's own backlog of %" PRIu32 " is what is full (%s rises): "
                     "raise " SOMAXCONN " and the backlog of the bind line",
                     listener->queue_limit, netstat_name(NETSTAT_REQUESTS_FULL_DROP));
    else
        (void)accept_wish_sysctl(
            work, cause, finding, SYN_BACKLOG,
            look_new_limit(limit, listener->half_open + (uint64_t)lost, FACTOR),
            arena_printf(work->arena, "%" PRIu32 " half-open connections fill it",
                         listener->half_open));
}

/* ---- conntrack-full ---- */

static bool is_full(const struct conntrack *tracked)
{
    return tracked->count >= tracked->max - tracked->max / 100;
}

/* Full, and nobody was turned away: it may be idle connections only, which make room. */
bool accept_tracks_no_more(const struct diagnosis_work *work)
{
    const struct net_facts *net = &work->facts->net;

    return facts_have(work->facts, SOURCE_CONNTRACK) && net->conntrack.max > 0 &&
           net->conntrack.count >= 0 &&
           (net->conntrack_dropped_rise > 0 ||
            (is_full(&net->conntrack) && net->conntrack.dropped > 0));
}

void accept_look_conntrack_full(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    const struct conntrack *tracked = &facts->net.conntrack;
    int64_t dropped = facts->net.conntrack_dropped_rise;

    if (!facts_have(facts, SOURCE_CONNTRACK) || tracked->max <= 0 || tracked->count < 0)
        return;
    bool full = is_full(tracked);
    if (!full && dropped <= 0)
        return;
    bool proven = accept_tracks_no_more(work);
    struct finding *finding =
        diagnose_find(work, cause, proven ? FINDING_PROVEN : FINDING_POSSIBLE, "nf_conntrack");
    finding->summary = arena_printf(work->arena,
                                    "the firewall tracks %" PRId64 " connections of %" PRId64
                                    " that it may, and drops new ones",
                                    tracked->count, tracked->max);
    diagnose_evidence(work, finding, SOURCE_CONNTRACK,
                      "nf_conntrack_count %" PRId64 ", " TRACKED_MAX " %" PRId64, tracked->count,
                      tracked->max);
    if (tracked->dropped >= 0)
        diagnose_evidence(
            work, finding, SOURCE_CONNTRACK,
            "%" PRId64 " dropped for want of room%s, %" PRId64 " others thrown out for it",
            tracked->dropped,
            dropped > 0 ? arena_printf(work->arena, " (%" PRId64 " just now)", dropped) : "",
            tracked->evicted);
    strings_add(&finding->consequences, work->arena,
                "new connections are lost on both sides: clients time out, and so do checks and "
                "connections to servers");
    if (!proven) {
        finding->severity = SEVERITY_WARNING;
        finding->settle = "whether packets are dropped (conntrack -S, drop; \"table full\" in the "
                          "kernel's log)";
        return;
    }
    (void)accept_wish_sysctl(
        work, cause, finding, TRACKED_MAX, look_new_limit((uint64_t)tracked->max, 0, FACTOR) * 2,
        arena_printf(work->arena, "%" PRId64 " connections are tracked, of %" PRId64,
                     tracked->count, tracked->max));
    strings_add(&finding->advice, work->arena,
                "where the module nf_conntrack is loaded after the files of sysctl.d are read, the "
                "value is lost at boot: name it in /etc/modules-load.d, or set it by a udev rule");
    strings_add(&finding->advice, work->arena,
                "HAProxy's own connections need no tracking: a notrack rule for its ports keeps "
                "them out of the table");
}
