#include "agent/diagnose/back_group.h"

#include <errno.h>
#include <inttypes.h>

#include "agent/diagnose/path.h"

const struct server_view *back_member(const struct diagnosis_work *work,
                                      const struct back_group *group, size_t index)
{
    return &work->servers[group->members[index]];
}

const char *back_subject(struct diagnosis_work *work, const struct back_group *group)
{
    return arena_printf(work->arena, "%zu of %zu servers of %s", group->count,
                        group->end - group->start, group->backend);
}

static const char *probe_text(const struct probe *probe)
{
    switch (word_of_probe(probe)) {
    case WORD_NONE:
        return "was not tried";
    case WORD_FINE:
        return "connected";
    case WORD_REFUSED:
        return probe->error == ENOENT ? "is not there (ENOENT)"
                                      : "refused the connection (ECONNREFUSED)";
    case WORD_TIMEOUT:
        return "did not answer (ETIMEDOUT)";
    case WORD_UNREACHABLE:
        return probe->error == ENETUNREACH ? "no route to that network (ENETUNREACH)"
                                           : "host unreachable (EHOSTUNREACH)";
    case WORD_DENIED:
    case WORD_NO_SOURCE:
    case WORD_DIFFERS:
    case WORD_STATUS:
    case WORD_ANSWER:
    case WORD_SLOW:
    case WORD_TLS:
    case WORD_OTHER:
        break;
    }
    return probe->error == EADDRNOTAVAIL ? "no local port or source address (EADDRNOTAVAIL)"
                                         : "failed";
}

/* ---- evidence ---- */

static const char *said_text(struct diagnosis_work *work, const struct asked *asked)
{
    switch (asked->said) {
    case ASKED_STATUS:
        return arena_printf(work->arena, "\"%s\"", look_shown(asked->text));
    case ASKED_OTHER:
        return arena_printf(work->arena, "no HTTP, but \"%s\"", look_shown(asked->text));
    case ASKED_TLS:
        return "TLS, to a question in plain text";
    case ASKED_CLOSED:
        return "the connection was closed without an answer";
    case ASKED_SILENT:
        return "no answer";
    case ASKED_NOTHING:
    case ASKED_SAID_COUNT:
        break;
    }
    return NULL;
}

static const char *tls_text(const struct asked *asked)
{
    switch (asked->tls) {
    case TLS_FINE:
        return "the handshake works";
    case TLS_PLAIN:
        return "no TLS: it answers in plain text";
    case TLS_REFUSED:
        return "the handshake fails";
    case TLS_SILENT:
        return "no answer to the handshake";
    case TLS_EXPIRED:
        return "the certificate is not valid now";
    case TLS_DISTRUSTED:
        return "the certificate is not trusted";
    case TLS_OTHER_NAME:
        return "the certificate has another name";
    case TLS_NOT_TRIED:
    case TLS_COUNT:
        break;
    }
    return NULL;
}

static void tell_asked(struct diagnosis_work *work, struct finding *finding,
                       const struct server_view *view)
{
    const struct asked *asked = view->asked;
    const char *said = said_text(work, asked), *tls = tls_text(asked);

    if (said != NULL)
        diagnose_evidence(work, finding, SOURCE_ANSWER,
                          "%s asked %s:%" PRIu32 " %s: %s (%" PRId64 " ms)",
                          look_shown(work->facts->host_name), asked->address, asked->port,
                          look_shown(asked->question), said, asked->milliseconds);
    if (tls != NULL)
        diagnose_evidence(work, finding, SOURCE_ANSWER, "TLS with %s:%" PRIu32 ": %s%s%s",
                          asked->address, asked->port, tls, asked->tls_text != NULL ? ", " : "",
                          asked->tls_text != NULL ? asked->tls_text : "");
}

/* Where our own connection goes. */
static const char *place_text(struct diagnosis_work *work, const struct server_view *view)
{
    return look_unix_of(view) != NULL
               ? look_unix_of(view)
               : arena_printf(work->arena, "%s:%" PRIu32, look_shown(view->address), view->port);
}

static const char *answer_text(struct diagnosis_work *work, const struct server_view *view)
{
    const struct probe_answer *answer = path_answer(work, view);

    return answer == NULL
               ? ""
               : arena_printf(work->arena, ": ICMP %s from %s", answer->word, answer->from);
}

static void tell_member(struct diagnosis_work *work, struct finding *finding,
                        const struct server_view *view)
{
    const struct haproxy_stat *row = view->row;

    if (word_is_maintained(view)) {
        diagnose_evidence(work, finding, SOURCE_STATS, "%s/%s %s", view->backend, view->name,
                          row->status);
        return;
    }
    if (row != NULL && row->weight == 0)
        diagnose_evidence(work, finding, SOURCE_STATS, "%s/%s %s, weight 0", view->backend,
                          view->name, look_shown(row->status));
    if (row != NULL && word_of_check(row) != WORD_NONE)
        diagnose_evidence(work, finding, SOURCE_STATS, "%s/%s %s %s \"%s\"", view->backend,
                          view->name, look_shown(row->status), row->check_status,
                          row->last_check != NULL ? row->last_check : "");
    else if (row != NULL)
        diagnose_evidence(work, finding, SOURCE_STATS, "%s/%s %s, %" PRId64 " failed connections",
                          view->backend, view->name, look_shown(row->status),
                          row->connect_errors > 0 ? row->connect_errors : 0);
    else
        diagnose_evidence(work, finding, SOURCE_CONFIG, "server %s/%s %s", view->backend,
                          view->name, view->server != NULL ? look_shown(view->server->text) : "?");
    if (view->probe != NULL)
        diagnose_evidence(work, finding, SOURCE_PROBE, "%s -> %s %s%s",
                          look_shown(work->facts->host_name), place_text(work, view),
                          probe_text(view->probe), answer_text(work, view));
    if (look_check_goes_elsewhere(view) && view->check_probe != NULL)
        diagnose_evidence(work, finding, SOURCE_PROBE, "%s -> %s:%" PRIu32 " (its check) %s",
                          look_shown(work->facts->host_name), view->check_address, view->check_port,
                          probe_text(view->check_probe));
    if (view->asked != NULL)
        tell_asked(work, finding, view);
}

/* Servers that follow one of these are what it is. */
static void tell_followers(struct diagnosis_work *work, struct finding *finding,
                           const struct back_group *group)
{
    size_t count = 0;

    for (size_t i = 0; i < work->server_count; i++) {
        const struct server_view *view = &work->servers[i];

        for (size_t k = 0; view->follows != NULL && k < group->count; k++) {
            if (view->follows != back_member(work, group, k))
                continue;
            if (count++ < BACK_MEMBERS_MAX)
                strings_addf(&finding->consequences, work->arena,
                             "%s/%s follows the check of %s/%s, and is %s with it", view->backend,
                             view->name, view->follows->backend, view->follows->name,
                             view->row != NULL ? look_shown(view->row->status) : "out of service");
        }
    }
    if (count > BACK_MEMBERS_MAX)
        strings_addf(&finding->consequences, work->arena,
                     "and %zu more servers that follow one of these", count - BACK_MEMBERS_MAX);
}

/* No request succeeds there, as far as a connection and a question of our own can tell. */
static bool serves_nobody(const struct server_view *view)
{
    const struct asked *asked = view->asked;

    if (asked == NULL || asked->said == ASKED_NOTHING)
        return word_is_failure(word_of_probe(view->probe));
    return asked->said != ASKED_STATUS || asked->status >= 500;
}

static bool is_of_older_file(const struct diagnosis_work *work, const struct back_group *group)
{
    return group->state != FINDING_PROVEN &&
           word_is_of_older_file(work, &work->servers[group->members[0]]);
}

/* What becomes of the requests: who is UP, or has no check, goes on getting some. */
static void tell_effect(struct diagnosis_work *work, struct finding *finding,
                        const struct back_group *group)
{
    bool known = work->servers[group->start].row != NULL, used = false, dead = true;
    bool others = !known && group->count < group->end - group->start;

    for (size_t i = group->start, at = 0; known && i < group->end; i++) {
        const struct server_view *view = &work->servers[i];
        bool member = at < group->count && group->members[at] == i;

        at += member ? 1 : 0;
        if (!look_takes_traffic(view))
            continue;
        used = used || member;
        others = others || !member;
        dead = dead && (!member || serves_nobody(view));
    }
    if (used)
        strings_add(&finding->consequences, work->arena,
                    others ? "HAProxy goes on sending requests there; only those that get no "
                             "connection are tried elsewhere"
                           : "HAProxy goes on sending requests there, and no other server takes "
                             "any");
    else if (others)
        strings_add(&finding->consequences, work->arena,
                    known ? "the other servers carry the load; requests bound to these are sent "
                            "elsewhere or get 503"
                          : "requests for these servers are sent to others or get 503");
    else
        strings_addf(&finding->consequences, work->arena,
                     "no server of %s takes traffic: clients get 503 Service Unavailable",
                     group->backend);
    /* What is only possible must not stand before what is proven. */
    if (is_of_older_file(work, group))
        finding->severity = SEVERITY_NOTICE;
    else if (!others && (!used || (dead && group->state == FINDING_PROVEN)))
        finding->severity = SEVERITY_CRITICAL;
}

static struct finding *find_group(struct diagnosis_work *work, const struct cause *cause,
                                  const struct back_group *group, const char *what)
{
    const struct server_view *first = &work->servers[group->members[0]];
    size_t all = group->end - group->start;
    struct finding *finding = diagnose_find(
        work, cause, group->state,
        group->count > 1 ? group->backend
                         : arena_printf(work->arena, "%s/%s", first->backend, first->name));

    finding->summary = arena_printf(work->arena, "%zu of %zu servers of %s %s", group->count, all,
                                    group->backend, what);
    for (size_t i = 0; i < group->count && i < BACK_MEMBERS_MAX; i++)
        tell_member(work, finding, &work->servers[group->members[i]]);
    if (group->count > BACK_MEMBERS_MAX)
        diagnose_evidence(work, finding, SOURCE_STATS, "and %zu more servers like these",
                          group->count - BACK_MEMBERS_MAX);
    tell_effect(work, finding, group);
    tell_followers(work, finding, group);
    return finding;
}

static void settle_contact(struct diagnosis_work *work, struct finding *finding,
                           const struct back_group *group)
{
    const struct server_view *first = &work->servers[group->members[0]];

    if (group->state == FINDING_PROVEN)
        return;
    if (is_of_older_file(work, group))
        finding->settle =
            "whether it is still so once the newer configuration is loaded, which has "
            "other servers, or other addresses for them";
    else if (first->row == NULL)
        finding->settle = "what HAProxy's own checks say (show stat): it could not be asked";
    else if (first->probe == NULL)
        finding->settle =
            arena_printf(work->arena, "a connection from this host to %s", place_text(work, first));
    else
        finding->settle =
            "HAProxy's check and a connection from here do not agree: look again when "
            "the next checks have run";
}

static void advise_members(struct diagnosis_work *work, struct finding *finding,
                           const struct back_group *group, back_advice *advise)
{
    for (size_t i = 0; i < group->count && i < BACK_MEMBERS_MAX; i++)
        strings_add(&finding->advice, work->arena, advise(work, &work->servers[group->members[i]]));
    if (group->count > BACK_MEMBERS_MAX)
        strings_addf(&finding->advice, work->arena, "and the same for %zu more servers",
                     group->count - BACK_MEMBERS_MAX);
}

static bool is_member(struct diagnosis_work *work, size_t index, const struct back_search *search,
                      enum finding_state state)
{
    const struct server_view *view = &work->servers[index];
    enum finding_state own = FINDING_PROVEN;

    return word_verdict(work, view, &own) == search->word && own == state &&
           (search->also == NULL || search->also(work, view));
}

void back_look_for(struct diagnosis_work *work, const struct cause *cause,
                   const struct back_search *search)
{
    size_t end;

    if (work->facts->tree)
        return;
    for (size_t start = 0; start < work->server_count; start = end) {
        end = look_backend_end(work, start);
        for (int state = FINDING_PROVEN; state <= FINDING_POSSIBLE; state++) {
            struct back_group group = {.backend = work->servers[start].backend,
                                       .start = start,
                                       .end = end,
                                       .state = (enum finding_state)state};

            for (size_t i = start; i < end; i++)
                if (is_member(work, i, search, group.state))
                    ARENA_PUSH(work->arena, group.members, group.count) = i;
            if (group.count == 0)
                continue;
            struct finding *finding = find_group(work, cause, &group, search->what);
            settle_contact(work, finding, &group);
            if (search->advise != NULL)
                advise_members(work, finding, &group, search->advise);
            if (search->more != NULL)
                search->more(work, cause, finding, &group);
        }
    }
}

void back_look_filtered(struct diagnosis_work *work, const struct cause *cause, back_filter *filter,
                        const char *what, back_advice *advise, back_more *more)
{
    size_t end;

    for (size_t start = 0; start < work->server_count; start = end) {
        struct back_group group = {.backend = work->servers[start].backend, .start = start};

        group.end = end = look_backend_end(work, start);
        for (size_t i = start; i < end; i++)
            if (filter(work, &work->servers[i]))
                ARENA_PUSH(work->arena, group.members, group.count) = i;
        if (group.count == 0)
            continue;
        struct finding *finding = find_group(work, cause, &group, what);
        advise_members(work, finding, &group, advise);
        if (more != NULL)
            more(work, cause, finding, &group);
    }
}
