#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/look.h"
#include "remediations/host/haproxy_endpoint.h"

static int compare_probes(const void *left, const void *right)
{
    const struct probe *a = *(const struct probe *const *)left;
    const struct probe *b = *(const struct probe *const *)right;
    int order = strcmp(look_shown(a->address), look_shown(b->address));

    if (order != 0)
        return order;
    return a->port < b->port ? -1 : a->port > b->port;
}

static const struct cfg_contact no_contact;

static void add_server(struct diagnosis_work *work, const struct haproxy_stat *row,
                       const struct cfg_proxy *proxy, const struct cfg_server *server)
{
    struct server_view *view = &ARENA_PUSH(work->arena, work->servers, work->server_count);

    view->row = row;
    view->proxy = proxy;
    view->server = server;
    view->contact = server != NULL ? cfg_contact_of(server) : &no_contact;
    if (row != NULL) {
        view->backend = look_shown(row->proxy);
        view->name = look_shown(row->name);
    } else {
        view->backend = look_shown(proxy->name);
        view->name = look_shown(server->name);
    }
    /* What runs counts: a name was resolved there, and an address may have been changed at run
     * time. */
    if (row != NULL &&
        haproxy_endpoint_split(row->address, work->arena, &view->address, &view->port))
        return;
    if (server != NULL && !server->is_unix && server->address != NULL && server->port != 0) {
        view->address = server->address;
        view->port = server->port;
    }
}

static void find_in_stats(struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;
    const struct cfg_proxy *proxy = NULL;
    const char *of = NULL;

    for (size_t i = 0; i < facts->stat_count; i++) {
        const struct haproxy_stat *row = &facts->stats[i];
        const struct cfg_server *server = NULL;

        if (row->type != STAT_SERVER)
            continue;
        if (!look_same(row->proxy, of)) {
            proxy = facts->cfg != NULL && row->proxy != NULL
                        ? cfg_find_backend(facts->cfg, row->proxy)
                        : NULL;
            of = row->proxy;
        }
        if (proxy != NULL && row->name != NULL)
            server = cfg_find_server(proxy, row->name);
        add_server(work, row, proxy, server);
    }
}

static void find_in_config(struct diagnosis_work *work)
{
    const struct cfg *cfg = work->facts->cfg;

    for (size_t i = 0; i < cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = cfg->proxies[i];

        if ((proxy->kind != CFG_BACKEND && proxy->kind != CFG_LISTEN) || proxy->disabled)
            continue;
        for (size_t s = 0; s < proxy->server_count; s++)
            if (!proxy->servers[s].disabled && !proxy->servers[s].line_place.conditional)
                add_server(work, NULL, proxy, &proxy->servers[s]);
    }
}

static int compare_rows(const void *left, const void *right)
{
    const struct haproxy_stat *a = *(const struct haproxy_stat *const *)left;
    const struct haproxy_stat *b = *(const struct haproxy_stat *const *)right;

    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return strcmp(look_shown(a->proxy), look_shown(b->proxy));
}

static void sort_rows(struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;

    for (size_t i = 0; i < facts->stat_count; i++)
        if (facts->stats[i].type == STAT_FRONTEND || facts->stats[i].type == STAT_BACKEND)
            ARENA_PUSH(work->arena, work->rows, work->row_count) = &facts->stats[i];
    if (work->row_count > 0)
        qsort(work->rows, work->row_count, sizeof *work->rows, compare_rows);
}

/* Where their checks go. */
static void find_checked(struct diagnosis_work *work)
{
    for (size_t i = 0; i < work->server_count; i++) {
        struct server_view *view = &work->servers[i];
        const char *address = view->contact->check_address;

        view->check_address = address != NULL ? address : view->address;
        view->check_port = view->server != NULL && view->server->check_port > 0
                               ? view->server->check_port
                               : view->port;
    }
}

bool look_check_goes_elsewhere(const struct server_view *view)
{
    return view->address != NULL &&
           (view->check_port != view->port || !look_same(view->check_address, view->address));
}

static int compare_views(const void *left, const void *right)
{
    const struct server_view *a = *(const struct server_view *const *)left;
    const struct server_view *b = *(const struct server_view *const *)right;
    int order = strcmp(a->backend, b->backend);

    return order != 0 ? order : strcmp(a->name, b->name);
}

static void sort_views(struct diagnosis_work *work)
{
    work->by_name = arena_alloc(work->arena, (work->server_count + 1) * sizeof *work->by_name);
    for (size_t i = 0; i < work->server_count; i++)
        work->by_name[i] = &work->servers[i];
    qsort(work->by_name, work->server_count, sizeof *work->by_name, compare_views);
}

const struct server_view *look_server(const struct diagnosis_work *work, const char *backend,
                                      const char *name)
{
    struct server_view key = {.backend = backend, .name = name};
    const struct server_view *wanted = &key;
    const struct server_view *const *found =
        work->server_count == 0 ? NULL
                                : bsearch(&wanted, work->by_name, work->server_count,
                                          sizeof *work->by_name, compare_views);

    return found != NULL ? *found : NULL;
}

/* "be/s1", or "s1" of the same backend. */
static const struct server_view *followed_by(struct diagnosis_work *work,
                                             const struct server_view *view)
{
    const char *track =
        view->row != NULL && view->row->tracked != NULL ? view->row->tracked : view->contact->track;
    const char *slash = track != NULL ? strchr(track, '/') : NULL;

    if (track == NULL)
        return NULL;
    const struct server_view *found =
        slash == NULL
            ? look_server(work, view->backend, track)
            : look_server(work, arena_copy(work->arena, track, (size_t)(slash - track)), slash + 1);
    return found != view ? found : NULL;
}

/* A chain of them ends at one that has a check. */
static void find_followed(struct diagnosis_work *work)
{
    enum { CHAIN_MAX = 16 };

    sort_views(work);
    for (size_t i = 0; i < work->server_count; i++)
        work->servers[i].follows = followed_by(work, &work->servers[i]);
    for (size_t i = 0; i < work->server_count; i++) {
        struct server_view *view = &work->servers[i];

        for (unsigned k = 0; k < CHAIN_MAX && view->follows != NULL; k++) {
            const struct server_view *next = view->follows->follows;
            if (next == NULL || next == view)
                break;
            view->follows = next;
        }
    }
}

const struct log_group *look_log_of(const struct diagnosis_work *work,
                                    const struct server_view *view)
{
    const struct log_summary *log = &work->facts->logs.summary;

    for (size_t i = 0; facts_have(work->facts, SOURCE_LOGS) && i < log->server_count; i++)
        if (look_same(log->servers[i].backend, view->backend) &&
            look_same(log->servers[i].name, view->name))
            return &log->servers[i];
    return NULL;
}

bool look_is_over(const struct diagnosis_work *work, const struct log_fault *fault)
{
    enum { OVER_SECONDS = 60, OVER_TIMES = 10 };
    int64_t now = work->facts->time, first = fault->first / 1000, last = fault->last / 1000;

    if (first <= 0 || last < first || now < last)
        return false;
    int64_t between = fault->count > 1 ? (last - first) / (int64_t)(fault->count - 1) : 0;
    return now - last > OVER_SECONDS && (now - last) / OVER_TIMES > between;
}

static void find_asked(struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;

    for (size_t i = 0; facts_have(facts, SOURCE_ANSWER) && i < facts->asked_count; i++) {
        const struct server_view *view = look_server(work, look_shown(facts->asked[i].backend),
                                                     look_shown(facts->asked[i].server));

        if (view != NULL && facts->asked[i].error == 0)
            work->servers[view - work->servers].asked = &facts->asked[i];
    }
}

static const struct probe *find_probe(const struct probe *const *probes, size_t count,
                                      const char *address, uint32_t port)
{
    struct probe key = {.address = address, .port = port};
    const struct probe *wanted = &key;

    if (address == NULL)
        return NULL;
    const struct probe *const *found =
        bsearch(&wanted, probes, count, sizeof *probes, compare_probes);
    return found != NULL ? *found : NULL;
}

static void find_probes(struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;

    if (!facts_have(facts, SOURCE_PROBE) || facts->probe_count == 0)
        return;
    const struct probe **probes = arena_alloc(work->arena, facts->probe_count * sizeof *probes);
    for (size_t i = 0; i < facts->probe_count; i++)
        probes[i] = &facts->probes[i];
    qsort(probes, facts->probe_count, sizeof *probes, compare_probes);
    for (size_t i = 0; i < work->server_count; i++) {
        struct server_view *view = &work->servers[i];

        if (look_unix_of(view) != NULL)
            view->probe = find_probe(probes, facts->probe_count, look_unix_of(view), 0);
        /* The same address is another place there. */
        if (view->server != NULL && !cfg_server_is_direct(view->server))
            continue;
        view->probe = find_probe(probes, facts->probe_count, view->address, view->port);
        view->check_probe =
            find_probe(probes, facts->probe_count, view->check_address, view->check_port);
    }
}

/* Of those whose address the file does not have: HAProxy alone knows it. */
static void find_late_probes(struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;

    for (size_t i = 0; facts_have(facts, SOURCE_ANSWER) && i < facts->asked_count; i++) {
        const struct asked *asked = &facts->asked[i];
        const struct server_view *found =
            look_server(work, look_shown(asked->backend), look_shown(asked->server));
        struct server_view *view = found != NULL ? &work->servers[found - work->servers] : NULL;

        if (view == NULL || view->probe != NULL || asked->error == 0 || asked->port != view->port ||
            !look_same(asked->address, view->address))
            continue;
        struct probe *probe = arena_alloc(work->arena, sizeof *probe);
        *probe = (struct probe){.address = asked->address,
                                .port = asked->port,
                                .error = asked->error,
                                .microseconds = asked->milliseconds * 1000};
        view->probe = probe;
    }
}

const char *look_source_of(const struct server_view *view)
{
    const char *source = view->contact->source;

    if (source == NULL && view->proxy != NULL)
        source = view->proxy->check.source;
    /* "Any" is what the kernel would take, too. */
    return source == NULL || strcmp(source, "0.0.0.0") == 0 || strcmp(source, "*") == 0 ||
                   strcmp(source, "::") == 0 || source[0] == '\0'
               ? NULL
               : source;
}

const char *look_unix_of(const struct server_view *view)
{
    return view->server != NULL ? cfg_server_unix(view->server) : NULL;
}

void look_find_servers(struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;

    sort_rows(work);
    if (facts_have(facts, SOURCE_STATS))
        find_in_stats(work);
    else if (facts->cfg != NULL)
        find_in_config(work);
    find_checked(work);
    find_followed(work);
    find_asked(work);
    find_probes(work);
    find_late_probes(work);
}

size_t look_backend_end(const struct diagnosis_work *work, size_t start)
{
    size_t end = start + 1;

    while (end < work->server_count &&
           look_same(work->servers[end].backend, work->servers[start].backend))
        end++;
    return end;
}

bool look_takes_traffic(const struct server_view *view)
{
    const char *status = view->row != NULL ? view->row->status : NULL;

    /* DRAIN takes only what is bound to it, NOLB the same, and so does who got weight 0 while it ran. */
    return status != NULL && view->row->weight != 0 &&
           (strncmp(status, "UP", 2) == 0 || strcmp(status, "no check") == 0);
}

bool look_backend_takes_traffic(const struct diagnosis_work *work, size_t start, size_t end)
{
    for (size_t i = start; i < end; i++)
        if (look_takes_traffic(&work->servers[i]))
            return true;
    return false;
}

const struct haproxy_stat *look_row(const struct diagnosis_work *work, enum stat_type type,
                                    const char *proxy)
{
    struct haproxy_stat key = {.type = type, .proxy = proxy};
    const struct haproxy_stat *wanted = &key;

    if (work->row_count == 0)
        return NULL;
    const struct haproxy_stat *const *found =
        bsearch(&wanted, work->rows, work->row_count, sizeof *work->rows, compare_rows);
    return found != NULL ? *found : NULL;
}
