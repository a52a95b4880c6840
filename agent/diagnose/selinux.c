#include "agent/diagnose/selinux.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "agent/diagnose/ports.h"

/* ---- questions ---- */

static bool is_enforced(const struct facts *facts)
{
    const struct selinux_facts *selinux = &facts->selinux;

    return !facts->tree && facts_have(facts, SOURCE_SELINUX) &&
           selinux->mode == SELINUX_ENFORCING && selinux->unasked == NULL &&
           selinux->domain != NULL && !selinux->domain_permissive;
}

bool selinux_is_silent(const struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;

    return !facts->tree && facts_have(facts, SOURCE_SELINUX) &&
           facts->selinux.mode == SELINUX_ENFORCING && facts->selinux.unasked != NULL;
}

bool selinux_is_damaged(const struct facts *facts)
{
    return facts_have(facts, SOURCE_SELINUX) &&
           (facts->selinux.store == SEMANAGE_NO_ACTIVE ||
            facts->selinux.store == SEMANAGE_NOT_INSTALLED || facts->selinux.not_loaded);
}

static int compare_ports(const void *left, const void *right)
{
    const struct selinux_port_fact *a = *(const struct selinux_port_fact *const *)left;
    const struct selinux_port_fact *b = *(const struct selinux_port_fact *const *)right;

    if (a->port != b->port)
        return a->port < b->port ? -1 : 1;
    return strcmp(a->protocol, b->protocol);
}

const struct selinux_port_fact *selinux_find_port(const struct diagnosis_work *work,
                                                  const char *protocol, uint32_t port)
{
    const struct selinux_view *view = work->selinux;
    const struct selinux_port_fact key = {.protocol = protocol, .port = port}, *wanted = &key;

    if (view->port_count == 0)
        return NULL;
    const struct selinux_port_fact *const *found =
        bsearch(&wanted, view->ports, view->port_count, sizeof *view->ports, compare_ports);
    return found != NULL ? *found : NULL;
}

static void sort_ports(struct diagnosis_work *work)
{
    const struct selinux_facts *selinux = &work->facts->selinux;
    struct selinux_view *view = work->selinux;

    for (size_t i = 0; i < selinux->port_count; i++)
        ARENA_PUSH(work->arena, view->ports, view->port_count) = &selinux->ports[i];
    if (view->port_count > 0)
        qsort(view->ports, view->port_count, sizeof *view->ports, compare_ports);
}

bool selinux_denies(const struct diagnosis_work *work, const char *protocol, uint32_t port,
                    unsigned use)
{
    const struct selinux_port_fact *fact = selinux_find_port(work, protocol, port);

    return is_enforced(work->facts) && fact != NULL && (fact->allowed & use) == 0;
}

static const char *permission_of(unsigned use)
{
    return use == SELINUX_CONNECT ? "name_connect" : "name_bind";
}

/* "tcp_socket" */
static bool is_socket(const char *object, const char *protocol)
{
    size_t len = strlen(protocol);

    return object != NULL && strncmp(object, protocol, len) == 0 &&
           strcmp(object + len, "_socket") == 0;
}

const struct denial *selinux_denial(const struct diagnosis_work *work, const char *protocol,
                                    uint32_t port, unsigned use)
{
    const struct facts *facts = work->facts;

    if (!facts_have(facts, SOURCE_AUDIT))
        return NULL;
    for (size_t i = 0; i < facts->denials.count; i++) {
        const struct denial *denial = &facts->denials.at[i];

        if (denial->port == port && !denial->permissive &&
            look_same(denial->permission, permission_of(use)) &&
            is_socket(denial->object, protocol) &&
            (facts->selinux.domain == NULL ||
             look_same(denial->source_type, facts->selinux.domain)))
            return denial;
    }
    return NULL;
}

/* The start of a worker is counted in ticks since boot, and may be a second off. */
#define STARTED_SLACK 2

const struct denial *selinux_denial_now(const struct diagnosis_work *work, const char *protocol,
                                        uint32_t port, unsigned use)
{
    const struct denial *denial = selinux_denial(work, protocol, port, use);
    int64_t started = work->facts->worker_started;
    bool before = work->facts->haproxy->running && started > 0 && denial != NULL &&
                  denial->last < started - STARTED_SLACK;

    return before ? NULL : denial;
}

/* ---- binds ---- */

/* Inside the range of local ports, and above those that need a privilege, any port is anybody's to
 * bind: the kernel does not ask. Unknown where the settings are. */
enum asks { ASKS_UNKNOWN, ASKS_YES, ASKS_NO };
static enum asks kernel_asks(const struct diagnosis_work *work, uint32_t port)
{
    struct port_range range = port_range_parse(look_sysctl(work, "net.ipv4.ip_local_port_range"));
    const char *text = look_sysctl(work, "net.ipv4.ip_unprivileged_port_start");
    uint64_t unprivileged = 1024;

    if (!range.known)
        return ASKS_UNKNOWN;
    if (text != NULL && !span_scan_u64(span_trim(span_of(text)), &unprivileged))
        return ASKS_UNKNOWN;
    return port < unprivileged || port < range.low || port > range.high ? ASKS_YES : ASKS_NO;
}

/* The line that wants this port; NULL where somebody listens on all of them. */
static const struct cfg_bind *find_bind(const struct diagnosis_work *work,
                                        const struct selinux_port_fact *fact,
                                        const struct cfg_proxy **out_proxy)
{
    const struct facts *facts = work->facts;
    bool tcp = look_same(fact->protocol, "tcp");

    for (size_t p = 0; facts->cfg != NULL && p < facts->cfg->proxy_count; p++) {
        const struct cfg_proxy *proxy = facts->cfg->proxies[p];

        for (size_t i = 0; look_is_front(proxy) && !proxy->disabled && i < proxy->bind_count; i++) {
            const struct cfg_bind *bind = &proxy->binds[i];

            if (bind->is_unix || fact->port < bind->port_low || fact->port > bind->port_high ||
                look_is_tcp(bind) != tcp ||
                (tcp && facts_have(facts, SOURCE_SOCKETS) &&
                 look_is_listened(&facts->sockets, bind, fact->port)))
                continue;
            *out_proxy = proxy;
            return bind;
        }
    }
    return NULL;
}

/* That nobody listens there, and that the policy says no, is told by two sources; but only a try
 * that failed shows that this is why. The log has it, where there is one. */
static bool bind_state(const struct diagnosis_work *work, const struct selinux_bind *bind,
                       enum finding_state *out_state)
{
    const struct facts *facts = work->facts;
    enum asks asks = kernel_asks(work, bind->fact->port);
    /* Of UDP it is not known who listens. */
    bool unheard = look_same(bind->fact->protocol, "tcp") && facts_have(facts, SOURCE_SOCKETS);

    if (asks == ASKS_NO || (!unheard && bind->denial == NULL))
        return false;
    *out_state = FINDING_POSSIBLE;
    if (bind->denial != NULL && (unheard || look_is_stopped(facts)))
        *out_state = FINDING_PROVEN;
    else if (unheard && asks == ASKS_YES)
        *out_state = look_second(work, SOURCE_AUDIT, bind->denial != NULL);
    return true;
}

static void find_binds(struct diagnosis_work *work)
{
    const struct selinux_facts *selinux = &work->facts->selinux;
    struct selinux_view *view = work->selinux;

    for (size_t i = 0; i < selinux->port_count; i++) {
        struct selinux_bind bind = {.fact = &selinux->ports[i]};

        if ((bind.fact->wanted & SELINUX_BIND) == 0 || (bind.fact->allowed & SELINUX_BIND) != 0)
            continue;
        bind.bind = find_bind(work, bind.fact, &bind.proxy);
        if (bind.bind == NULL)
            continue;
        bind.denial = selinux_denial_now(work, bind.fact->protocol, bind.fact->port, SELINUX_BIND);
        if (!bind_state(work, &bind, &bind.state))
            continue;
        ARENA_PUSH(work->arena, view->binds, view->bind_count) = bind;
        if (bind.state == FINDING_PROVEN)
            selinux_require(work, bind.fact->protocol, bind.fact->port, SELINUX_BIND);
    }
}

bool selinux_keeps_down(const struct diagnosis_work *work)
{
    const struct systemd_unit *unit = &work->facts->systemd_unit;
    bool by_a_person = unit->loaded && look_same(unit->active_state, "inactive") &&
                       look_same(unit->result, "success");

    if (!look_is_stopped(work->facts) || by_a_person)
        return false;
    for (size_t i = 0; i < work->selinux->bind_count; i++)
        if (work->selinux->binds[i].state == FINDING_PROVEN)
            return true;
    return false;
}

/* ---- the whole ---- */

void selinux_prepare(struct diagnosis_work *work)
{
    work->selinux = arena_alloc(work->arena, sizeof *work->selinux);
    if (!is_enforced(work->facts))
        return;
    sort_ports(work);
    back_require_denied(work);
    find_binds(work);
    selinux_choose(work);
}

/* ---- words ---- */

void selinux_tell(struct diagnosis_work *work, struct finding *finding, const char *protocol,
                  uint32_t port, unsigned use)
{
    const struct selinux_port_fact *fact = selinux_find_port(work, protocol, port);
    const struct denial *denial = selinux_denial(work, protocol, port, use);

    if (fact != NULL && work->facts->selinux.domain != NULL)
        diagnose_evidence(work, finding, SOURCE_SELINUX,
                          "%s may not %s %s, the type of %s/%" PRIu32 " (asked the loaded policy)",
                          work->facts->selinux.domain, permission_of(use),
                          fact->type != NULL ? fact->type : "the kernel's own type for ports",
                          protocol, port);
    if (denial == NULL)
        return;
    const char *last = time_text(work->arena, denial->last);
    const char *times =
        denial->count == 1
            ? arena_printf(work->arena, "once, at %s", last)
            : arena_printf(work->arena, "%" PRIu64 " times from %s to %s", denial->count,
                           time_text(work->arena, denial->first), last);
    diagnose_evidence(work, finding, SOURCE_AUDIT, "denied %s %s=%" PRIu32 ", %s -> %s: %s",
                      denial->permission, use == SELINUX_CONNECT ? "dest" : "src", port,
                      denial->source_type, denial->target_type, times);
}

void selinux_tell_not_checked(struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;
    const struct selinux_facts *selinux = &facts->selinux;
    struct strings *lines = &work->result->not_checked;

    if (facts->tree || !facts_have(facts, SOURCE_SELINUX) || selinux->mode == SELINUX_OFF)
        return;
    if (selinux->unasked != NULL)
        strings_addf(lines, work->arena, "selinux: what HAProxy's domain may do: %s",
                     selinux->unasked);
    else if (selinux->unread != NULL && !selinux_is_damaged(facts))
        strings_addf(lines, work->arena, "selinux: what booleans the next boot sets: %s",
                     selinux->unread);
}
