#include "agent/diagnose/activates.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/look.h"

#define LINES_MAX 50

struct differences {
    struct diagnosis_work *work;
    size_t left_out;
};

static void PRINTF_LIKE(2, 3) tell(struct differences *differences, const char *format, ...)
{
    struct strings *lines = &differences->work->result->activates;
    char text[512];
    va_list args;

    if (lines->count >= LINES_MAX - 1) {
        differences->left_out++;
        return;
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    strings_add(lines, differences->work->arena, arena_string(differences->work->arena, text));
}

static void compare_global(struct differences *differences)
{
    const struct facts *facts = differences->work->facts;
    const struct cfg_number *number = &facts->cfg->global.maxconn;
    int64_t runs = look_info(differences->work, "Maxconn");

    /* -n wins over the file at every start, so the file says nothing then. */
    if (facts->haproxy->argument_maxconn != 0 || !number->set || number->value == 0 || runs < 0)
        return;
    if (number->value != (uint64_t)runs)
        tell(differences, "global maxconn: %" PRIu64 " in the file, %" PRId64 " runs",
             number->value, runs);
}

static void compare_front(struct differences *differences, const struct cfg_proxy *proxy)
{
    const struct haproxy_stat *row = look_row(differences->work, STAT_FRONTEND, proxy->name);
    struct cfg_number number = cfg_effective_maxconn(proxy);

    if (row == NULL) {
        tell(differences, "frontend %s: in the file (%s), not running", look_shown(proxy->name),
             look_place(differences->work, proxy->file, proxy->line));
        return;
    }
    /* Without a maxconn of its own it follows the global one, which has its own line. */
    if (number.set && number.value > 0 && row->session_limit > 0 &&
        number.value != (uint64_t)row->session_limit)
        tell(differences, "frontend %s maxconn: %" PRIu64 " in the file, %" PRId64 " runs",
             look_shown(proxy->name), number.value, row->session_limit);
}

static void compare_binds(struct differences *differences, const struct cfg_proxy *proxy)
{
    const struct facts *facts = differences->work->facts;

    if (!facts_have(facts, SOURCE_SOCKETS))
        return;
    for (size_t i = 0; i < proxy->bind_count; i++) {
        const struct cfg_bind *bind = &proxy->binds[i];

        if (!look_is_tcp(bind) || bind->conditional)
            continue;
        for (uint32_t port = bind->port_low; port <= bind->port_high && port <= 65535; port++) {
            if (look_is_listened(&facts->sockets, bind, port))
                continue;
            tell(differences, "bind %s of %s (%s): nothing listens on port %" PRIu32,
                 look_shown(bind->text), look_shown(proxy->name),
                 look_place(differences->work, bind->file, bind->line), port);
            break;
        }
    }
}

static void compare_backend(struct differences *differences, const struct cfg_proxy *proxy)
{
    if (look_row(differences->work, STAT_BACKEND, proxy->name) == NULL)
        tell(differences, "backend %s: in the file (%s), not running", look_shown(proxy->name),
             look_place(differences->work, proxy->file, proxy->line));
}

static void compare_server(struct differences *differences, const struct server_view *view)
{
    const struct cfg_number *number = &view->server->maxconn;
    uint64_t in_file = number->set ? number->value : 0;
    uint64_t runs = view->row->session_limit > 0 ? (uint64_t)view->row->session_limit : 0;

    if (in_file != runs)
        tell(differences, "server %s/%s maxconn: %" PRIu64 " in the file, %" PRIu64 " runs%s",
             view->backend, view->name, in_file, runs,
             in_file == 0 || runs == 0 ? " (0: no limit)" : "");
    if (view->server->address != NULL && view->address != NULL && view->server->port != 0 &&
        (!look_same(view->server->address, view->address) || view->server->port != view->port))
        tell(differences, "server %s/%s: %s:%" PRIu32 " in the file, %s:%" PRIu32 " runs",
             view->backend, view->name, view->server->address, view->server->port, view->address,
             view->port);
}

static int compare_pointers(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t) * (const struct cfg_server *const *)left;
    uintptr_t b = (uintptr_t) * (const struct cfg_server *const *)right;

    return a < b ? -1 : a > b;
}

static void compare_servers(struct differences *differences)
{
    struct diagnosis_work *work = differences->work;
    const struct cfg *cfg = work->facts->cfg;
    const struct cfg_server **running = NULL;
    size_t count = 0;

    for (size_t i = 0; i < work->server_count; i++) {
        const struct server_view *view = &work->servers[i];

        if (view->row == NULL)
            continue;
        if (view->server != NULL && view->server->line_place.conditional)
            continue;
        if (view->server != NULL) {
            ARENA_PUSH(work->arena, running, count) = view->server;
            compare_server(differences, view);
        } else if (view->proxy != NULL)
            tell(differences, "server %s/%s: runs, but is not in the file", view->backend,
                 view->name);
    }
    if (count > 0)
        qsort(running, count, sizeof *running, compare_pointers);
    for (size_t p = 0; p < cfg->proxy_count; p++) {
        const struct cfg_proxy *proxy = cfg->proxies[p];

        if (proxy->conditional || proxy->disabled || proxy->kind == CFG_FRONTEND ||
            look_row(work, STAT_BACKEND, proxy->name) == NULL)
            continue;
        for (size_t s = 0; s < proxy->server_count; s++) {
            const struct cfg_server *server = &proxy->servers[s];
            bool runs = server->line_place.conditional ||
                        (count > 0 && bsearch(&server, running, count, sizeof *running,
                                              compare_pointers) != NULL);

            if (!runs)
                tell(differences, "server %s/%s: in the file, not running", look_shown(proxy->name),
                     look_shown(proxy->servers[s].name));
        }
    }
}

static void compare_rows(struct differences *differences)
{
    const struct facts *facts = differences->work->facts;

    for (size_t i = 0; i < facts->stat_count; i++) {
        const struct haproxy_stat *row = &facts->stats[i];
        bool front = row->type == STAT_FRONTEND, back = row->type == STAT_BACKEND;
        const struct cfg_proxy *proxy = NULL;

        if ((!front && !back) || row->proxy == NULL)
            continue;
        proxy = look_front(facts->cfg, row->proxy);
        if (back && (proxy == NULL || proxy->kind != CFG_LISTEN))
            proxy = cfg_find_proxy(facts->cfg, CFG_BACKEND, row->proxy);
        /* Sections that are no proxies (log-forward) show as frontends too. */
        if (proxy == NULL && !(front && facts->cfg->extra_binds > 0))
            tell(differences, "%s %s: runs, but is not in the file", front ? "frontend" : "backend",
                 row->proxy);
    }
}

void activates_list(struct diagnosis_work *work)
{
    struct differences differences = {.work = work};
    const struct facts *facts = work->facts;

    if (facts->tree || facts->cfg == NULL || !facts->haproxy->running ||
        !facts_have(facts, SOURCE_STATS) || facts->stat_count == 0)
        return;
    compare_global(&differences);
    for (size_t i = 0; i < facts->cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = facts->cfg->proxies[i];

        /* Whether a conditional section counts is not known here; a disabled one is not shown. */
        if (proxy->conditional || proxy->disabled)
            continue;
        if (look_is_front(proxy)) {
            compare_front(&differences, proxy);
            compare_binds(&differences, proxy);
        }
        if (proxy->kind == CFG_BACKEND)
            compare_backend(&differences, proxy);
    }
    compare_rows(&differences);
    compare_servers(&differences);
    if (differences.left_out > 0)
        strings_addf(&work->result->activates, work->arena, "and %zu more differences",
                     differences.left_out);
}
