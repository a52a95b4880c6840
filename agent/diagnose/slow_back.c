#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/held.h"
#include "agent/diagnose/path.h"
#include "agent/diagnose/slow.h"

#define FACTOR         3   /* as slow as its neighbours at least */
#define DIFFERENCE_MS  200 /* and by as much: who answers in 4 ms instead of 1 is not slow */
#define REQUESTS_LEAST 20  /* an average of fewer says nothing */
#define AVERAGE_MS     20  /* what late answers among quick ones do to an average, at least */

struct slow_view {
    const struct server_view *server;
    int64_t usual;        /* of its neighbours; -1: it has none to compare with */
    const char *usual_of; /* "app2", or "3 others" */
    /* By the log, which knows the late ones among the quick. */
    const struct log_percentiles *times; /* NULL: too few, or no log */
    int64_t usual_p95;                   /* of its neighbours; -1 */
    const char *overloaded;              /* what the queue for it shows; NULL */
    const char *held;       /* why it keeps connections that HAProxy has too few of; NULL */
    struct no_answers none; /* count 0: it answers */
};

/* Now, too: an average of the last 1024 requests may be of last night. */
static bool is_at_work(const struct server_view *view)
{
    const struct haproxy_stat *row = view->row;

    return look_takes_traffic(view) && row->response_ms >= 0 &&
           row->sessions_total >= REQUESTS_LEAST && (row->sessions > 0 || row->rate > 0);
}

static int compare_numbers(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

static const struct log_percentiles *times_of(const struct diagnosis_work *work,
                                              const struct server_view *view)
{
    const struct log_group *log = look_log_of(work, view);

    return log != NULL && log->timers[LOG_TIMER_RESPONSE].count >= REQUESTS_LEAST
               ? &log->timers[LOG_TIMER_RESPONSE]
               : NULL;
}

static int64_t median_of(int64_t *numbers, size_t count)
{
    if (count == 0)
        return -1;
    qsort(numbers, count, sizeof *numbers, compare_numbers);
    return numbers[(count - 1) / 2];
}

/* The median of the other servers: one more slow one does not hide it. */
static void compare(struct diagnosis_work *work, size_t start, size_t end, struct slow_view *view)
{
    int64_t *others = arena_alloc(work->arena, (end - start) * sizeof *others);
    int64_t *late = arena_alloc(work->arena, (end - start) * sizeof *late);
    size_t count = 0, late_count = 0;

    for (size_t i = start; i < end; i++) {
        const struct server_view *other = &work->servers[i];
        if (other == view->server || !is_at_work(other))
            continue;
        others[count++] = other->row->response_ms;
        view->usual_of = other->name;
        const struct log_percentiles *times = times_of(work, other);
        if (times != NULL)
            late[late_count++] = times->p95;
    }
    view->usual = median_of(others, count);
    view->usual_p95 = median_of(late, late_count);
    if (count > 1)
        view->usual_of = arena_printf(work->arena, "%zu others", count);
}

static bool is_slow(const struct slow_view *view)
{
    int64_t own = view->server->row->response_ms;

    return view->usual >= 0 && own / FACTOR >= view->usual && own - view->usual >= DIFFERENCE_MS;
}

/* One answer in twenty is late, which an average hides. Who can write a log cannot write HAProxy's
 * average: it must be worse than that of the neighbours, too. */
static bool is_late_at_times(const struct diagnosis_work *work, const struct slow_view *view)
{
    int64_t own = view->server->row->response_ms;

    /* What is sent again arrives late, however quick the server is. */
    if (path_is_lossy(work, view->server))
        return false;
    return view->times != NULL && view->usual_p95 >= 0 && view->usual >= 0 &&
           view->times->p95 / FACTOR >= view->usual_p95 &&
           view->times->p95 - view->usual_p95 >= DIFFERENCE_MS && own / FACTOR >= view->usual &&
           own - view->usual >= AVERAGE_MS;
}

static const char *overload_of(const struct queues *queues, const struct server_view *server)
{
    for (size_t i = 0; i < queues->count; i++)
        if (queues->at[i].server == server)
            return queues->at[i].slow;
    return NULL;
}

/* ---- the finding ---- */

static void tell_none(struct diagnosis_work *work, struct finding *finding,
                      const struct slow_view *view)
{
    const struct server_view *server = view->server;
    const struct asked *asked = server->asked;

    diagnose_evidence(work, finding, SOURCE_STATS,
                      "%s/%s %s, eresp %" PRId64 " of %" PRId64 " sessions since HAProxy's start, "
                      "%" PRId64 " at work",
                      server->backend, server->name, look_shown(server->row->status),
                      server->row->response_errors, server->row->sessions_total,
                      server->row->sessions);
    if (view->none.stuck)
        diagnose_evidence(work, finding, SOURCE_STATS,
                          "%s/%s %" PRIu64 " of them have no answer yet, %" PRId64
                          " came in the last second; its average was %" PRId64 " ms",
                          server->backend, server->name, view->none.count,
                          server->row->rate > 0 ? server->row->rate : 0,
                          server->row->response_ms > 0 ? server->row->response_ms : 0);
    if (view->none.example != NULL) {
        diagnose_evidence(work, finding, SOURCE_LOGS,
                          "%s/%s %" PRIu64 " times sH (no answer within timeout server) of %" PRIu64
                          " requests",
                          server->backend, server->name, view->none.count, view->none.requests);
        diagnose_evidence(work, finding, SOURCE_LOGS, "%s", view->none.example);
    }
    if (asked != NULL && (asked->said == ASKED_SILENT || asked->said == ASKED_STATUS))
        diagnose_evidence(work, finding, SOURCE_ANSWER,
                          "%s asked %s:%" PRIu32 " %s: %s (%" PRId64 " ms)",
                          look_shown(work->facts->host_name), asked->address, asked->port,
                          look_shown(asked->question),
                          asked->said == ASKED_SILENT ? "no answer" : look_shown(asked->text),
                          asked->milliseconds);
}

static void tell_server(struct diagnosis_work *work, struct finding *finding,
                        const struct slow_view *view)
{
    const struct haproxy_stat *row = view->server->row;
    const char *against = "";

    if (view->none.count > 0) {
        tell_none(work, finding, view);
        return;
    }
    if (view->usual >= 0)
        against = arena_printf(work->arena, ", of %s %" PRId64 " ms", view->usual_of, view->usual);
    diagnose_evidence(work, finding, SOURCE_STATS,
                      "%s/%s %" PRId64 " ms for the response on average%s; connect %" PRId64
                      " ms, %" PRId64 " at work",
                      view->server->backend, view->server->name, row->response_ms, against,
                      row->connect_ms, row->sessions);
    if (view->times != NULL)
        diagnose_evidence(work, finding, SOURCE_LOGS,
                          "%s/%s Tr: half of %" PRIu64 " answers came within %" PRId64
                          " ms, 95 %% within %" PRId64 " ms, 99 %% within %" PRId64 " ms%s",
                          view->server->backend, view->server->name, view->times->count,
                          view->times->p50, view->times->p95, view->times->p99,
                          view->usual_p95 < 0
                              ? ""
                              : arena_printf(work->arena, "; of %s 95 %% within %" PRId64 " ms",
                                             view->usual_of, view->usual_p95));
    if (row->check_ms > 0)
        diagnose_evidence(work, finding, SOURCE_STATS, "%s/%s its check took %" PRId64 " ms",
                          view->server->backend, view->server->name, row->check_ms);
    if (view->overloaded != NULL && view->server->server != NULL &&
        view->server->server->maxconn.set)
        diagnose_evidence(work, finding, SOURCE_CONFIG, "%s/%s maxconn %" PRIu64 " (%s)",
                          view->server->backend, view->server->name,
                          view->server->server->maxconn.value,
                          look_place(work, view->server->server->maxconn.place.file,
                                     view->server->server->maxconn.place.line));
}

/* More than that it takes connections. */
static bool is_checked_deeply(const struct haproxy_stat *row)
{
    return row->check_status != NULL && strncmp(row->check_status, "L7", 2) == 0;
}

static void advise(struct diagnosis_work *work, struct finding *finding,
                   const struct slow_view *view)
{
    const struct server_view *server = view->server;

    if (view->none.count > 0)
        strings_addf(&finding->advice, work->arena,
                     "on %s: see why the service of %s/%s takes connections on tcp/%" PRIu32
                     " and does not answer: out of workers, waiting for a database or another "
                     "service%s",
                     look_shown(server->address), server->backend, server->name, server->port,
                     is_checked_deeply(server->row)
                         ? ""
                         : "; a check that asks for a page (option httpchk) would take it out");
    else if (view->held != NULL && view->overloaded == NULL && !is_slow(view))
        strings_addf(&finding->advice, work->arena,
                     "find out why %s/%s (%s:%" PRIu32 ") is slow: %s", server->backend,
                     server->name, look_shown(server->address), server->port, view->held);
    else if (view->overloaded != NULL)
        strings_addf(&finding->advice, work->arena,
                     "find out why %s/%s (%s:%" PRIu32 ") is slow: %s; a higher maxconn would move "
                     "the queue into it; where slow answers are normal there: hamedic plan --set "
                     "haproxy.maxconn:server/%s/%s=N",
                     server->backend, server->name, look_shown(server->address), server->port,
                     view->overloaded, server->backend, server->name);
    else
        strings_addf(&finding->advice, work->arena,
                     "find out why %s/%s (%s:%" PRIu32 ") is slower than its neighbours: its load, "
                     "its disk, its database; until then give it less: weight, or "
                     "balance leastconn",
                     server->backend, server->name, look_shown(server->address), server->port);
}

static uint64_t waiting(const struct queues *queues)
{
    uint64_t waits = queues->backend_queue;

    for (size_t i = 0; i < queues->count; i++)
        waits += queues->at[i].waits - queues->at[i].share;
    return waits;
}

static const char *sum_up(struct diagnosis_work *work, const struct slow_view *slow, size_t count,
                          size_t all)
{
    const struct haproxy_stat *row = slow->server->row;

    size_t none = 0;

    for (size_t i = 0; i < count; i++)
        none += slow[i].none.count > 0;
    if (count > 1)
        return arena_printf(work->arena, "%zu of %zu servers of %s %s", count, all,
                            slow->server->backend,
                            none == count ? "give no answer"
                            : none > 0    ? "take long to answer, or do not at all"
                                          : "take long to answer");
    if (slow->none.stuck)
        return arena_printf(work->arena,
                            "%s takes requests and answers none: %" PRIu64 " wait for it now",
                            slow->server->name, slow->none.count);
    if (none > 0)
        return arena_printf(work->arena,
                            "%s gave no answer within timeout server to %" PRIu64 " of %" PRIu64
                            " requests",
                            slow->server->name, slow->none.count, slow->none.requests);
    if (slow->usual >= 0 && !is_slow(slow) && is_late_at_times(work, slow))
        return arena_printf(work->arena,
                            "%s takes %" PRId64
                            " ms and more for one answer in 20, %s of the same backend %" PRId64
                            " ms",
                            slow->server->name, slow->times->p95, slow->usual_of, slow->usual_p95);
    if (slow->usual >= 0)
        return arena_printf(
            work->arena, "%s takes %" PRId64 " ms to answer, %s of the same backend %" PRId64 " ms",
            slow->server->name, row->response_ms, slow->usual_of, slow->usual);
    return arena_printf(work->arena, "%s takes %" PRId64 " ms to answer, and requests wait for it",
                        slow->server->name, row->response_ms);
}

/* All that is known of them is a while ago. */
static bool is_over(const struct diagnosis_work *work, const struct slow_view *slow, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!slow[i].none.over || slow[i].overloaded != NULL || slow[i].held != NULL ||
            is_slow(&slow[i]) || is_late_at_times(work, &slow[i]))
            return false;
    return true;
}

/* Each server that takes traffic leaves most requests without an answer. */
static bool nobody_answers(const struct diagnosis_work *work, const struct slow_view *slow,
                           size_t count, size_t start, size_t end)
{
    size_t used = 0, silent = 0;

    for (size_t i = start; i < end; i++)
        used += look_takes_traffic(&work->servers[i]);
    for (size_t i = 0; i < count; i++)
        silent += slow[i].none.count > 0 && slow[i].none.count >= slow[i].none.requests / 2;
    return silent == used;
}

static void look_at_backend(struct diagnosis_work *work, const struct cause *cause, size_t start,
                            size_t end)
{
    struct slow_view *slow = NULL;
    size_t count = 0;
    struct queues queues;

    slow_find_queues(work, start, end, &queues);
    bool behind = slow_is_behind(&queues), held = held_by(work, start, end);
    for (size_t i = start; i < end; i++) {
        struct slow_view view = {
            .server = &work->servers[i], .usual = -1, .usual_p95 = -1, .times = NULL};

        if (work->servers[i].row == NULL)
            continue;
        if (behind)
            view.overloaded = overload_of(&queues, view.server);
        view.times = times_of(work, view.server);
        if (is_at_work(view.server))
            compare(work, start, end, &view);
        if (held)
            view.held = held_why(work, view.server, start, end);
        if (!slow_gives_none(work, view.server, &view.none))
            view.none.count = 0;
        if (view.overloaded != NULL || view.held != NULL || view.none.count > 0 || is_slow(&view) ||
            is_late_at_times(work, &view))
            ARENA_PUSH(work->arena, slow, count) = view;
    }
    if (count == 0)
        return;
    const char *backend = slow[0].server->backend;
    bool over = is_over(work, slow, count);
    struct finding *finding = diagnose_find(
        work, cause, over ? FINDING_POSSIBLE : FINDING_PROVEN,
        count > 1 ? backend : arena_printf(work->arena, "%s/%s", backend, slow[0].server->name));
    finding->summary = sum_up(work, slow, count, end - start);
    for (size_t i = 0; i < count; i++)
        tell_server(work, finding, &slow[i]);
    if (behind)
        strings_addf(&finding->consequences, work->arena,
                     "server-queue: %" PRIu64 " requests wait in the queue; after timeout queue "
                     "clients get 503",
                     waiting(&queues));
    else
        strings_add(
            &finding->consequences, work->arena,
            "the requests that this server gets are late; past timeout server they get 504");
    for (size_t i = 0; i < count; i++)
        advise(work, finding, &slow[i]);
    if (over) {
        finding->severity = SEVERITY_NOTICE;
        finding->settle = "whether requests there still end with sH in the log: the last one did a "
                          "while ago";
        return;
    }
    if (nobody_answers(work, slow, count, start, end))
        finding->severity = SEVERITY_CRITICAL;
    held_tell(work, finding, start, end);
}

void slow_look_back(struct diagnosis_work *work, const struct cause *cause)
{
    size_t end;

    if (!facts_have(work->facts, SOURCE_STATS))
        return;
    for (size_t start = 0; start < work->server_count; start = end) {
        end = look_backend_end(work, start);
        look_at_backend(work, cause, start, end);
    }
}
