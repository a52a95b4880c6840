#include <inttypes.h>

#include "agent/diagnose/look.h"
#include "agent/diagnose/slow.h"

/* Throughput = connections in use / response time (Little's law). Where the server has spare
 * strength, its response time does not depend on how many connections it gets: more of them bring
 * more throughput, and the queue drains. Where it has none, more connections only make each answer
 * slower: the queue moves from HAProxy, where it can be bounded and re-sent elsewhere, into the
 * server. One snapshot of averages cannot tell the two apart for certain, so a wish is withheld as
 * soon as anything speaks for the second: */
#define SLOW_RESPONSE_MS 3000 /* an average beyond what people wait for a page */
#define SLOW_CONNECT_MS                                                                            \
    500 /* the kernel answers a SYN by itself: this is a full accept queue, and its resends */
#define SLOW_FACTOR 3   /* slower than another server of the same backend */
#define SLOW_BY_MS  200 /* and by as much, where that one has no room left either */

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

/* A full server that its averages say is done with a request at once would take many in a second. All of the time that
 * it has a connection counts, as a long answer may begin early. */
#define QUICK_MS    250 /* so that a second holds several rounds also where all are answered at once */
#define QUICK_LEAST 10 /* fewer a second come and go by chance */

static int64_t usual_rate(const struct haproxy_stat *row)
{
    return row->total_ms > 0 && row->total_ms <= QUICK_MS
               ? row->session_limit * 1000 / row->total_ms
               : 0;
}

static bool is_slower_than_its_average(const struct haproxy_stat *row)
{
    return is_full(row) && row->rate >= 0 && usual_rate(row) >= QUICK_LEAST &&
           row->rate < usual_rate(row) / SLOW_FACTOR;
}

static bool is_slower(const struct haproxy_stat *row, const struct haproxy_stat *other)
{
    return other->response_ms > 0 && row->response_ms / SLOW_FACTOR > other->response_ms &&
           (!is_full(other) || row->response_ms - other->response_ms >= SLOW_BY_MS);
}

const char *slow_why(struct diagnosis_work *work, const struct server_view *view, size_t start,
                     size_t end)
{
    const struct haproxy_stat *row = view->row;
    struct no_answers none;

    if (slow_gives_none(work, view, &none) && !none.over)
        return arena_printf(work->arena, "%" PRIu64 " of %" PRIu64 " requests got no answer%s",
                            none.count, none.requests, none.stuck ? "" : " in time");
    if (row->connect_ms >= SLOW_CONNECT_MS)
        return arena_printf(work->arena, "it takes %" PRId64 " ms to accept a connection",
                            row->connect_ms);
    if (row->response_ms >= SLOW_RESPONSE_MS)
        return arena_printf(work->arena, "its responses take %" PRId64 " ms", row->response_ms);
    if (is_slower_than_its_average(row))
        return arena_printf(work->arena,
                            "it takes %" PRId64 " requests a second, where its average of %" PRId64
                            " ms would let it take %" PRId64,
                            row->rate, row->total_ms, usual_rate(row));
    for (size_t i = start; i < end; i++) {
        const struct server_view *other = &work->servers[i];

        if (look_takes_traffic(other) && is_slower(row, other->row))
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

void slow_find_queues(struct diagnosis_work *work, size_t start, size_t end,
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
        queue->slow = slow_why(work, view, start, end);
    }
    *out_queues = queues;
}

bool slow_is_behind(const struct queues *queues)
{
    uint64_t slow = 0, all = 0;

    for (size_t i = 0; i < queues->count; i++) {
        all += queues->at[i].limit;
        slow += queues->at[i].slow != NULL ? queues->at[i].limit : 0;
    }
    return slow > 0 && slow >= all - slow && queues->down == 0;
}
