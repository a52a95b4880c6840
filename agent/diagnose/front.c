#include <inttypes.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/held.h"
#include "agent/diagnose/look.h"

/* Two buffers of 16 KiB and the stream: what HAProxy itself holds for a busy connection (TLS comes
 * on top, and the kernel's socket buffers): the other half of the memory that is free is left for
 * those. */
#define CONNECTION_KIB 34

/* Who waits. Behind a full accept queue stand others, who cannot be counted: a limit for those that
 * can would only be the next one to be reached, so that the most is taken that a wish may ask for.
 */
struct waiting {
    int64_t count; /* -1: not known */
    bool full;
};

static struct waiting look_waiting(const struct diagnosis_work *work, const struct cfg_proxy *proxy)
{
    struct waiting waiting;

    waiting.count = look_accept_queue(work, proxy, &waiting.full);
    return waiting;
}

static uint64_t to_serve(struct waiting waiting)
{
    if (waiting.full)
        return UINT64_MAX;
    return waiting.count > 0 ? (uint64_t)waiting.count : 0;
}

struct limit {
    uint64_t value;   /* 0: none that would help */
    const char *unit; /* whose LimitNOFILE must rise with it; NULL */
    uint64_t need;
    const char *held_by; /* what kept it from being larger; NULL */
};

/* Descriptors for that maxconn, and what the next start can get. 0: not known. */
static void budget_for(const struct diagnosis_work *work, uint64_t maxconn, uint64_t *out_need,
                       uint64_t *out_limit)
{
    const struct facts *facts = work->facts;
    const struct fd_budget *budget = &facts->budget;
    int64_t maxsock = look_info(work, "Maxsock"), runs = look_info(work, "Maxconn");

    *out_need = 0;
    *out_limit = budget->limit;
    /* Without a maxconn in the file the running process tells what it needs beside its connections.
     */
    if (budget->maxconn > 0 && budget->need > 2 * budget->maxconn)
        *out_need = budget->need - 2 * budget->maxconn + 2 * maxconn;
    else if (runs > 0 && maxsock > runs && (uint64_t)maxsock / 2 >= (uint64_t)runs)
        *out_need = (uint64_t)maxsock - 2 * (uint64_t)runs + 2 * maxconn;
    if (*out_limit == 0 && facts->haproxy->running && !facts->haproxy->can_raise_limit)
        *out_limit = facts->haproxy->limit_hard;
}

/* Who waits behind a full accept queue cannot be counted: four times as much in one step is bold
 * enough. */
enum { ACCEPT_FACTOR = 4 };

static struct limit limit_for(struct diagnosis_work *work, uint64_t current, uint64_t waiting)
{
    const struct facts *facts = work->facts;
    struct limit limit = {.value = look_new_limit(current, waiting, ACCEPT_FACTOR)};
    uint64_t bound = look_bound(work, "haproxy.maxconn:global"), need, most;

    if (limit.value > bound) {
        limit.value = bound;
        limit.held_by = "the policy";
    }
    if (facts->memory_available_kib >= 0) {
        uint64_t more = (uint64_t)facts->memory_available_kib / 2 / CONNECTION_KIB;
        if (limit.value > current && limit.value - current > more) {
            limit.value = current + more;
            limit.held_by = "the memory that is free";
        }
    }
    budget_for(work, limit.value, &need, &most);
    if (need > 0 && most > 0 && need > most) {
        limit.unit = look_unit_for(work, need, &limit.need);
        if (limit.unit == NULL) {
            uint64_t over = (need - most + 1) / 2;
            limit.value = over < limit.value ? limit.value - over : 0;
            limit.held_by = "the file descriptors that the next start can get";
        }
    }
    if (limit.value <= current)
        limit.value = 0;
    return limit;
}

/* The file may already hold what is needed; or it cannot be edited. */
static bool advise_instead(struct diagnosis_work *work, struct finding *finding, const char *target,
                           const struct cfg_number *in_file, uint64_t runs)
{
    const char *obstacle;

    if (in_file->set && in_file->value > runs) {
        strings_addf(&finding->advice, work->arena,
                     "reload HAProxy: maxconn of %s is %" PRIu64 " in the file, but %" PRIu64
                     " runs",
                     target, in_file->value, runs);
        return true;
    }
    obstacle = look_edit_obstacle(work, target);
    if (obstacle == NULL)
        return false;
    strings_addf(&finding->advice, work->arena, "raise maxconn of %s by hand: %s", target,
                 obstacle);
    return true;
}

static void wish_front(struct diagnosis_work *work, const struct cause *cause,
                       struct finding *finding, const struct haproxy_stat *row, uint64_t value,
                       const char *because)
{
    const struct cfg_proxy *proxy = look_front(work->facts->cfg, row->proxy);

    if (proxy == NULL) {
        strings_addf(&finding->advice, work->arena,
                     "raise maxconn of frontend %s by hand: it is not in the file that was read",
                     look_shown(row->proxy));
        return;
    }
    struct cfg_number in_file = cfg_effective_maxconn(proxy);
    const char *target = arena_printf(
        work->arena, "%s/%s", proxy->kind == CFG_LISTEN ? "listen" : "frontend", proxy->name);
    if (advise_instead(work, finding, target, &in_file, (uint64_t)row->session_limit))
        return;
    const char *address = arena_printf(work->arena, "haproxy.maxconn:%s", target);
    uint64_t bound = look_bound(work, address);
    if (value > bound)
        value = bound;
    if (value > (uint64_t)row->session_limit)
        diagnose_wish(work, cause, address, value, WISH_FLOOR, because);
    else
        strings_addf(&finding->advice, work->arena,
                     "the policy allows %s no more than %" PRIu64 " connections",
                     look_shown(row->proxy), bound);
}

static void wish_global(struct diagnosis_work *work, const struct cause *cause,
                        struct finding *finding, uint64_t runs, struct waiting waiting)
{
    const struct facts *facts = work->facts;
    struct limit limit = limit_for(work, runs, to_serve(waiting));

    if (facts->haproxy->argument_maxconn != 0) {
        strings_addf(&finding->advice, work->arena,
                     "raise -n %" PRIu64 " on HAProxy's command line: it wins over the file",
                     facts->haproxy->argument_maxconn);
        return;
    }
    struct cfg_number in_file = {0};
    if (facts->cfg != NULL)
        in_file = facts->cfg->global.maxconn;
    if (advise_instead(work, finding, "global", &in_file, runs))
        return;
    if (limit.value == 0) {
        strings_addf(&finding->advice, work->arena,
                     "no larger maxconn fits: %s holds it; give the host more, or add a second one",
                     look_shown(limit.held_by));
        return;
    }
    const char *because = arena_printf(
        work->arena, "%" PRIu64 " connections are in use and %s%" PRId64 " wait to be accepted%s%s",
        runs, waiting.full ? "at least " : "", waiting.count > 0 ? waiting.count : 0,
        limit.held_by != NULL ? "; held down by " : "", limit.held_by != NULL ? limit.held_by : "");
    if (limit.unit != NULL)
        diagnose_wish(work, cause, arena_printf(work->arena, "systemd.limit:%s", limit.unit),
                      limit.need, WISH_FLOOR,
                      arena_printf(work->arena,
                                   "maxconn %" PRIu64 " needs %" PRIu64 " file descriptors or less",
                                   limit.value, limit.need));
    diagnose_wish(work, cause, "haproxy.maxconn:global", limit.value, WISH_FLOOR, because);
    /* A frontend whose own limit is no higher would hold the load next. */
    for (size_t i = 0; i < facts->stat_count; i++) {
        const struct haproxy_stat *row = &facts->stats[i];
        const struct cfg_proxy *proxy = look_front(facts->cfg, row->proxy);

        if (row->type == STAT_FRONTEND && row->session_limit > 0 && proxy != NULL &&
            row->sessions >= row->session_limit && cfg_effective_maxconn(proxy).set &&
            cfg_effective_maxconn(proxy).value > 0)
            wish_front(work, cause, finding, row, limit.value, because);
    }
}

static void consequences_of_waiting(struct diagnosis_work *work, struct finding *finding)
{
    strings_add(&finding->consequences, work->arena,
                "new clients connect, get no answer and wait; they are not refused");
    strings_add(&finding->consequences, work->arena,
                "once the accept queue is full too, they time out");
}

/* Who has no request at a backend is idle between two, or has not sent one: a limit need not be raised for these. */
static void tell_idle(struct diagnosis_work *work, struct finding *finding, int64_t connections)
{
    int64_t at_work = 0;

    for (size_t i = 0; i < work->facts->stat_count; i++) {
        const struct haproxy_stat *row = &work->facts->stats[i];

        if (row->type == STAT_BACKEND && row->sessions > 0 && at_work < connections)
            at_work += row->sessions < connections ? row->sessions : connections;
    }
    if (at_work >= connections - connections / 2)
        return;
    diagnose_evidence(work, finding, SOURCE_STATS,
                      "no more than %" PRId64 " of these %" PRId64
                      " connections have a request at a backend",
                      at_work, connections);
    strings_add(&finding->advice, work->arena,
                "the other connections are idle, or their clients send nothing: shorter `timeout "
                "http-keep-alive` and `timeout http-request` end them sooner, and make room too");
}

void front_look_global_maxconn(struct diagnosis_work *work, const struct cause *cause)
{
    int64_t maxconn = look_info(work, "Maxconn"), now = look_info(work, "CurrConns");
    int64_t reached = look_info(work, "MaxconnReached");
    struct waiting waiting = look_waiting(work, NULL);
    int64_t queue = waiting.count;

    if (maxconn <= 0 || now < 0)
        return;
    bool full = now >= maxconn - maxconn / 100;
    bool proven = full && (queue > 0 || (queue < 0 && reached > 0));
    if (!proven && reached <= 0 && !(full && queue < 0))
        return;
    /* Told as what a slow backend, or a queue before it, leads to. */
    if (proven && held_is_behind(work, NULL))
        return;
    struct finding *finding =
        diagnose_find(work, cause, proven ? FINDING_PROVEN : FINDING_POSSIBLE, "global");
    diagnose_evidence(work, finding, SOURCE_STATS, "CurrConns %" PRId64 " of Maxconn %" PRId64, now,
                      maxconn);
    if (reached > 0)
        diagnose_evidence(work, finding, SOURCE_STATS,
                          "MaxconnReached %" PRId64 ": so often since the worker started", reached);
    if (queue >= 0)
        diagnose_evidence(work, finding, SOURCE_SOCKETS,
                          "%" PRId64 " connections wait in the accept queues%s", queue,
                          waiting.full ? ", which are full" : "");
    if (!full) {
        finding->severity = SEVERITY_NOTICE;
        finding->summary = "HAProxy was at its global maxconn before, and is not now";
        finding->settle = "CurrConns and the accept queues (ss -ltn, Recv-Q) while it lasts";
        return;
    }
    finding->summary = arena_printf(work->arena,
                                    "all %" PRId64 " connections that the global maxconn allows "
                                    "are in use%s",
                                    maxconn, queue > 0 ? ", and more wait" : "");
    consequences_of_waiting(work, finding);
    tell_idle(work, finding, now);
    if (proven)
        wish_global(work, cause, finding, (uint64_t)maxconn, waiting);
    else
        finding->settle = "whether connections wait to be accepted: ss -ltn, Recv-Q of its ports";
}

static void look_at_frontend(struct diagnosis_work *work, const struct cause *cause,
                             const struct haproxy_stat *row, int64_t global)
{
    const struct cfg_proxy *proxy = look_front(work->facts->cfg, row->proxy);
    struct waiting waiting = {.count = -1};
    uint64_t limit = (uint64_t)row->session_limit;

    if (proxy != NULL)
        waiting = look_waiting(work, proxy);
    int64_t queue = waiting.count;
    if (queue == 0 || (queue > 0 && held_is_behind(work, row)))
        return;
    struct finding *finding = diagnose_find(
        work, cause, queue > 0 ? FINDING_PROVEN : FINDING_POSSIBLE, look_shown(row->proxy));
    finding->summary = arena_printf(
        work->arena, "frontend %s has all %" PRIu64 " connections in use that its maxconn allows",
        look_shown(row->proxy), limit);
    diagnose_evidence(work, finding, SOURCE_STATS,
                      "%s/FRONTEND %s sessions %" PRId64 " of %" PRIu64, look_shown(row->proxy),
                      look_shown(row->status), row->sessions, limit);
    consequences_of_waiting(work, finding);
    if (queue < 0) {
        finding->settle = "whether connections wait to be accepted: ss -ltn, Recv-Q of its ports";
        return;
    }
    diagnose_evidence(work, finding, SOURCE_SOCKETS,
                      "%" PRId64 " connections wait in its accept queues%s", queue,
                      waiting.full ? ", which are full" : "");
    tell_idle(work, finding, row->sessions);
    uint64_t value = look_new_limit(limit, to_serve(waiting), ACCEPT_FACTOR);
    if (global > 0 && value > (uint64_t)global)
        value = (uint64_t)global;
    wish_front(work, cause, finding, row, value,
               arena_printf(work->arena,
                            "%" PRId64 " of %" PRIu64 " connections are in use and %s%" PRId64
                            " wait to be accepted",
                            row->sessions, limit, waiting.full ? "at least " : "", queue));
}

void front_look_frontend_maxconn(struct diagnosis_work *work, const struct cause *cause)
{
    int64_t global = look_info(work, "Maxconn");

    if (!facts_have(work->facts, SOURCE_STATS))
        return;
    for (size_t i = 0; i < work->facts->stat_count; i++) {
        const struct haproxy_stat *row = &work->facts->stats[i];

        if (row->type != STAT_FRONTEND || row->session_limit <= 0 ||
            row->sessions < row->session_limit)
            continue;
        /* A limit that is not below the global one is not what holds. */
        if (global > 0 && row->session_limit >= global)
            continue;
        look_at_frontend(work, cause, row, global);
    }
}
