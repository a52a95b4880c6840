#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"

#define SHARE        5  /* per cent of a server's requests */
#define ABORTS_LEAST 10 /* fewer are chance */

#define RECENT 3600 /* seconds: what was counted in a longer time may be of last night */

/* The counters count since the worker was started. */
static bool is_recent(const struct facts *facts)
{
    return facts->worker_started > 0 && facts->time - facts->worker_started <= RECENT;
}

/* What the log says of one server. HAProxy counts SD as srv_abrt, and SH as eresp; eresp counts what
 * the server answered wrong, or too late, too: only the log tells those apart. */
struct abort_view {
    uint64_t before, within; /* before the headers were whole (SH), within the answer (SD) */
    uint64_t requests;       /* at that server, in the log */
    bool over;               /* the last of these is a while ago */
    const char *example;
};

static struct abort_view view_log(const struct diagnosis_work *work,
                                  const struct server_view *server)
{
    const struct log_summary *log = &work->facts->logs.summary;
    struct abort_view view = {0};

    if (!facts_have(work->facts, SOURCE_LOGS))
        return view;
    const struct log_group *group = look_log_of(work, server);
    view.requests = group != NULL ? group->requests : 0;
    /* None in the log, while others are: those that HAProxy counted are older. */
    view.over = view.requests > 0;
    for (size_t i = 0; i < log->fault_count; i++) {
        const struct log_fault *fault = &log->faults[i];
        if (!look_same(fault->backend, server->backend) || !look_same(fault->server, server->name))
            continue;
        bool before = strcmp(fault->state, "SH") == 0, within = strcmp(fault->state, "SD") == 0;
        view.before += before ? fault->count : 0;
        view.within += within ? fault->count : 0;
        view.over = view.over && (!(before || within) || look_is_over(work, fault));
        if ((before || within) && view.example == NULL)
            view.example = fault->example;
    }
    return view;
}

/* Who answers nothing right at all is told of there already, and that it closes is how it does so. */
static bool is_told(const struct diagnosis_work *work, const struct server_view *view)
{
    const char *server = arena_printf(work->arena, "%s/%s", view->backend, view->name);

    for (size_t i = 0; i < work->result->finding_count; i++) {
        const struct finding *finding = &work->result->findings[i];
        if (look_same(finding->cause, "backend-bad-response") &&
            (look_same(finding->object, server) || look_same(finding->object, view->backend)))
            return true;
    }
    return false;
}

static bool is_share(uint64_t aborts, uint64_t all)
{
    return aborts >= ABORTS_LEAST && aborts * 100 >= all * SHARE;
}

/* HAProxy passes on what comes, and does not know where an answer ends: a service may well end its
 * connections with a reset once all was said. */
static bool is_tcp(const struct server_view *view)
{
    return look_same(view->row->mode, "tcp");
}

static void tell(struct diagnosis_work *work, struct finding *finding,
                 const struct server_view *view, const struct abort_view *log)
{
    diagnose_evidence(work, finding, SOURCE_STATS,
                      "%s/%s srv_abrt %" PRId64 ", eresp %" PRId64 ", of %" PRId64
                      " sessions since "
                      "HAProxy's start",
                      view->backend, view->name, view->row->server_aborts,
                      view->row->response_errors, view->row->sessions_total);
    if (log->before + log->within > 0)
        diagnose_evidence(work, finding, SOURCE_LOGS,
                          "%s/%s %" PRIu64 " times SH (no whole headers), %" PRIu64
                          " times SD (no whole answer) of %" PRIu64 " requests",
                          view->backend, view->name, log->before, log->within, log->requests);
    if (log->example != NULL)
        diagnose_evidence(work, finding, SOURCE_LOGS, "%s", log->example);
    strings_add(&finding->consequences, work->arena,
                is_tcp(view)
                    ? "their clients see the connection break off, behind what was passed on"
                    : "clients of these requests got 502, or an answer that breaks off");
    strings_addf(
        &finding->advice, work->arena,
        "on %s: see the log of the service at tcp/%" PRIu32 " for crashes, restarts and "
        "its own limits of time and size; where it waits for the PROXY protocol, its server "
        "line needs send-proxy",
        look_shown(view->address), view->port);
}

static void look_at_server(struct diagnosis_work *work, const struct cause *cause,
                           const struct server_view *view)
{
    const struct haproxy_stat *row = view->row;
    struct abort_view log = view_log(work, view);
    int64_t counted = row->server_aborts + (row->response_errors > 0 ? row->response_errors : 0);
    bool by_counter = row->server_aborts > 0 && row->sessions_total > 0 &&
                      is_share((uint64_t)row->server_aborts, (uint64_t)row->sessions_total);
    /* The log's own numbers, and HAProxy's counters are as high: nobody wrote these lines for it. */
    bool by_log = is_share(log.before + log.within, log.requests) && counted >= 0 &&
                  (uint64_t)counted >= (log.before + log.within) / 2;

    if (!look_takes_traffic(view) || (!by_counter && !by_log) || is_told(work, view))
        return;
    bool proven = !log.over && !is_tcp(view) && (by_log || is_recent(work->facts));
    struct finding *finding =
        diagnose_find(work, cause, proven ? FINDING_PROVEN : FINDING_POSSIBLE,
                      arena_printf(work->arena, "%s/%s", view->backend, view->name));
    finding->summary = by_log ? arena_printf(work->arena,
                                             "%s closed %" PRIu64 " of %" PRIu64
                                             " connections before its answer was whole",
                                             view->name, log.before + log.within, log.requests)
                              : arena_printf(work->arena,
                                             "%s closed %" PRId64 " of %" PRId64
                                             " connections before its answer was whole",
                                             view->name, row->server_aborts, row->sessions_total);
    if (is_tcp(view))
        finding->summary = arena_printf(
            work->arena, "%s broke off %" PRIu64 " of %" PRIu64 " connections", view->name,
            by_log ? log.before + log.within : (uint64_t)row->server_aborts,
            by_log ? log.requests : (uint64_t)row->sessions_total);
    tell(work, finding, view, &log);
    if (log.over)
        finding->severity = SEVERITY_NOTICE;
    if (is_tcp(view))
        finding->settle = "whether the service resets its connections on purpose when all is said: "
                          "its log, and what its clients see";
    else if (finding->state == FINDING_POSSIBLE)
        finding->settle =
            "whether srv_abrt of this server still rises (show stat, twice): it counts "
            "since HAProxy was started";
}

void aborts_look(struct diagnosis_work *work, const struct cause *cause)
{
    if (!facts_have(work->facts, SOURCE_STATS))
        return;
    for (size_t i = 0; i < work->server_count; i++)
        if (work->servers[i].row != NULL)
            look_at_server(work, cause, &work->servers[i]);
}
