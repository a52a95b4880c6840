#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/back_word.h"
#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "agent/diagnose/selinux.h"
#include "plans/base/text.h"

#define MEMBERS_MAX 8 /* servers told one by one; the rest is counted */

static const char *probe_text(const struct probe *probe)
{
    switch (word_of_probe(probe)) {
    case WORD_NONE:
        return "was not tried";
    case WORD_FINE:
        return "connected";
    case WORD_REFUSED:
        return "refused the connection (ECONNREFUSED)";
    case WORD_TIMEOUT:
        return "did not answer (ETIMEDOUT)";
    case WORD_UNREACHABLE:
        return probe->error == ENETUNREACH ? "no route to that network (ENETUNREACH)"
                                           : "host unreachable (EHOSTUNREACH)";
    case WORD_DENIED:
    case WORD_OTHER:
        break;
    }
    return probe->error == EADDRNOTAVAIL ? "no local port or source address (EADDRNOTAVAIL)"
                                         : "failed";
}

/* ---- backend-loopback-only ---- */

static bool is_own_address(const struct sockets *sockets, const char *address)
{
    for (size_t i = 0; i < sockets->listener_count; i++)
        if (look_same(sockets->listeners[i].address, address))
            return true;
    for (size_t i = 0; i < sockets->destination_count; i++)
        if (look_same(sockets->destinations[i].source, address))
            return true;
    return false;
}

/* The loopback address on which the service of this server listens instead; NULL: it is not so. */
static const char *loopback_listener(const struct diagnosis_work *work,
                                     const struct server_view *view)
{
    const struct sockets *sockets = &work->facts->sockets;
    const char *loopback = NULL;

    if (!facts_have(work->facts, SOURCE_SOCKETS) || view->address == NULL ||
        look_is_loopback(view->address) || word_of_probe(view->probe) != WORD_REFUSED ||
        !is_own_address(sockets, view->address))
        return NULL;
    for (size_t i = 0; i < sockets->listener_count; i++) {
        const struct listener *listener = &sockets->listeners[i];

        if (listener->port != view->port)
            continue;
        if (!look_is_loopback(listener->address))
            return NULL;
        loopback = listener->address;
    }
    return loopback;
}

/* ---- findings: the servers of one backend with one cause are one ---- */

struct group {
    const char *backend;
    size_t start, end; /* of the backend in work->servers */
    enum finding_state state;
    size_t *members;
    size_t count;
};

static void tell_member(struct diagnosis_work *work, struct finding *finding,
                        const struct server_view *view)
{
    const struct haproxy_stat *row = view->row;

    if (word_is_maintained(view)) {
        diagnose_evidence(work, finding, SOURCE_STATS, "%s/%s %s", view->backend, view->name,
                          row->status);
        return;
    }
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
        diagnose_evidence(work, finding, SOURCE_PROBE, "%s -> %s:%" PRIu32 " %s",
                          look_shown(work->facts->host_name), view->address, view->port,
                          probe_text(view->probe));
}

static struct finding *find_group(struct diagnosis_work *work, const struct cause *cause,
                                  const struct group *group, const char *what)
{
    const struct server_view *first = &work->servers[group->members[0]];
    size_t all = group->end - group->start;
    struct finding *finding = diagnose_find(
        work, cause, group->state,
        group->count > 1 ? group->backend
                         : arena_printf(work->arena, "%s/%s", first->backend, first->name));

    finding->summary = arena_printf(work->arena, "%zu of %zu servers of %s %s", group->count, all,
                                    group->backend, what);
    for (size_t i = 0; i < group->count && i < MEMBERS_MAX; i++)
        tell_member(work, finding, &work->servers[group->members[i]]);
    if (group->count > MEMBERS_MAX)
        diagnose_evidence(work, finding, SOURCE_STATS, "and %zu more servers like these",
                          group->count - MEMBERS_MAX);
    bool serves = first->row != NULL ? look_backend_takes_traffic(work, group->start, group->end)
                                     : group->count < all;
    if (serves) {
        strings_add(&finding->consequences, work->arena,
                    first->row != NULL
                        ? "the other servers carry the load; requests bound to these are sent "
                          "elsewhere or get 503"
                        : "requests for these servers are sent to others or get 503");
    } else {
        finding->severity = SEVERITY_CRITICAL;
        strings_addf(&finding->consequences, work->arena,
                     "no server of %s takes traffic: clients get 503 Service Unavailable",
                     group->backend);
    }
    return finding;
}

static void settle_contact(struct diagnosis_work *work, struct finding *finding,
                           const struct group *group)
{
    const struct server_view *first = &work->servers[group->members[0]];

    if (group->state == FINDING_PROVEN)
        return;
    if (first->server != NULL && first->server->check_ports > 0)
        finding->settle = "the check goes to another port than the traffic: try both ports by hand";
    else if (first->probe == NULL)
        finding->settle = arena_printf(work->arena, "a connection from this host to %s:%" PRIu32,
                                       look_shown(first->address), first->port);
    else
        finding->settle =
            "HAProxy's check and a connection from here do not agree: look again when "
            "the next checks have run";
}

typedef const char *advice_text(struct diagnosis_work *work, const struct server_view *view);

static void advise_members(struct diagnosis_work *work, struct finding *finding,
                           const struct group *group, advice_text *advise)
{
    for (size_t i = 0; i < group->count && i < MEMBERS_MAX; i++)
        strings_add(&finding->advice, work->arena, advise(work, &work->servers[group->members[i]]));
    if (group->count > MEMBERS_MAX)
        strings_addf(&finding->advice, work->arena, "and the same for %zu more servers",
                     group->count - MEMBERS_MAX);
}

static bool is_member(struct diagnosis_work *work, size_t index, enum word word, bool loopback,
                      enum finding_state state)
{
    const struct server_view *view = &work->servers[index];
    enum finding_state own = FINDING_PROVEN;

    if (word_verdict(work, view, &own) != word || own != state)
        return false;
    return word != WORD_REFUSED || (loopback_listener(work, view) != NULL) == loopback;
}

/* What else is to be said of a finding that was just made. */
typedef void tell_group(struct diagnosis_work *work, const struct cause *cause,
                        struct finding *finding, const struct group *group);

struct search {
    enum word word;
    bool loopback;
    const char *what;
    advice_text *advise; /* NULL: nothing, for each server */
    tell_group *more;    /* NULL: nothing */
};

static void look_for(struct diagnosis_work *work, const struct cause *cause,
                     const struct search *search)
{
    size_t end;

    if (work->facts->tree)
        return;
    for (size_t start = 0; start < work->server_count; start = end) {
        end = look_backend_end(work, start);
        for (int state = FINDING_PROVEN; state <= FINDING_POSSIBLE; state++) {
            struct group group = {.backend = work->servers[start].backend,
                                  .start = start,
                                  .end = end,
                                  .state = (enum finding_state)state};

            for (size_t i = start; i < end; i++)
                if (is_member(work, i, search->word, search->loopback, group.state))
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

static const char *advise_refused(struct diagnosis_work *work, const struct server_view *view)
{
    return arena_printf(work->arena,
                        "on %s: start the service of %s/%s so that it listens on tcp/%" PRIu32
                        ", or take away the firewall rule that rejects it",
                        look_shown(view->address), view->backend, view->name, view->port);
}

static const char *advise_timeout(struct diagnosis_work *work, const struct server_view *view)
{
    return arena_printf(work->arena,
                        "on %s and on the way there: see that the host is up and that no firewall "
                        "drops tcp/%" PRIu32 " from %s (%s/%s)",
                        look_shown(view->address), view->port, look_shown(work->facts->host_name),
                        view->backend, view->name);
}

static const char *advise_unreachable(struct diagnosis_work *work, const struct server_view *view)
{
    return arena_printf(
        work->arena,
        "see how this host reaches %s (ip route get %s; ip neigh): the route or the "
        "neighbour is missing, or a firewall answers for it (%s/%s, tcp/%" PRIu32 ")",
        look_shown(view->address), look_shown(view->address), view->backend, view->name,
        view->port);
}

static const char *advise_loopback(struct diagnosis_work *work, const struct server_view *view)
{
    const char *loopback = look_shown(loopback_listener(work, view));

    return arena_printf(work->arena,
                        "%s is this host, but the service of %s/%s listens on %s:%" PRIu32
                        " only: make it listen on %s too, or let the server line say %s:%" PRIu32,
                        look_shown(view->address), view->backend, view->name, loopback, view->port,
                        look_shown(view->address), loopback, view->port);
}

void back_look_refused(struct diagnosis_work *work, const struct cause *cause)
{
    look_for(work, cause,
             &(struct search){WORD_REFUSED, false, "refuse connections", advise_refused, NULL});
}

void back_look_timeout(struct diagnosis_work *work, const struct cause *cause)
{
    look_for(work, cause,
             &(struct search){WORD_TIMEOUT, false, "do not answer", advise_timeout, NULL});
}

void back_look_unreachable(struct diagnosis_work *work, const struct cause *cause)
{
    look_for(
        work, cause,
        &(struct search){WORD_UNREACHABLE, false, "cannot be reached", advise_unreachable, NULL});
}

void back_look_loopback_only(struct diagnosis_work *work, const struct cause *cause)
{
    look_for(work, cause,
             &(struct search){WORD_REFUSED, true, "listen on the loopback address only",
                              advise_loopback, NULL});
}

/* The ports a server needs: that of its check, and that of its traffic. */
static void require_ports(struct diagnosis_work *work, const struct server_view *view)
{
    selinux_require(work, "tcp", word_checked_port(view), SELINUX_CONNECT);
    selinux_require(work, "tcp", view->port, SELINUX_CONNECT);
}

void back_require_denied(struct diagnosis_work *work)
{
    for (size_t i = 0; i < work->server_count; i++) {
        enum finding_state state;

        if (word_verdict(work, &work->servers[i], &state) == WORD_DENIED && state == FINDING_PROVEN)
            require_ports(work, &work->servers[i]);
    }
}

/* The ports of a group, each once. */
static size_t denied_ports(const struct diagnosis_work *work, const struct group *group,
                           uint32_t *ports)
{
    size_t count = 0;

    for (size_t i = 0; i < group->count; i++) {
        const struct server_view *view = &work->servers[group->members[i]];
        const uint32_t both[] = {word_checked_port(view), view->port};

        for (size_t k = 0; k < 2; k++) {
            bool known = k == 1 && both[0] == both[1];

            for (size_t at = 0; at < count && !known; at++)
                known = ports[at] == both[k];
            if (!known &&
                (selinux_is_silent(work) || selinux_denies(work, "tcp", both[k], SELINUX_CONNECT)))
                ports[count++] = both[k];
        }
    }
    return count;
}

static void tell_denied(struct diagnosis_work *work, const struct cause *cause,
                        struct finding *finding, const struct group *group)
{
    uint32_t *ports = arena_alloc(work->arena, 2 * group->count * sizeof *ports);
    size_t count = denied_ports(work, group, ports);
    struct text list = text_new(work->arena);

    for (size_t i = 0; i < count && i < MEMBERS_MAX; i++)
        text_addf(&list, "%stcp/%" PRIu32, i > 0 ? ", " : "", ports[i]);
    if (count > MEMBERS_MAX)
        text_addf(&list, " and %zu more", count - MEMBERS_MAX);
    finding->summary = arena_printf(
        work->arena, "%zu of %zu servers of %s: SELinux keeps HAProxy%s%s%s from connecting to %s",
        group->count, group->end - group->start, group->backend,
        work->facts->selinux.domain != NULL ? " (" : "",
        work->facts->selinux.domain != NULL ? work->facts->selinux.domain : "",
        work->facts->selinux.domain != NULL ? ")" : "", text_string(&list));
    for (size_t i = 0; i < count && i < MEMBERS_MAX; i++)
        selinux_tell(work, finding, "tcp", ports[i], SELINUX_CONNECT);
    if (group->state == FINDING_POSSIBLE) {
        finding->settle = selinux_is_silent(work)
                              ? "what the loaded policy says of that port: it could not be asked"
                              : "a connection from here fails too: make the service answer first, "
                                "then look again";
        return;
    }
    for (size_t i = 0; i < count; i++)
        selinux_wish(work, cause, finding, "tcp", ports[i]);
}

void back_look_selinux(struct diagnosis_work *work, const struct cause *cause)
{
    look_for(work, cause, &(struct search){WORD_DENIED, false, "", NULL, tell_denied});
}

/* ---- backend-maintenance ---- */

/* A person said so: not a name that does not resolve, not an agent on the server. */
static bool is_by_a_person(const struct server_view *view)
{
    return word_is_maintained(view) && !word_has(view->row->status, "(resolution)") &&
           !word_has(view->row->status, "(agent)");
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

void back_look_maintenance(struct diagnosis_work *work, const struct cause *cause)
{
    size_t end;

    if (!facts_have(work->facts, SOURCE_STATS))
        return;
    for (size_t start = 0; start < work->server_count; start = end) {
        struct group group = {.backend = work->servers[start].backend, .start = start};

        group.end = end = look_backend_end(work, start);
        for (size_t i = start; i < end; i++)
            if (is_by_a_person(&work->servers[i]))
                ARENA_PUSH(work->arena, group.members, group.count) = i;
        if (group.count == 0)
            continue;
        struct finding *finding =
            find_group(work, cause, &group, "were taken out of service by a person");
        advise_members(work, finding, &group, advise_maintenance);
    }
}

/* ---- what is left ---- */

void back_tell_unexplained(struct diagnosis_work *work)
{
    size_t told = 0, left_out = 0;

    if (!facts_have(work->facts, SOURCE_STATS))
        return;
    for (size_t i = 0; i < work->server_count; i++) {
        const struct server_view *view = &work->servers[i];
        enum finding_state state;

        if (!word_has(view->row->status, "DOWN") || word_verdict(work, view, &state) != WORD_NONE ||
            word_has(view->row->last_check, "Out of local source ports"))
            continue;
        if (told++ >= MEMBERS_MAX) {
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
