#include <inttypes.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"

/* Throughput = connections in use / response time (Little's law). Where the server has spare
 * strength, its response time does not depend on how many connections it gets: more of them bring
 * more throughput, and the queue drains. Where it has none, more connections only make each answer
 * slower: the queue moves from HAProxy, where it can be bounded and re-sent elsewhere, into the
 * server. One snapshot of averages cannot tell the two apart for certain, so a wish is withheld as
 * soon as anything speaks for the second: */
#define SLOW_RESPONSE_MS 3000 /* an average beyond what people wait for a page */
#define SLOW_CONNECT_MS                                                                            \
    500 /* the kernel answers a SYN by itself: this is a full accept queue, and its resends */
#define SLOW_FACTOR 3 /* slower than the fastest server of the same backend that still has room */

struct queue_view {
    const struct server_view *server;
    uint64_t limit;
    uint64_t waits; /* at the server, and its share of the backend's queue */
    uint64_t share;
    bool agrees;      /* the file has the same limit */
    const char *slow; /* why more connections would hurt; NULL */
};

struct queues {
    struct queue_view *at;
    size_t count;
    uint64_t backend_queue;
    size_t down; /* servers of the backend that are DOWN: their load is on the others */
    size_t all;
};

/* The rows are read one after another while connections come and go: a slot that is just free goes to the next in the
 * queue at once. */
static int64_t just_free(const struct haproxy_stat *row)
{
    int64_t slack = row->session_limit / 20;

    return slack > 0 ? slack : row->session_limit >= 4 ? 1 : 0;
}

static bool is_full(const struct haproxy_stat *row)
{
    return row->session_limit > 0 && row->sessions >= row->session_limit - just_free(row);
}

/* While requests wait, a server that has been full is full: requests that came together end together, and for a moment all
 * their slots are free. With minconn the limit moves, and only what is seen counts. */
static bool is_full_for_queue(const struct server_view *view, bool waiting)
{
    const struct haproxy_stat *row = view->row;
    bool moves = view->server != NULL && view->server->minconn != NULL;

    return is_full(row) ||
           (waiting && !moves && row->session_limit > 0 && row->sessions_max >= row->session_limit);
}

static const char *why_slow(struct diagnosis_work *work, const struct server_view *view,
                            size_t start, size_t end)
{
    const struct haproxy_stat *row = view->row;

    if (row->connect_ms >= SLOW_CONNECT_MS)
        return arena_printf(work->arena, "it takes %" PRId64 " ms to accept a connection",
                            row->connect_ms);
    if (row->response_ms >= SLOW_RESPONSE_MS)
        return arena_printf(work->arena, "its responses take %" PRId64 " ms", row->response_ms);
    for (size_t i = start; i < end; i++) {
        const struct server_view *other = &work->servers[i];

        if (look_takes_traffic(other) && !is_full(other->row) && other->row->response_ms > 0 &&
            row->response_ms / SLOW_FACTOR > other->row->response_ms)
            return arena_printf(work->arena,
                                "its responses take %" PRId64 " ms, those of %s %" PRId64 " ms",
                                row->response_ms, other->name, other->row->response_ms);
    }
    return NULL;
}

/* Servers that the backend's queue waits for: backups only count while no active one serves. */
static bool is_in_service(const struct server_view *view, bool active)
{
    return look_takes_traffic(view) && view->row->weight != 0 &&
           (!active || view->row->backup <= 0);
}

/* Rounded up; as a fraction, since a product could overflow. */
static uint64_t share_of(uint64_t queue, uint64_t limit, uint64_t limits)
{
    if (queue == 0 || limit >= limits)
        return queue;
    double share = (double)queue * ((double)limit / (double)limits);
    return (uint64_t)share + ((double)(uint64_t)share < share);
}

static void find_queues(struct diagnosis_work *work, size_t start, size_t end,
                        struct queues *out_queues)
{
    const struct haproxy_stat *back = look_row(work, STAT_BACKEND, work->servers[start].backend);
    struct queues queues = {.all = end - start};
    bool active = false, all_full = true;
    uint64_t limits = 0;

    for (size_t i = start; i < end; i++) {
        const struct server_view *view = &work->servers[i];

        active = active || (look_takes_traffic(view) && view->row->backup <= 0);
        queues.down +=
            view->row->status != NULL && view->row->status[0] == 'D' && view->row->status[1] == 'O';
    }
    for (size_t i = start; i < end; i++) {
        const struct haproxy_stat *row = work->servers[i].row;

        if (!is_in_service(&work->servers[i], active))
            continue;
        if (is_full_for_queue(&work->servers[i], back != NULL && back->queue > 0))
            limits += (uint64_t)row->session_limit;
        else
            all_full = false;
    }
    if (all_full && limits > 0 && back != NULL && back->queue > 0)
        queues.backend_queue = (uint64_t)back->queue;
    for (size_t i = start; i < end; i++) {
        const struct server_view *view = &work->servers[i];
        const struct haproxy_stat *row = view->row;
        bool own = row->queue > 0 && look_takes_traffic(view);

        if (!is_full_for_queue(view, own || queues.backend_queue > 0) ||
            !(own || (queues.backend_queue > 0 && is_in_service(view, active))))
            continue;
        struct queue_view *queue = &ARENA_PUSH(work->arena, queues.at, queues.count);
        queue->server = view;
        queue->limit = (uint64_t)row->session_limit;
        queue->share = share_of(queues.backend_queue, queue->limit, limits);
        queue->waits = queue->share + (own ? (uint64_t)row->queue : 0);
        const struct cfg_number *number = view->server != NULL ? &view->server->maxconn : NULL;
        queue->agrees = number != NULL ? number->set && number->value == queue->limit
                                       : look_second(work, SOURCE_CONFIG, false) == FINDING_PROVEN;
        queue->slow = why_slow(work, view, start, end);
    }
    *out_queues = queues;
}

/* ---- wishes ---- */

static const char *queue_because(struct diagnosis_work *work, const struct queue_view *queue)
{
    const struct haproxy_stat *row = queue->server->row;
    const char *rate = "";

    if (row->response_ms > 0)
        rate = arena_printf(work->arena,
                            "; at %" PRId64 " ms a response the present limit is some %" PRIu64
                            " requests a second",
                            row->response_ms,
                            (uint64_t)((double)queue->limit * 1000.0 / (double)row->response_ms));
    return arena_printf(work->arena,
                        "%s/%s has %" PRId64 " of %" PRIu64 " connections in use and %" PRIu64
                        " requests wait for it%s",
                        queue->server->backend, queue->server->name, row->sessions, queue->limit,
                        queue->waits, rate);
}

static bool is_from_section(const struct queue_view *queue)
{
    const struct cfg_server *server = queue->server->server;
    const struct cfg_proxy *proxy = queue->server->proxy;

    return server != NULL && proxy != NULL && server->maxconn.set && !server->maxconn_is_own &&
           server->maxconn.place.file == proxy->file && server->maxconn.place.line > proxy->line;
}

/* One default-server line gives the limit to all servers that are concerned, and to no other. */
static bool is_one_default(const struct queues *queues)
{
    const struct cfg_server *first = queues->at[0].server->server;
    const struct cfg_proxy *proxy = queues->at[0].server->proxy;
    size_t users = 0;

    for (size_t i = 0; i < queues->count; i++)
        if (!is_from_section(&queues->at[i]) || queues->at[i].slow != NULL ||
            queues->at[i].server->server->maxconn.place.line != first->maxconn.place.line)
            return false;
    for (size_t i = 0; i < proxy->server_count; i++)
        users += proxy->servers[i].maxconn.set && !proxy->servers[i].maxconn_is_own &&
                 proxy->servers[i].maxconn.place.line == first->maxconn.place.line;
    return queues->count > 1 && users == queues->count;
}

/* HAProxy counts who waits for a server, so the limit can go there in one step; what takes more
 * than ten times the load is another design, and a person's decision. */
enum { QUEUE_FACTOR = 10 };

static void wish_limit(struct diagnosis_work *work, const struct cause *cause,
                       struct finding *finding, const char *address, uint64_t limit, uint64_t waits,
                       const char *because)
{
    uint64_t value = look_new_limit(limit, waits, QUEUE_FACTOR), bound = look_bound(work, address);

    if (value > bound)
        value = bound;
    /* A change that leaves a queue would not prove itself, and be taken back: then it is not made.
     */
    if (value >= limit + waits) {
        diagnose_wish(work, cause, address, value, WISH_FLOOR, because);
        return;
    }
    strings_addf(&finding->advice, work->arena,
                 "more servers, or a person's decision: the load needs %s=%" PRIu64
                 " or more, %s no more than %" PRIu64,
                 address, limit + waits,
                 bound < limit + waits ? "the policy allows" : "hamedic plans", value);
}

static void wish_server(struct diagnosis_work *work, const struct cause *cause,
                        struct finding *finding, const struct queue_view *queue)
{
    const struct server_view *view = queue->server;

    if (queue->slow != NULL) {
        strings_addf(&finding->advice, work->arena,
                     "find out why %s/%s (%s:%" PRIu32 ") is slow: %s; a higher maxconn would move "
                     "the queue into it; where slow answers are normal there: hamedic plan --set "
                     "haproxy.maxconn:server/%s/%s=N",
                     view->backend, view->name, look_shown(view->address), view->port, queue->slow,
                     view->backend, view->name);
        return;
    }
    if (view->server == NULL || !queue->agrees) {
        strings_addf(&finding->advice, work->arena,
                     "compare maxconn of %s/%s in the file with the %" PRIu64 " that runs",
                     view->backend, view->name, queue->limit);
        return;
    }
    const char *target = arena_printf(work->arena, "server/%s/%s", view->backend, view->name);
    const char *obstacle = look_edit_obstacle(work, target);
    if (obstacle != NULL) {
        strings_addf(&finding->advice, work->arena, "raise maxconn of %s/%s by hand: %s",
                     view->backend, view->name, obstacle);
        return;
    }
    wish_limit(work, cause, finding, arena_printf(work->arena, "haproxy.maxconn:%s", target),
               queue->limit, queue->waits, queue_because(work, queue));
}

static void wish_servers(struct diagnosis_work *work, const struct cause *cause,
                         struct finding *finding, const struct queues *queues)
{
    const struct queue_view *longest = &queues->at[0];

    if (queues->down > 0) {
        strings_addf(
            &finding->advice, work->arena,
            "bring back the %zu of %zu servers of %s that are down: the others carry their "
            "load, and more connections could bring these down too",
            queues->down, queues->all, longest->server->backend);
        return;
    }
    bool one_default = is_one_default(queues);
    for (size_t i = 0; i < queues->count; i++) {
        one_default = one_default && queues->at[i].agrees;
        if (queues->at[i].waits > longest->waits)
            longest = &queues->at[i];
    }
    const char *target = arena_printf(work->arena, "default-server/%s", longest->server->backend);
    if (one_default && look_edit_obstacle(work, target) == NULL) {
        wish_limit(work, cause, finding, arena_printf(work->arena, "haproxy.maxconn:%s", target),
                   longest->limit, longest->waits, queue_because(work, longest));
        return;
    }
    for (size_t i = 0; i < queues->count; i++)
        wish_server(work, cause, finding, &queues->at[i]);
}

/* ---- the finding ---- */

static void tell_queue(struct diagnosis_work *work, struct finding *finding,
                       const struct queue_view *queue)
{
    const struct server_view *view = queue->server;
    const struct haproxy_stat *row = view->row;
    const char *averages = "";

    if (row->queue_ms >= 0 && row->response_ms >= 0)
        averages = arena_printf(work->arena,
                                "; on average %" PRId64 " ms in the queue, %" PRId64
                                " ms for the response",
                                row->queue_ms, row->response_ms);
    diagnose_evidence(work, finding, SOURCE_STATS,
                      "%s/%s %s sessions %" PRId64 " of %" PRIu64 ", queue %" PRId64 "%s",
                      view->backend, view->name, look_shown(row->status), row->sessions,
                      queue->limit, row->queue > 0 ? row->queue : 0, averages);
    if (view->server != NULL && view->server->maxconn.set)
        diagnose_evidence(
            work, finding, SOURCE_CONFIG, "%s/%s maxconn %" PRIu64 " (%s)", view->backend,
            view->name, view->server->maxconn.value,
            look_place(work, view->server->maxconn.place.file, view->server->maxconn.place.line));
    else if (work->facts->cfg != NULL)
        diagnose_evidence(work, finding, SOURCE_CONFIG, "%s/%s has no maxconn in the file",
                          view->backend, view->name);
}

static void look_at_backend(struct diagnosis_work *work, const struct cause *cause, size_t start,
                            size_t end)
{
    enum finding_state state = FINDING_POSSIBLE;
    struct queues queues;
    uint64_t waits = 0;

    find_queues(work, start, end, &queues);
    if (queues.count == 0)
        return;
    for (size_t i = 0; i < queues.count; i++) {
        waits += queues.at[i].waits - queues.at[i].share;
        if (queues.at[i].agrees)
            state = FINDING_PROVEN;
    }
    waits += queues.backend_queue;
    const struct server_view *first = queues.at[0].server;
    const char *object = queues.count > 1
                             ? first->backend
                             : arena_printf(work->arena, "%s/%s", first->backend, first->name);
    struct finding *finding = diagnose_find(work, cause, state, object);
    finding->summary = arena_printf(
        work->arena, "%zu of %zu servers at their maxconn, %" PRIu64 " requests wait in the queue",
        queues.count, queues.all, waits);
    for (size_t i = 0; i < queues.count; i++)
        tell_queue(work, finding, &queues.at[i]);
    if (queues.backend_queue > 0)
        diagnose_evidence(work, finding, SOURCE_STATS, "%s/BACKEND queue %" PRIu64, first->backend,
                          queues.backend_queue);
    strings_add(&finding->consequences, work->arena,
                "answers are late by the time in the queue; after timeout queue clients get 503");
    if (state == FINDING_PROVEN)
        wish_servers(work, cause, finding, &queues);
    else
        finding->settle = "maxconn of these servers in the file: it is not what runs, or it could "
                          "not be read; after a reload, look again";
}

void slow_look_server_queue(struct diagnosis_work *work, const struct cause *cause)
{
    size_t end;

    if (!facts_have(work->facts, SOURCE_STATS))
        return;
    for (size_t start = 0; start < work->server_count; start = end) {
        end = look_backend_end(work, start);
        look_at_backend(work, cause, start, end);
    }
}
