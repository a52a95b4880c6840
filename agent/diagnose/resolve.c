/* Servers that HAProxy was told not to use, or does not know where to find. */
#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/back_group.h"
#include "agent/diagnose/causes.h"

/* ---- backend-maintenance ---- */

/* A person or a program said so: not a name that does not resolve, not an agent on the server, and
 * not another server that it follows. */
static bool is_by_a_person(const struct diagnosis_work *work, const struct server_view *view)
{
    (void)work;
    return word_is_maintained(view) && !word_has(view->row->status, "(resolution)") &&
           !word_has(view->row->status, "(via ") && !word_is_by_agent(view) &&
           view->follows == NULL && !(view->server != NULL && view->server->weight_is_zero);
}

static const char *advise_maintenance(struct diagnosis_work *work, const struct server_view *view)
{
    if (view->server != NULL && view->server->disabled)
        return arena_printf(
            work->arena, "when %s/%s may serve again: take `disabled` off its line (%s)",
            view->backend, view->name,
            look_place(work, view->server->line_place.file, view->server->line_place.line));
    return arena_printf(work->arena,
                        "when %s/%s may serve again: set server %s/%s state ready (stats socket)",
                        view->backend, view->name, view->backend, view->name);
}

static bool is_by_an_agent(const struct diagnosis_work *work, const struct server_view *view)
{
    (void)work;
    return word_is_by_agent(view) && view->follows == NULL;
}

static const char *advise_agent(struct diagnosis_work *work, const struct server_view *view)
{
    const char *said = view->row->last_agent;

    return arena_printf(
        work->arena,
        "on %s: ask the agent of %s/%s (agent-check) why it takes the server out%s%s%s",
        look_shown(view->address), view->backend, view->name, said != NULL ? "; it said \"" : "",
        said != NULL ? said : "", said != NULL ? "\"" : "");
}

/* By a rule, whatever its weight: where that is 0 in the file, nobody else is meant to get there. */
static bool is_chosen_by_rule(const struct server_view *view)
{
    const struct strings *chosen = &view->proxy->servers_chosen;

    for (size_t i = 0; i < chosen->count; i++)
        if (look_same(chosen->at[i], view->name) || chosen->at[i][0] == '%')
            return true;
    return false;
}

static bool is_without_weight(const struct diagnosis_work *work, const struct server_view *view)
{
    const struct haproxy_stat *row = view->row;
    bool in_file = view->server != NULL && view->server->weight_is_zero;

    (void)work;
    if (row == NULL || word_is_by_agent(view) || (in_file && is_chosen_by_rule(view)))
        return false;
    /* That of the file is DRAIN, and its followers have it from there; one that was set while HAProxy
     * runs leaves it UP. */
    if (word_is_maintained(view))
        return word_has(row->status, "DRAIN") && view->follows == NULL && in_file;
    return row->weight == 0 && row->status != NULL &&
           (strncmp(row->status, "UP", 2) == 0 || strcmp(row->status, "no check") == 0);
}

static const char *advise_weight(struct diagnosis_work *work, const struct server_view *view)
{
    if (view->server == NULL || !view->server->weight_is_zero)
        return arena_printf(work->arena,
                            "its weight was set to 0 while HAProxy runs: when %s/%s may serve "
                            "again: set server %s/%s weight 100%% (stats socket)%s",
                            view->backend, view->name, view->backend, view->name,
                            view->row->agent_status != NULL ? "; or its agent (agent-check) said so"
                                                            : "");
    return arena_printf(
        work->arena,
        "when %s/%s may serve again: give it a weight, on its line (%s) or with set "
        "server %s/%s weight N (stats socket)",
        view->backend, view->name,
        look_place(work, view->server->line_place.file, view->server->line_place.line),
        view->backend, view->name);
}

void resolve_look_maintenance(struct diagnosis_work *work, const struct cause *cause)
{
    if (!facts_have(work->facts, SOURCE_STATS))
        return;
    back_look_filtered(work, cause, is_by_a_person, "were taken out of service by a person",
                       advise_maintenance, NULL);
    back_look_filtered(work, cause, is_by_an_agent, "were taken out of service by their own agent",
                       advise_agent, NULL);
    back_look_filtered(work, cause, is_without_weight, "have weight 0: no new client gets there",
                       advise_weight, NULL);
}

/* ---- backend-dns ---- */

static bool is_unresolved(const struct server_view *view)
{
    return view->row != NULL && word_has(view->row->status, "(resolution)");
}

/* A template has room for more servers than its name has addresses today. */
static bool is_spare(const struct diagnosis_work *work, const struct server_view *view)
{
    if (view->server == NULL || view->server->template_high == 0)
        return false;
    for (size_t i = 0; i < work->server_count; i++)
        if (work->servers[i].server == view->server && !is_unresolved(&work->servers[i]))
            return true;
    return false;
}

static bool is_without_address(const struct diagnosis_work *work, const struct server_view *view)
{
    return is_unresolved(view) && view->follows == NULL && !is_spare(work, view);
}

static const char *advise_dns(struct diagnosis_work *work, const struct server_view *view)
{
    const char *name = view->server != NULL ? look_shown(view->server->text) : "its name";
    const char *resolvers = view->contact->resolvers;

    if (view->server != NULL && resolvers == NULL)
        return arena_printf(
            work->arena,
            "%s/%s: %s could not be resolved at start, and the line names no "
            "`resolvers`: HAProxy does not try again. Correct the name, or add "
            "`resolvers` (%s)",
            view->backend, view->name, name,
            look_place(work, view->server->line_place.file, view->server->line_place.line));
    return arena_printf(work->arena,
                        "%s/%s: make %s resolve: ask the name servers of section `resolvers %s` "
                        "for it by hand (dig NAME @SERVER), and see what HAProxy counts: show "
                        "resolvers (stats socket)",
                        view->backend, view->name, name, look_shown(resolvers));
}

/* What HAProxy counts of the name servers that it asks for these. */
static void tell_dns(struct diagnosis_work *work, const struct cause *cause,
                     struct finding *finding, const struct back_group *group)
{
    const char *section = back_member(work, group, 0)->contact->resolvers;
    const struct facts *facts = work->facts;
    bool answers = false, denies = false, any = false;

    (void)cause;
    for (size_t i = 0; section != NULL && i < facts->resolver_count; i++) {
        const struct haproxy_resolver *row = &facts->resolvers[i];

        if (!look_same(row->section, section) || row->sent <= 0)
            continue;
        any = true;
        denies = denies || row->no_such_name > 0;
        answers = answers || row->valid > 0 || row->no_such_name > 0 || row->refused > 0;
        diagnose_evidence(work, finding, SOURCE_STATS,
                          "resolvers %s, name server %s: %" PRId64 " sent, %" PRId64
                          " valid, %" PRId64 " no such name, %" PRId64 " timed out, %" PRId64
                          " refused, %" PRId64 " not sent",
                          section, row->nameserver, row->sent, row->valid, row->no_such_name,
                          row->timeouts, row->refused, row->send_errors);
    }
    if (!any)
        return;
    if (!answers)
        finding->summary = arena_printf(work->arena,
                                        "%s have no address: no name server of "
                                        "`resolvers %s` answers",
                                        back_subject(work, group), section);
    else if (denies)
        finding->summary = arena_printf(work->arena,
                                        "%s have no address: the name servers say "
                                        "that there is no such name",
                                        back_subject(work, group));
}

void resolve_look_dns(struct diagnosis_work *work, const struct cause *cause)
{
    if (facts_have(work->facts, SOURCE_STATS))
        back_look_filtered(work, cause, is_without_address,
                           "have no address: their names do not resolve", advise_dns, tell_dns);
}

/* ---- backend-empty ---- */

/* Does a rule or a default of the file send requests there? An expression may. */
static const char *user_of(const struct diagnosis_work *work, const struct cfg_proxy *backend,
                           bool *out_maybe)
{
    const struct cfg *cfg = work->facts->cfg;

    *out_maybe = false;
    for (size_t i = 0; i < cfg->proxy_count; i++) {
        const struct cfg_proxy *front = cfg->proxies[i];

        if (!look_is_front(front) || front->disabled)
            continue;
        if (look_same(front->default_backend, backend->name) ||
            strings_have(&front->uses, backend->name))
            return front->name;
        for (size_t k = 0; k < front->uses.count; k++)
            *out_maybe = *out_maybe || strchr(front->uses.at[k], '%') != NULL;
    }
    return NULL;
}

static bool has_servers(const struct diagnosis_work *work, const struct cfg_proxy *backend)
{
    if (backend->server_count > 0)
        return true;
    /* Added while it runs. */
    for (size_t i = 0; i < work->server_count; i++)
        if (look_same(work->servers[i].backend, backend->name))
            return true;
    return false;
}

static void find_empty(struct diagnosis_work *work, const struct cause *cause,
                       const struct cfg_proxy *backend)
{
    const struct haproxy_stat *row = look_row(work, STAT_BACKEND, backend->name);
    bool maybe = false;
    const char *user = backend->kind == CFG_LISTEN ? backend->name : user_of(work, backend, &maybe);
    bool counted = row != NULL && row->connect_errors > 0;

    if (user == NULL && !(maybe && counted))
        return;
    struct finding *finding =
        diagnose_find(work, cause, look_second(work, SOURCE_STATS, row != NULL), backend->name);
    finding->severity =
        counted || !facts_have(work->facts, SOURCE_STATS) ? SEVERITY_WARNING : SEVERITY_NOTICE;
    finding->summary =
        arena_printf(work->arena, "%s has no server: what is sent there gets 503", backend->name);
    diagnose_evidence(work, finding, SOURCE_CONFIG,
                      "%s %s (%s) has no `server` line and no rule "
                      "that answers",
                      backend->kind == CFG_LISTEN ? "listen" : "backend", backend->name,
                      look_place(work, backend->file, backend->line));
    if (user != NULL && backend->kind != CFG_LISTEN)
        diagnose_evidence(work, finding, SOURCE_CONFIG, "frontend %s sends requests there", user);
    if (row != NULL)
        diagnose_evidence(work, finding, SOURCE_STATS,
                          "%s: %" PRId64 " sessions, %" PRId64 " could not be sent to a server",
                          backend->name, row->sessions_total > 0 ? row->sessions_total : 0,
                          row->connect_errors > 0 ? row->connect_errors : 0);
    else
        finding->settle = "whether the running HAProxy has servers there that the file has not";
    if (finding->state == FINDING_PROVEN)
        finding->settle = NULL;
    strings_add(&finding->consequences, work->arena,
                counted ? "clients get 503 Service Unavailable"
                        : "the first client that is sent there gets 503 Service Unavailable");
    strings_addf(&finding->advice, work->arena, "add servers to %s (%s), or send nothing there",
                 backend->name, look_place(work, backend->file, backend->line));
}

void resolve_look_empty(struct diagnosis_work *work, const struct cause *cause)
{
    const struct cfg *cfg = work->facts->cfg;

    for (size_t i = 0; cfg != NULL && i < cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = cfg->proxies[i];
        bool is_back =
            proxy->kind == CFG_BACKEND || (proxy->kind == CFG_LISTEN && proxy->bind_count > 0);

        if (is_back && !proxy->conditional && !proxy->disabled && proxy->twin == NULL &&
            !proxy->answers_itself && proxy->error_page_line == 0 &&
            proxy->default_backend == NULL && proxy->uses.count == 0 && !has_servers(work, proxy))
            find_empty(work, cause, proxy);
    }
}

/* ---- what is left ---- */

static bool is_unexplained(const struct diagnosis_work *work, const struct server_view *view)
{
    enum finding_state state;

    if (!word_has(view->row->status, "DOWN") || word_is_by_agent(view) ||
        word_has(view->row->last_check, "Out of local source ports"))
        return false;
    /* It is told beside the one that it follows. */
    if (view->follows != NULL)
        return word_verdict(work, view->follows, &state) == WORD_NONE &&
               !word_is_maintained(view->follows) && !word_is_by_agent(view->follows) &&
               !word_has(view->follows->row != NULL ? view->follows->row->status : NULL, "DOWN");
    return word_verdict(work, view, &state) == WORD_NONE;
}

void resolve_tell_unexplained(struct diagnosis_work *work)
{
    size_t told = 0, left_out = 0;

    if (!facts_have(work->facts, SOURCE_STATS))
        return;
    for (size_t i = 0; i < work->server_count; i++) {
        const struct server_view *view = &work->servers[i];

        if (!is_unexplained(work, view))
            continue;
        if (told++ >= BACK_MEMBERS_MAX) {
            left_out++;
            continue;
        }
        const char *line = arena_printf(
            work->arena, "why %s/%s is %s: %s \"%s\" is no cause that is known here", view->backend,
            view->name, view->row->status, look_shown(view->row->check_status),
            view->row->last_check != NULL ? view->row->last_check : "");
        strings_add(&work->result->not_checked, work->arena, line);
    }
    if (left_out > 0)
        strings_addf(&work->result->not_checked, work->arena, "and %zu more servers like these",
                     left_out);
}
