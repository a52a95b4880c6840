#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/captures.h"
#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "remediations/host/haproxy_cfg_check.h"

#define LEAST      10 /* of connections or answers: fewer are a scanner's, or chance */
#define NEARLY_ALL 95 /* per cent */

static const struct cfg_bind *find_accepting(const struct cfg_proxy *proxy, bool accepts)
{
    for (size_t i = 0; i < proxy->bind_count; i++)
        if (look_is_tcp(&proxy->binds[i]) && proxy->binds[i].accept_proxy == accepts)
            return &proxy->binds[i];
    return NULL;
}

/* ---- accept-proxy, and clients that do not send the header ---- */

static uint64_t requests_of(const struct log_summary *log, const char *frontend)
{
    for (size_t i = 0; i < log->frontend_count; i++)
        if (look_same(log->frontends[i].name, frontend))
            return log->frontends[i].requests;
    return 0;
}

static void look_at_header(struct diagnosis_work *work, const struct cause *cause,
                           const struct log_early *early)
{
    const struct cfg_proxy *proxy = look_front(work->facts->cfg, early->frontend);
    const struct cfg_bind *bind = proxy != NULL ? find_accepting(proxy, true) : NULL;

    if (strstr(look_shown(early->reason), "PROXY protocol") == NULL || early->count < LEAST ||
        bind == NULL || requests_of(&work->facts->logs.summary, early->frontend) > early->count)
        return;
    bool counted = work->facts->logs.unknown == NULL;
    struct finding *finding =
        diagnose_find(work, cause, counted ? FINDING_PROVEN : FINDING_POSSIBLE, early->frontend);
    finding->severity = SEVERITY_CRITICAL;
    if (!counted)
        finding->settle = "whether the lines of the log that could not be read tell of requests";
    finding->summary = arena_printf(
        work->arena, "%s waits for a PROXY header that its clients do not send", early->frontend);
    diagnose_evidence(work, finding, SOURCE_CONFIG, "bind %s accept-proxy (%s)",
                      look_shown(bind->text), look_place(work, bind->file, bind->line));
    diagnose_evidence(work, finding, SOURCE_LOGS,
                      "%" PRIu64 " times \"%s\"; %" PRIu64 " requests in the same time",
                      early->count, early->reason,
                      requests_of(&work->facts->logs.summary, early->frontend));
    if (early->source_count > 0)
        diagnose_evidence(work, finding, SOURCE_LOGS, "most of them from %s",
                          early->sources[0].address);
    strings_add(&finding->consequences, work->arena,
                "each of these connections is closed before its request is read");
    strings_addf(
        &finding->advice, work->arena,
        "let the load balancer before it send the PROXY protocol, or take accept-proxy off "
        "the bind at %s; for some senders only: tcp-request connection expect-proxy layer4 "
        "if { src ADDRESS }",
        look_place(work, bind->file, bind->line));
}

/* ---- clients that send it where nobody waits for it ---- */

static void look_at_requests(struct diagnosis_work *work, const struct cause *cause,
                             const struct cfg_proxy *proxy)
{
    const struct haproxy_stat *row = look_row(work, STAT_FRONTEND, proxy->name);
    const struct cfg_bind *bind = find_accepting(proxy, false);
    const struct haproxy_capture *capture = captures_request(work, proxy->name);

    if (row == NULL || bind == NULL || row->request_errors < 2 * LEAST ||
        row->request_errors * 100 < row->requests_total * NEARLY_ALL)
        return;
    if (capture != NULL && capture->begins != CAPTURE_PROXY) {
        strings_addf(&work->result->not_checked, work->arena,
                     "why %s cannot read %" PRId64 " of %" PRId64
                     " requests: of the last one, %s, which is no cause that is known here",
                     proxy->name, row->request_errors, row->requests_total,
                     captures_beginning(capture));
        return;
    }
    struct finding *finding = diagnose_find(
        work, cause, capture != NULL ? FINDING_PROVEN : FINDING_POSSIBLE, proxy->name);
    finding->summary = arena_printf(
        work->arena,
        capture != NULL ? "%s gets PROXY headers that none of its binds waits for, and can read "
                          "hardly any request"
                        : "%s cannot read nearly all of its requests",
        proxy->name);
    diagnose_evidence(work, finding, SOURCE_STATS,
                      "%s ereq %" PRId64 " of %" PRId64 " requests since the start", proxy->name,
                      row->request_errors, row->requests_total);
    diagnose_evidence(work, finding, SOURCE_CONFIG, "bind %s without accept-proxy (%s)",
                      look_shown(bind->text), look_place(work, bind->file, bind->line));
    strings_add(&finding->consequences, work->arena, "their clients get 400 at once");
    if (capture != NULL) {
        captures_tell(work, finding, capture);
        strings_addf(&finding->advice, work->arena,
                     "where the sender is a load balancer of yours: put accept-proxy on the bind "
                     "at %s, or let the sender not send the header; who may send it may claim any "
                     "client address",
                     look_place(work, bind->file, bind->line));
        return;
    }
    finding->settle = "the first bytes of such a request (show errors): \"PROXY TCP\" where the "
                      "sender speaks the "
                      "PROXY protocol and accept-proxy is missing, a byte 0x16 where it speaks TLS";
}

/* ---- send-proxy, and a server that does not know it ---- */

/* All that it answered lately is 400. */
static bool answers_400(const struct log_group *log)
{
    return log != NULL && log->status_count > 0 && log->statuses[0].status == 400 &&
           log->statuses[0].count >= LEAST &&
           log->statuses[0].count * 100 >= log->requests * NEARLY_ALL;
}

static void look_at_server(struct diagnosis_work *work, const struct cause *cause,
                           const struct server_view *view)
{
    const struct haproxy_stat *row = view->row;
    const struct log_group *log = look_log_of(work, view);
    int64_t good = row->responses_1xx + row->responses_2xx + row->responses_3xx;

    if (view->server == NULL || !cfg_contact_of(view->server)->send_proxy ||
        row->responses_4xx < LEAST || good > 0)
        return;
    bool seen = answers_400(log);
    struct finding *finding =
        diagnose_find(work, cause, seen ? FINDING_PROVEN : FINDING_POSSIBLE,
                      arena_printf(work->arena, "%s/%s", view->backend, view->name));
    finding->summary = arena_printf(
        work->arena, "%s gets a PROXY header first, and answers every request with an error",
        view->name);
    diagnose_evidence(work, finding, SOURCE_CONFIG, "%s/%s has send-proxy", view->backend,
                      view->name);
    diagnose_evidence(work, finding, SOURCE_STATS,
                      "%s/%s %" PRId64 " answers 4xx, none below since the start", view->backend,
                      view->name, row->responses_4xx);
    if (seen)
        diagnose_evidence(work, finding, SOURCE_LOGS,
                          "%" PRIu64 " of %" PRIu64 " requests at %s/%s got 400 from it",
                          log->statuses[0].count, log->requests, view->backend, view->name);
    strings_add(&finding->consequences, work->arena, "its clients get 400");
    strings_addf(&finding->advice, work->arena,
                 "let the service at %s:%" PRIu32
                 " read the PROXY protocol, or take send-proxy off "
                 "its server line",
                 look_shown(view->address), view->port);
    if (!seen)
        finding->settle = "the log of the service: a request line that begins with \"PROXY\"";
}

void proxy_protocol_look(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;

    for (size_t i = 0; facts_have(facts, SOURCE_LOGS) && i < facts->logs.summary.early_count; i++)
        look_at_header(work, cause, &facts->logs.summary.early[i]);
    if (!facts_have(facts, SOURCE_STATS) || facts->cfg == NULL)
        return;
    for (size_t i = 0; i < facts->cfg->proxy_count; i++)
        if (look_is_front(facts->cfg->proxies[i]))
            look_at_requests(work, cause, facts->cfg->proxies[i]);
    for (size_t i = 0; i < work->server_count; i++)
        if (work->servers[i].row != NULL)
            look_at_server(work, cause, &work->servers[i]);
}
