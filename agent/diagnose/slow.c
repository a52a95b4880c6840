#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/held.h"
#include "agent/diagnose/look.h"
#include "agent/diagnose/slow.h"

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

/* Why servers of that backend are down, where it was found. */
static struct finding *why_down(const struct diagnosis_work *work, const char *backend)
{
    for (size_t i = 0; i < work->result->finding_count; i++) {
        struct finding *finding = &work->result->findings[i];
        const char *object = finding->object != NULL ? finding->object : "";

        if (finding->state == FINDING_PROVEN &&
            span_is((struct span){object, strcspn(object, "/")}, backend))
            return finding;
    }
    return NULL;
}

static void look_at_backend(struct diagnosis_work *work, const struct cause *cause, size_t start,
                            size_t end)
{
    enum finding_state state = FINDING_POSSIBLE;
    struct queues queues;
    uint64_t waits = 0;

    slow_find_queues(work, start, end, &queues);
    if (queues.count == 0 || slow_is_behind(&queues))
        return;
    for (size_t i = 0; i < queues.count; i++) {
        waits += queues.at[i].waits - queues.at[i].share;
        if (queues.at[i].agrees)
            state = FINDING_PROVEN;
    }
    waits += queues.backend_queue;
    const struct server_view *first = queues.at[0].server;
    struct finding *behind = queues.down > 0 ? why_down(work, first->backend) : NULL;
    if (behind != NULL) {
        strings_addf(&behind->consequences, work->arena,
                     "server-queue: the others carry the load, %zu of %zu servers are at their "
                     "maxconn, and %" PRIu64
                     " requests wait in the queue; after timeout queue clients get 503",
                     queues.count, queues.all, waits);
        held_tell(work, behind, start, end);
        return;
    }
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
    if (state == FINDING_PROVEN) {
        wish_servers(work, cause, finding, &queues);
        held_tell(work, finding, start, end);
    } else
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
