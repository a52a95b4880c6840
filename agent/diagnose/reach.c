/* Where clients ask, and where HAProxy listens: addresses, ports, and the rules in front of them. */
#include "agent/diagnose/reach.h"

#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/causes.h"
#include "plans/base/text.h"

#define NONLOCAL_V4 "net.ipv4.ip_nonlocal_bind"
#define NONLOCAL_V6 "net.ipv6.ip_nonlocal_bind"

enum { SHOWN_MAX = 6 };

/* ---- all bind lines ---- */

typedef void each_bind(struct diagnosis_work *work, const struct cause *cause,
                       const struct cfg_proxy *proxy, const struct cfg_bind *bind, void *context);

static void for_each_bind(struct diagnosis_work *work, const struct cause *cause, each_bind *each,
                          void *context)
{
    const struct cfg *cfg = work->facts->cfg;

    for (size_t i = 0; cfg != NULL && i < cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = cfg->proxies[i];
        for (size_t b = 0; look_is_front(proxy) && !proxy->disabled && b < proxy->bind_count; b++)
            if (look_is_tcp(&proxy->binds[b]))
                each(work, cause, proxy, &proxy->binds[b], context);
    }
}

static bool is_any(const char *address)
{
    return address != NULL && (strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0);
}

/* An address that this host must have before anybody can listen there. */
static bool is_own_kind(const struct cfg_bind *bind)
{
    return bind->address != NULL && !is_any(bind->address) && !look_is_loopback(bind->address);
}

static bool is_missing(const struct diagnosis_work *work, const struct cfg_bind *bind)
{
    return facts_have(work->facts, SOURCE_LINKS) && is_own_kind(bind) &&
           !links_have(&work->facts->net.links, bind->address);
}

static bool listens_exactly(const struct sockets *sockets, const char *address, uint32_t port)
{
    for (size_t i = 0; i < sockets->listener_count; i++)
        if (sockets->listeners[i].port == port && look_same(sockets->listeners[i].address, address))
            return true;
    return false;
}

static const char *nonlocal_key(const struct cfg_bind *bind)
{
    return strchr(bind->address, ':') == NULL ? NONLOCAL_V4 : NONLOCAL_V6;
}

static bool may_be_elsewhere(const struct diagnosis_work *work, const struct cfg_bind *bind)
{
    return bind->transparent || look_same(look_sysctl(work, nonlocal_key(bind)), "1");
}

/* ---- bind-address-missing ---- */

static bool is_unbindable(const struct diagnosis_work *work, const struct cfg_bind *bind)
{
    return facts_have(work->facts, SOURCE_SOCKETS) && is_missing(work, bind) &&
           !may_be_elsewhere(work, bind) && look_sysctl(work, nonlocal_key(bind)) != NULL &&
           !listens_exactly(&work->facts->sockets, bind->address, bind->port_low);
}

static void wish_nonlocal(struct diagnosis_work *work, const struct cause *cause,
                          struct finding *finding, const struct cfg_bind *bind)
{
    const struct facts *facts = work->facts;
    const char *key = nonlocal_key(bind);
    const char *address = arena_printf(work->arena, "sysctl.dropin:%s", key);
    uint64_t bound;

    strings_addf(&finding->advice, work->arena,
                 "give %s to an interface of this host, or correct the bind line (%s)",
                 bind->address, look_place(work, bind->file, bind->line));
    /* It lets every program listen on other hosts' addresses: only where a policy names it. */
    if (work->upper_bound != NULL && work->upper_bound(work->context, address, &bound) &&
        bound >= 1 && (!facts->haproxy->running || facts->haproxy->same_network))
        diagnose_wish_text(
            work, cause, address, "1",
            arena_printf(work->arena, "%s is an address that comes and goes", bind->address));
    else
        strings_addf(&finding->advice, work->arena,
                     "where a VRRP peer holds %s now and then: `transparent` on the bind line, or "
                     "%s = 1 (not allowed by the policy)",
                     bind->address, key);
}

static void find_unbindable(struct diagnosis_work *work, const struct cause *cause,
                            const struct cfg_proxy *proxy, const struct cfg_bind *bind,
                            void *context)
{
    const struct facts *facts = work->facts;

    (void)context;
    if (!is_unbindable(work, bind))
        return;
    struct finding *finding =
        diagnose_find(work, cause, FINDING_PROVEN,
                      arena_printf(work->arena, "%s %s", proxy->name, look_shown(bind->text)));
    finding->summary =
        arena_printf(work->arena, "%s cannot listen on %s: no interface of this host has it",
                     proxy->name, look_shown(bind->text));
    diagnose_evidence(work, finding, SOURCE_CONFIG, "bind %s (%s)", look_shown(bind->text),
                      look_place(work, bind->file, bind->line));
    diagnose_evidence(work, finding, SOURCE_LINKS, "%s is none of the %zu addresses of this host",
                      bind->address, facts->net.links.address_count);
    diagnose_evidence(work, finding, SOURCE_SOCKETS, "nothing listens on %s",
                      look_shown(bind->text));
    diagnose_evidence(work, finding, SOURCE_SYSCTL, "%s = %s", nonlocal_key(bind),
                      look_shown(look_sysctl(work, nonlocal_key(bind))));
    if (look_is_stopped(facts)) {
        finding->severity = SEVERITY_CRITICAL;
        diagnose_evidence(work, finding, SOURCE_PROCESS, "no haproxy process");
        strings_add(&finding->consequences, work->arena,
                    "HAProxy does not start (\"Cannot assign requested address\"): clients get "
                    "Connection refused");
    } else {
        strings_add(&finding->consequences, work->arena,
                    "a reload fails, in silence, and the next start fails: the running HAProxy "
                    "goes on without this address");
    }
    wish_nonlocal(work, cause, finding, bind);
}

void reach_look_address_missing(struct diagnosis_work *work, const struct cause *cause)
{
    if (!work->facts->tree)
        for_each_bind(work, cause, find_unbindable, NULL);
}

static void note_unbindable(struct diagnosis_work *work, const struct cause *cause,
                            const struct cfg_proxy *proxy, const struct cfg_bind *bind,
                            void *context)
{
    bool *found = context;

    (void)cause;
    (void)proxy;
    *found = *found || is_unbindable(work, bind);
}

bool reach_keeps_down(struct diagnosis_work *work)
{
    bool found = false;

    if (!work->facts->tree)
        for_each_bind(work, NULL, note_unbindable, &found);
    return found;
}

/* ---- vip-elsewhere ---- */

static void tell_holder(struct diagnosis_work *work, struct finding *finding, const char *address)
{
    const struct path *path = links_path(&work->facts->net.links, address);

    if (path == NULL || path->state != PATH_ROUTED || path->link == NULL)
        return;
    if (path->hardware != NULL && !path->gateway)
        diagnose_evidence(work, finding, SOURCE_LINKS, "on %s, %s answers for it", path->link->name,
                          path->hardware);
    else
        diagnose_evidence(work, finding, SOURCE_LINKS, "this host would reach it over %s%s%s",
                          path->link->name, path->gateway ? ", by " : "",
                          path->gateway ? path->hop : "");
}

static void find_elsewhere(struct diagnosis_work *work, const struct cause *cause,
                           const struct cfg_proxy *proxy, const struct cfg_bind *bind,
                           void *context)
{
    const struct net_facts *net = &work->facts->net;
    const bool *has_own = context;
    bool asked = look_same(net->target, bind->address) &&
                 (net->target_port == 0 ||
                  (net->target_port >= bind->port_low && net->target_port <= bind->port_high));

    if (!is_missing(work, bind) || !facts_have(work->facts, SOURCE_SOCKETS) ||
        !listens_exactly(&work->facts->sockets, bind->address, bind->port_low) ||
        (net->target != NULL && !asked) || (net->target == NULL && *has_own))
        return;
    struct finding *finding =
        diagnose_find(work, cause, asked ? FINDING_PROVEN : FINDING_POSSIBLE,
                      arena_printf(work->arena, "%s %s", proxy->name, look_shown(bind->text)));
    finding->summary = arena_printf(
        work->arena, "HAProxy listens on %s, but this host does not have that address now",
        look_shown(bind->text));
    diagnose_evidence(work, finding, SOURCE_CONFIG, "bind %s (%s)", look_shown(bind->text),
                      look_place(work, bind->file, bind->line));
    diagnose_evidence(work, finding, SOURCE_SOCKETS, "there is a listener on %s",
                      look_shown(bind->text));
    diagnose_evidence(work, finding, SOURCE_LINKS, "%s is none of the %zu addresses of this host",
                      bind->address, net->links.address_count);
    tell_holder(work, finding, bind->address);
    strings_addf(&finding->consequences, work->arena,
                 "clients of %s do not come here: whoever holds the address answers, or nobody",
                 bind->address);
    strings_addf(&finding->advice, work->arena,
                 "look on the VRRP peer that holds %s; where this host should: see why it is not "
                 "the master (journalctl -u keepalived)",
                 bind->address);
    if (asked)
        return;
    finding->severity = SEVERITY_NOTICE;
    finding->settle = arena_printf(
        work->arena, "whether clients ask for it: hamedic diagnose --target %s", bind->address);
}

static void note_own(struct diagnosis_work *work, const struct cause *cause,
                     const struct cfg_proxy *proxy, const struct cfg_bind *bind, void *context)
{
    bool *has_own = context;

    (void)cause;
    (void)proxy;
    *has_own = *has_own || (!look_is_loopback(bind->address) && !is_missing(work, bind));
}

void reach_look_vip_elsewhere(struct diagnosis_work *work, const struct cause *cause)
{
    bool has_own = false;

    if (work->facts->tree || !work->facts->haproxy->running)
        return;
    for_each_bind(work, cause, note_own, &has_own);
    for_each_bind(work, cause, find_elsewhere, &has_own);
}

/* ---- not-listening-there ---- */

/* What listens at the address and port that clients ask for, or would. */
struct asked_for {
    const char *address;
    uint32_t port;
    bool is_bound;     /* a bind line serves it */
    bool is_bound_low; /* one does, on the loopback interface alone */
    struct text others;
    size_t count;
};

static void match_asked(struct diagnosis_work *work, const struct cause *cause,
                        const struct cfg_proxy *proxy, const struct cfg_bind *bind, void *context)
{
    struct asked_for *asked = context;
    bool port =
        asked->port == 0 || (asked->port >= bind->port_low && asked->port <= bind->port_high);
    bool address =
        is_any(bind->address) || bind->address == NULL || look_same(bind->address, asked->address);

    (void)cause;
    (void)work;
    asked->is_bound = asked->is_bound || (port && address);
    asked->is_bound_low = asked->is_bound_low || (port && look_is_loopback(bind->address));
    if (asked->count++ < SHOWN_MAX)
        text_addf(&asked->others, "%s%s (%s)", asked->others.len > 0 ? ", " : "",
                  look_shown(bind->text), proxy->name);
}

static bool is_listened(const struct sockets *sockets, const struct asked_for *asked)
{
    for (size_t i = 0; i < sockets->listener_count; i++) {
        const struct listener *listener = &sockets->listeners[i];
        if ((asked->port == 0 || listener->port == asked->port) &&
            (is_any(listener->address) || look_same(listener->address, asked->address)))
            return true;
    }
    return false;
}

void reach_look_not_listening(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    const struct net_facts *net = &facts->net;
    struct asked_for asked = {
        .address = net->target, .port = net->target_port, .others = text_new(work->arena)};

    if (facts->tree || net->target == NULL || !facts->haproxy->running || facts->cfg == NULL ||
        !facts_have(facts, SOURCE_SOCKETS))
        return;
    for_each_bind(work, cause, match_asked, &asked);
    if (asked.is_bound)
        return;
    bool here = !facts_have(facts, SOURCE_LINKS) || look_is_loopback(net->target) ||
                links_have(&net->links, net->target);
    bool taken = is_listened(&facts->sockets, &asked);
    const char *shown = net->target_port == 0 ? net->target
                                              : arena_printf(work->arena, "%s port %" PRIu32,
                                                             net->target, net->target_port);
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, shown);
    finding->summary =
        !here   ? arena_printf(work->arena,
                               "%s is no address of this host, and no bind line "
                                 "names it",
                               net->target)
        : taken ? arena_printf(work->arena, "another program listens on %s, not HAProxy", shown)
        : asked.is_bound_low ? arena_printf(work->arena,
                                            "HAProxy listens on that port on the loopback address "
                                            "only, not on %s",
                                            shown)
                             : arena_printf(work->arena, "HAProxy does not listen on %s", shown);
    diagnose_evidence(work, finding, SOURCE_CONFIG, "bind lines: %s%s",
                      asked.others.len > 0 ? text_string(&asked.others) : "none",
                      asked.count > SHOWN_MAX ? ", ..." : "");
    diagnose_evidence(work, finding, SOURCE_SOCKETS, "%s listens on %s",
                      taken ? "a program" : "nothing", shown);
    if (facts_have(facts, SOURCE_LINKS))
        diagnose_evidence(work, finding, SOURCE_LINKS, "%s is %s", net->target,
                          here ? "an address of this host" : "none of this host's addresses");
    if (here && !taken)
        strings_add(&finding->consequences, work->arena, "clients get Connection refused");
    strings_addf(&finding->advice, work->arena,
                 "let clients ask for one of the addresses above, or add `bind %s:%s` to the "
                 "frontend that should serve them",
                 here ? net->target : "*",
                 net->target_port == 0 ? "PORT"
                                       : arena_printf(work->arena, "%" PRIu32, net->target_port));
}

/* ---- frontend-firewalled ---- */

static const struct firewall_answer *ask_firewall(const struct facts *facts,
                                                  const struct cfg_bind *bind)
{
    const struct firewall *firewall = &facts->net.firewall;

    for (size_t i = 0; facts_have(facts, SOURCE_FIREWALL) && i < firewall->answer_count; i++) {
        const struct firewall_answer *answer = &firewall->answers[i];
        if (answer->question.way == FIREWALL_IN && answer->question.port == bind->port_low &&
            look_same(answer->question.address, bind->address))
            return answer;
    }
    return NULL;
}

static bool stops(const struct firewall_answer *answer)
{
    return answer != NULL &&
           (answer->verdict == FIREWALL_DROPS || answer->verdict == FIREWALL_REJECTS);
}

/* Is any frontend open to other hosts? */
static void note_open(struct diagnosis_work *work, const struct cause *cause,
                      const struct cfg_proxy *proxy, const struct cfg_bind *bind, void *context)
{
    bool *is_open = context;

    (void)cause;
    (void)proxy;
    *is_open =
        *is_open || (!look_is_loopback(bind->address) && !stops(ask_firewall(work->facts, bind)));
}

static void find_firewalled(struct diagnosis_work *work, const struct cause *cause,
                            const struct cfg_proxy *proxy, const struct cfg_bind *bind,
                            void *context)
{
    const struct facts *facts = work->facts;
    const struct firewall_answer *answer = ask_firewall(facts, bind);
    const struct haproxy_stat *row = look_row(work, STAT_FRONTEND, proxy->name);
    const bool *is_open = context;

    if (look_is_loopback(bind->address) || !stops(answer) ||
        !look_is_listened(&facts->sockets, bind, bind->port_low))
        return;
    bool asked = facts->net.target != NULL && facts->net.target_port >= bind->port_low &&
                 facts->net.target_port <= bind->port_high;
    bool proven = answer->names_port || asked || !*is_open;
    /* What a general rule shuts may be meant to be shut, such as a page of statistics. */
    if (!proven && (row == NULL || row->sessions_total != 0))
        return;
    const char *verb = answer->verdict == FIREWALL_DROPS ? "drops" : "rejects";
    struct finding *finding =
        diagnose_find(work, cause, proven ? FINDING_PROVEN : FINDING_POSSIBLE,
                      arena_printf(work->arena, "%s %s", proxy->name, look_shown(bind->text)));
    finding->summary = arena_printf(
        work->arena, "this host's own firewall %s what other hosts send to tcp/%" PRIu32 " of %s",
        verb, bind->port_low, proxy->name);
    diagnose_evidence(work, finding, SOURCE_FIREWALL, "%s by %s", verb, answer->place);
    if (answer->is_counted)
        diagnose_evidence(work, finding, SOURCE_FIREWALL, "it did so to %" PRIu64 " packets",
                          answer->packets);
    diagnose_evidence(work, finding, SOURCE_SOCKETS, "HAProxy listens on %s",
                      look_shown(bind->text));
    if (row != NULL && row->sessions_total >= 0)
        diagnose_evidence(work, finding, SOURCE_STATS,
                          "%s/FRONTEND %s, %" PRId64 " sessions so far", proxy->name,
                          look_shown(row->status), row->sessions_total);
    strings_add(&finding->consequences, work->arena,
                answer->verdict == FIREWALL_DROPS
                    ? "clients on other hosts get no answer and time out"
                    : "clients on other hosts get Connection refused or No route to host");
    strings_addf(&finding->advice, work->arena,
                 "let tcp/%" PRIu32 " pass in this host's packet filter: %s (nft -a list ruleset)",
                 bind->port_low, answer->place);
    if (proven && !*is_open)
        finding->severity = SEVERITY_CRITICAL;
    if (proven)
        return;
    finding->severity = SEVERITY_NOTICE;
    finding->settle = arena_printf(work->arena,
                                   "whether other hosts are meant to reach it: hamedic diagnose "
                                   "--target ADDRESS:%" PRIu32,
                                   bind->port_low);
}

void reach_look_firewalled(struct diagnosis_work *work, const struct cause *cause)
{
    bool is_open = false;

    if (work->facts->tree || !work->facts->haproxy->running ||
        !facts_have(work->facts, SOURCE_SOCKETS))
        return;
    for_each_bind(work, cause, note_open, &is_open);
    for_each_bind(work, cause, find_firewalled, &is_open);
}
