#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/accept.h"
#include "agent/diagnose/back_group.h"
#include "agent/diagnose/causes.h"
#include "agent/diagnose/held.h"
#include "agent/diagnose/path.h"
#include "agent/diagnose/selinux.h"
#include "plans/base/text.h"

/* ---- backend-loopback-only ---- */

static bool is_own_address(const struct facts *facts, const char *address)
{
    const struct sockets *sockets = &facts->sockets;

    if (links_have(&facts->net.links, address))
        return true;
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
        !is_own_address(work->facts, view->address))
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

static bool is_loopback(const struct diagnosis_work *work, const struct server_view *view)
{
    return loopback_listener(work, view) != NULL;
}

static bool is_not_loopback(const struct diagnosis_work *work, const struct server_view *view)
{
    return loopback_listener(work, view) == NULL;
}

/* The address is this host's, and somebody does listen there: what refuses is no service, and what
 * drops is no other host. */
static const struct listener *listener_here(const struct diagnosis_work *work,
                                            const struct server_view *view, enum word word)
{
    const struct sockets *sockets = &work->facts->sockets;

    if (!facts_have(work->facts, SOURCE_SOCKETS) || view->address == NULL ||
        word_of_probe(view->probe) != word ||
        !(look_is_loopback(view->address) || is_own_address(work->facts, view->address)))
        return NULL;
    for (size_t i = 0; i < sockets->listener_count; i++) {
        const struct listener *listener = &sockets->listeners[i];

        if (listener->port == view->port &&
            (look_same(listener->address, view->address) ||
             look_same(listener->address, "0.0.0.0") || look_same(listener->address, "::")))
            return listener;
    }
    return NULL;
}

/* What refuses is a rule only where something listens: else the service is not there. */
static bool may_be_own_rule(const struct diagnosis_work *work, const struct server_view *view)
{
    enum word word = word_of_probe(view->probe);

    return path_rule(work, view) == NULL && path_answer(work, view) == NULL &&
           (word == WORD_TIMEOUT || word == WORD_UNREACHABLE ||
            listener_here(work, view, WORD_REFUSED) != NULL);
}

/* What is known of the way there: where something is, or where a rule of our own is in it. */
static void tell_way(struct diagnosis_work *work, const struct cause *cause,
                     struct finding *finding, const struct back_group *group)
{
    bool is_unclear = false;

    (void)cause;
    for (size_t i = 0; i < group->count && i < BACK_MEMBERS_MAX; i++) {
        const struct server_view *view = back_member(work, group, i);

        if (word_of_probe(view->probe) == WORD_UNREACHABLE || path_rule(work, view) != NULL)
            path_tell(work, finding, view);
        is_unclear = is_unclear || may_be_own_rule(work, view);
    }
    if (is_unclear && path_unread_rules(work) != NULL)
        diagnose_evidence(work, finding, SOURCE_FIREWALL, "%s", path_unread_rules(work));
}

/* The kernel takes one more than the limit says. */
static bool is_queue_full(const struct listener *listener)
{
    return listener->queue > 0 && listener->queue >= listener->queue_limit;
}

static void tell_timeout(struct diagnosis_work *work, const struct cause *cause,
                         struct finding *finding, const struct back_group *group)
{
    for (size_t i = 0; i < group->count && i < BACK_MEMBERS_MAX; i++) {
        const struct listener *listener =
            listener_here(work, back_member(work, group, i), WORD_TIMEOUT);

        if (listener != NULL && is_queue_full(listener))
            diagnose_evidence(
                work, finding, SOURCE_SOCKETS,
                "%s:%" PRIu32 " is listened on by a service of this host that does "
                "not accept, or too slowly: %" PRIu32 " connections wait in its queue of %" PRIu32,
                listener->address, listener->port, listener->queue, listener->queue_limit);
        else if (listener != NULL)
            diagnose_evidence(work, finding, SOURCE_SOCKETS,
                              "%s:%" PRIu32 " is listened on by a service of this host: a firewall "
                              "rule of this host drops what goes there",
                              listener->address, listener->port);
    }
    tell_way(work, cause, finding, group);
    if (group->state == FINDING_PROVEN)
        held_tell(work, finding, group->start, group->end);
}

static void tell_refused(struct diagnosis_work *work, const struct cause *cause,
                         struct finding *finding, const struct back_group *group)
{
    for (size_t i = 0; i < group->count && i < BACK_MEMBERS_MAX; i++) {
        const struct server_view *view = back_member(work, group, i);
        const struct listener *listener = listener_here(work, view, WORD_REFUSED);

        if (listener != NULL)
            diagnose_evidence(work, finding, SOURCE_SOCKETS,
                              "%s:%" PRIu32 " is listened on: a firewall rule of this host rejects "
                              "what goes there",
                              listener->address, listener->port);
    }
    tell_way(work, cause, finding, group);
}

/* Of one that HAProxy does not connect to by itself, or not from its own network; NULL: it does. */
static const char *advise_elsewhere(struct diagnosis_work *work, const struct server_view *view)
{
    const struct cfg_contact *contact = view->contact;

    if (contact->socks != NULL)
        return arena_printf(work->arena,
                            "%s/%s is reached through the SOCKS proxy %s: see that this takes "
                            "connections, that it reaches %s:%" PRIu32 ", and that the service "
                            "listens there",
                            view->backend, view->name, contact->socks, look_shown(view->address),
                            view->port);
    if (contact->network_namespace != NULL)
        return arena_printf(work->arena,
                            "%s/%s is connected to in the network namespace %s: see there that the "
                            "service listens on %s:%" PRIu32 ", and that the way to it is open "
                            "(ip netns exec %s ss -ltn)",
                            view->backend, view->name, contact->network_namespace,
                            look_shown(view->address), view->port, contact->network_namespace);
    return NULL;
}

static const char *advise_refused(struct diagnosis_work *work, const struct server_view *view)
{
    const char *elsewhere = advise_elsewhere(work, view);

    if (elsewhere != NULL)
        return elsewhere;
    if (path_rule(work, view) != NULL || path_answer(work, view) != NULL)
        return path_advise(work, view);
    if (look_unix_of(view) != NULL)
        return arena_printf(work->arena,
                            "start the service of %s/%s so that it listens on the UNIX socket %s; "
                            "where global has a `chroot`, HAProxy looks for a path below that",
                            view->backend, view->name, look_unix_of(view));
    if (listener_here(work, view, WORD_REFUSED) != NULL)
        return arena_printf(work->arena,
                            "the service of %s/%s listens on tcp/%" PRIu32
                            ": take away the rule of this host's firewall that rejects it (%s)",
                            view->backend, view->name, view->port, path_rules_command(work));
    return arena_printf(work->arena,
                        "on %s: start the service of %s/%s so that it listens on tcp/%" PRIu32
                        ", or take away the firewall rule that rejects it",
                        look_shown(view->address), view->backend, view->name, view->port);
}

static const char *advise_timeout(struct diagnosis_work *work, const struct server_view *view)
{
    const struct listener *listener = listener_here(work, view, WORD_TIMEOUT);
    const char *elsewhere = advise_elsewhere(work, view);

    if (elsewhere != NULL)
        return elsewhere;
    if (path_rule(work, view) != NULL)
        return path_advise(work, view);
    if (listener != NULL && is_queue_full(listener))
        return arena_printf(
            work->arena,
            "see why the service of %s/%s on this host, which listens on tcp/%" PRIu32
            ", does not accept connections, or too slowly (ss -ltnp): it hangs, or is out of "
            "workers or descriptors; restart it",
            view->backend, view->name, view->port);
    if (listener != NULL)
        return arena_printf(work->arena,
                            "the service of %s/%s listens on tcp/%" PRIu32
                            " of this host: take away the rule of its firewall that drops it (%s)",
                            view->backend, view->name, view->port, path_rules_command(work));
    return arena_printf(work->arena,
                        "on %s and on the way there: see that the host is up and that no firewall "
                        "drops tcp/%" PRIu32 " from %s (%s/%s)",
                        look_shown(view->address), view->port, look_shown(work->facts->host_name),
                        view->backend, view->name);
}

static const char *advise_unreachable(struct diagnosis_work *work, const struct server_view *view)
{
    const char *elsewhere = advise_elsewhere(work, view);
    const char *known = elsewhere != NULL ? elsewhere : path_advise(work, view);

    if (known != NULL)
        return known;
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
    back_look_for(work, cause,
                  &(struct back_search){WORD_REFUSED, is_not_loopback, "refuse connections",
                                        advise_refused, tell_refused});
}

void back_look_timeout(struct diagnosis_work *work, const struct cause *cause)
{
    if (accept_tracks_no_more(work))
        return;
    back_look_for(
        work, cause,
        &(struct back_search){WORD_TIMEOUT, NULL, "do not answer", advise_timeout, tell_timeout});
}

void back_look_unreachable(struct diagnosis_work *work, const struct cause *cause)
{
    back_look_for(work, cause,
                  &(struct back_search){WORD_UNREACHABLE, NULL, "cannot be reached",
                                        advise_unreachable, tell_way});
}

void back_look_loopback_only(struct diagnosis_work *work, const struct cause *cause)
{
    back_look_for(work, cause,
                  &(struct back_search){WORD_REFUSED, is_loopback,
                                        "listen on the loopback address only", advise_loopback,
                                        NULL});
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
static size_t denied_ports(const struct diagnosis_work *work, const struct back_group *group,
                           uint32_t *ports)
{
    size_t count = 0;

    for (size_t i = 0; i < group->count; i++) {
        const struct server_view *view = back_member(work, group, i);
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
                        struct finding *finding, const struct back_group *group)
{
    uint32_t *ports = arena_alloc(work->arena, 2 * group->count * sizeof *ports);
    size_t count = denied_ports(work, group, ports);
    struct text list = text_new(work->arena);

    for (size_t i = 0; i < count && i < BACK_MEMBERS_MAX; i++)
        text_addf(&list, "%stcp/%" PRIu32, i > 0 ? ", " : "", ports[i]);
    if (count > BACK_MEMBERS_MAX)
        text_addf(&list, " and %zu more", count - BACK_MEMBERS_MAX);
    finding->summary = arena_printf(
        work->arena, "%zu of %zu servers of %s: SELinux keeps HAProxy%s%s%s from connecting to %s",
        group->count, group->end - group->start, group->backend,
        work->facts->selinux.domain != NULL ? " (" : "",
        work->facts->selinux.domain != NULL ? work->facts->selinux.domain : "",
        work->facts->selinux.domain != NULL ? ")" : "", text_string(&list));
    for (size_t i = 0; i < count && i < BACK_MEMBERS_MAX; i++)
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
    back_look_for(work, cause, &(struct back_search){WORD_DENIED, NULL, "", NULL, tell_denied});
}
