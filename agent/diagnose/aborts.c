#include <inttypes.h>

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

/* SD is counted as srv_abrt. SH is counted as eresp, and so is what the server answered wrong, or too
 * late: without a log that cannot be told apart, and is left to others. */
static void look_at_server(struct diagnosis_work *work, const struct cause *cause,
                           const struct server_view *view)
{
    const struct haproxy_stat *row = view->row;
    int64_t aborts = row->server_aborts;

    if (!look_takes_traffic(view) || aborts < ABORTS_LEAST ||
        aborts * 100 < row->sessions_total * SHARE)
        return;
    struct finding *finding =
        diagnose_find(work, cause, is_recent(work->facts) ? FINDING_PROVEN : FINDING_POSSIBLE,
                      arena_printf(work->arena, "%s/%s", view->backend, view->name));
    finding->summary = arena_printf(
        work->arena, "%s closed %" PRId64 " of %" PRId64 " connections before its answer was whole",
        view->name, aborts, row->sessions_total);
    diagnose_evidence(work, finding, SOURCE_STATS,
                      "%s/%s srv_abrt %" PRId64 ", eresp %" PRId64 ", of %" PRId64
                      " sessions since "
                      "HAProxy's start",
                      view->backend, view->name, aborts, row->response_errors, row->sessions_total);
    strings_add(&finding->consequences, work->arena,
                "clients of these requests got 502, or an answer that breaks off");
    strings_addf(&finding->advice, work->arena,
                 "on %s: see the log of the service at tcp/%" PRIu32 " for crashes, restarts and "
                 "its own limits of time and size",
                 look_shown(view->address), view->port);
    if (finding->state == FINDING_POSSIBLE)
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
