#include "agent/diagnose/held.h"

#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/back_word.h"
#include "agent/diagnose/slow.h"

#define REQUESTS_LEAST 20  /* an average of fewer says nothing */
#define RESPONSE_MS    200 /* who is slower than a neighbour, but quicker than this, keeps nobody */
#define CONNECT_MS     500

/* ---- limits ---- */

/* At its limit, and more wait before it. 0: not so. */
static int64_t full_with(struct diagnosis_work *work, const struct haproxy_stat *frontend)
{
    int64_t limit = look_info(work, "Maxconn"), now = look_info(work, "CurrConns");
    const struct cfg_proxy *proxy = NULL;
    bool full = false;

    if (frontend == NULL) {
        if (limit <= 0 || now < limit - limit / 100)
            return 0;
    } else {
        if (frontend->session_limit <= 0 || frontend->sessions < frontend->session_limit ||
            (limit > 0 && frontend->session_limit >= limit))
            return 0;
        proxy = look_front(work->facts->cfg, frontend->proxy);
        now = frontend->sessions;
        if (proxy == NULL)
            return 0;
    }
    return look_accept_queue(work, proxy, &full) > 0 ? now : 0;
}

static bool may_send_to(const struct diagnosis_work *work, const struct haproxy_stat *frontend,
                        const char *backend)
{
    const struct cfg_proxy *proxy;

    if (frontend == NULL || look_same(frontend->proxy, backend))
        return true;
    proxy = look_front(work->facts->cfg, frontend->proxy);
    if (proxy == NULL)
        return false;
    if (look_same(proxy->default_backend, backend) || strings_have(&proxy->uses, backend))
        return true;
    for (size_t i = 0; i < proxy->uses.count; i++)
        if (strchr(proxy->uses.at[i], '%') != NULL)
            return true;
    return false;
}

/* ---- who keeps connections ---- */

const char *held_why(struct diagnosis_work *work, const struct server_view *view, size_t start,
                     size_t end)
{
    const struct haproxy_stat *row = view->row;
    struct no_answers none;

    if (row == NULL || !look_takes_traffic(view) || row->sessions <= 0)
        return NULL;
    bool gives_none = slow_gives_none(work, view, &none) && !none.over;
    if (!gives_none && (row->sessions_total < REQUESTS_LEAST ||
                        (row->response_ms < RESPONSE_MS && row->connect_ms < CONNECT_MS)))
        return NULL;
    return slow_why(work, view, start, end);
}

static bool gets_no_connection(const struct diagnosis_work *work, const struct server_view *view)
{
    enum finding_state state = FINDING_POSSIBLE;

    return look_takes_traffic(view) && view->row->sessions > 0 &&
           word_verdict(work, view, &state) == WORD_TIMEOUT && state == FINDING_PROVEN;
}

/* Connections that wait in this backend for what is slow, or at its own limit. */
static uint64_t kept_by(struct diagnosis_work *work, size_t start, size_t end)
{
    struct queues queues;
    uint64_t kept = 0;
    bool told = false;

    slow_find_queues(work, start, end, &queues);
    for (size_t i = 0; i < queues.count; i++)
        told = told || queues.at[i].agrees;
    /* A queue counts where its finding is a proven one. */
    if (queues.count > 0 && (told || slow_is_behind(&queues))) {
        kept = queues.backend_queue;
        for (size_t i = 0; i < queues.count; i++)
            kept += queues.at[i].waits - queues.at[i].share +
                    (uint64_t)queues.at[i].server->row->sessions;
        return kept;
    }
    for (size_t i = start; i < end; i++) {
        const struct server_view *view = &work->servers[i];

        if (held_why(work, view, start, end) != NULL || gets_no_connection(work, view))
            kept += (uint64_t)view->row->sessions;
    }
    return kept;
}

bool held_is_behind(struct diagnosis_work *work, const struct haproxy_stat *frontend)
{
    int64_t now = full_with(work, frontend);
    uint64_t kept = 0;
    size_t end;

    if (now <= 0 || !facts_have(work->facts, SOURCE_STATS))
        return false;
    for (size_t start = 0; start < work->server_count; start = end) {
        end = look_backend_end(work, start);
        if (may_send_to(work, frontend, work->servers[start].backend))
            kept += kept_by(work, start, end);
    }
    return kept >= (uint64_t)now - (uint64_t)now / 2;
}

static bool is_part(struct diagnosis_work *work, const struct haproxy_stat *frontend,
                    const char *backend)
{
    return may_send_to(work, frontend, backend) && held_is_behind(work, frontend);
}

bool held_by(struct diagnosis_work *work, size_t start, size_t end)
{
    const char *backend = work->servers[start].backend;

    if (!facts_have(work->facts, SOURCE_STATS) || kept_by(work, start, end) == 0)
        return false;
    if (is_part(work, NULL, backend))
        return true;
    for (size_t i = 0; i < work->facts->stat_count; i++)
        if (work->facts->stats[i].type == STAT_FRONTEND &&
            is_part(work, &work->facts->stats[i], backend))
            return true;
    return false;
}

static int64_t waiting_for(const struct diagnosis_work *work, const struct haproxy_stat *frontend)
{
    bool full = false;

    return look_accept_queue(
        work, frontend == NULL ? NULL : look_front(work->facts->cfg, frontend->proxy), &full);
}

void held_tell(struct diagnosis_work *work, struct finding *finding, size_t start, size_t end)
{
    const char *backend = work->servers[start].backend;

    if (!held_by(work, start, end))
        return;
    finding->severity = SEVERITY_CRITICAL;
    if (is_part(work, NULL, backend)) {
        strings_addf(&finding->consequences, work->arena,
                     "global-maxconn: most of the %" PRId64 " connections that HAProxy may have "
                     "wait for this, and %" PRId64 " clients for one of them, of all frontends",
                     look_info(work, "CurrConns"), waiting_for(work, NULL));
        if (work->servers[start].row->session_limit <= 0)
            strings_addf(&finding->advice, work->arena,
                         "a maxconn on the server lines of %s and a short `timeout queue` keep it "
                         "from taking all connections; where it is to have them: hamedic plan "
                         "--set haproxy.maxconn:global=N",
                         backend);
    }
    for (size_t i = 0; i < work->facts->stat_count; i++) {
        const struct haproxy_stat *row = &work->facts->stats[i];

        if (row->type == STAT_FRONTEND && is_part(work, row, backend))
            strings_addf(&finding->consequences, work->arena,
                         "frontend-maxconn: most of the %" PRId64 " connections that frontend %s "
                         "may have wait for this, and %" PRId64 " clients for one of them",
                         row->sessions, look_shown(row->proxy), waiting_for(work, row));
    }
}
