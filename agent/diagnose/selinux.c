#include "agent/diagnose/selinux.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "agent/diagnose/ports.h"

/* More ports than this are better opened by the boolean that is made for it: each label is one more
 * thing that somebody must know of. */
#define LABELS_MAX 8

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
    return facts_have(facts, SOURCE_SELINUX) && (facts->selinux.store == SEMANAGE_NO_ACTIVE ||
                                                 facts->selinux.store == SEMANAGE_NOT_INSTALLED);
}

static int compare_ports(const void *left, const void *right)
{
    const struct selinux_port_fact *a = *(const struct selinux_port_fact *const *)left;
    const struct selinux_port_fact *b = *(const struct selinux_port_fact *const *)right;

    if (a->port != b->port)
        return a->port < b->port ? -1 : 1;
    return strcmp(a->protocol, b->protocol);
}

static const struct selinux_port_fact *find_port(const struct diagnosis_work *work,
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
    const struct selinux_port_fact *fact = find_port(work, protocol, port);

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

/* ---- remedies ---- */

void selinux_require(struct diagnosis_work *work, const char *protocol, uint32_t port, unsigned use)
{
    struct selinux_view *view = work->selinux;
    const struct selinux_port_fact *fact = find_port(work, protocol, port);

    if (fact == NULL || (fact->allowed & use) != 0)
        return;
    for (size_t i = 0; i < view->need_count; i++)
        if (view->needs[i].fact == fact) {
            view->needs[i].uses |= use;
            return;
        }
    ARENA_PUSH(work->arena, view->needs, view->need_count) =
        (struct selinux_need){.fact = fact, .uses = use};
}

static const struct selinux_cure *cure_of(const struct selinux_need *need)
{
    return &need->fact->cures[need->uses % SELINUX_CURES];
}

/* A label takes the port from the service that has it: only those of nobody are free. */
static const char *label_for(const struct selinux_need *need)
{
    const struct selinux_cure *cure = cure_of(need);

    return selinux_is_nobodys(need->fact->type) && cure->types.count > 0 ? cure->types.at[0] : NULL;
}

/* Never one that reaches other domains too: who turns it on for HAProxy turns it on for them. */
static bool is_own(const struct selinux_boolean_effect *effect)
{
    return effect->other_domains == 0;
}

static const struct selinux_boolean_effect *boolean_for(const struct selinux_need *need)
{
    const struct selinux_cure *cure = cure_of(need);
    const struct selinux_boolean_effect *best = NULL;

    for (size_t i = 0; i < cure->boolean_count; i++) {
        const struct selinux_boolean_effect *effect = &cure->booleans[i];

        if (is_own(effect) && (best == NULL || effect->connect_ports + effect->bind_ports <
                                                   best->connect_ports + best->bind_ports))
            best = effect;
    }
    return best;
}

static bool is_cured_by(const struct selinux_need *need, const char *boolean)
{
    const struct selinux_cure *cure = cure_of(need);

    for (size_t i = 0; i < cure->boolean_count; i++)
        if (is_own(&cure->booleans[i]) && look_same(cure->booleans[i].name, boolean))
            return true;
    return false;
}

/* One that is on at the next boot already, and was turned off in the running policy: nothing new is
 * opened by it. */
static const char *boolean_at_boot(const struct facts *facts, const struct selinux_need *need)
{
    for (size_t i = 0; i < facts->selinux.boolean_count; i++) {
        const struct selinux_boolean_fact *boolean = &facts->selinux.booleans[i];

        if (boolean->persistent && !boolean->running && is_cured_by(need, boolean->name))
            return boolean->name;
    }
    return NULL;
}

static void choose_each(struct diagnosis_work *work)
{
    struct selinux_view *view = work->selinux;

    for (size_t i = 0; i < view->need_count; i++) {
        struct selinux_need *need = &view->needs[i];
        const struct selinux_boolean_effect *effect = boolean_for(need);
        const char *boolean = boolean_at_boot(work->facts, need);

        need->remedy = REMEDY_BOOLEAN;
        if (boolean != NULL) {
            need->value = boolean;
            continue;
        }
        need->value = label_for(need);
        if (need->value != NULL)
            need->remedy = REMEDY_LABEL;
        else if (effect != NULL)
            need->value = effect->name;
        else
            need->remedy = REMEDY_NONE;
    }
}

static void use_boolean(struct selinux_view *view, const char *boolean)
{
    for (size_t i = 0; i < view->need_count; i++)
        if (is_cured_by(&view->needs[i], boolean)) {
            view->needs[i].remedy = REMEDY_BOOLEAN;
            view->needs[i].value = boolean;
        }
}

/* Where there are too many labels: the boolean that takes the place of most of them. */
static const char *boolean_for_labels(const struct selinux_view *view)
{
    const char *best = NULL;
    size_t best_count = LABELS_MAX;

    for (size_t i = 0; i < view->need_count; i++) {
        const struct selinux_boolean_effect *effect = boolean_for(&view->needs[i]);
        size_t count = 0;

        for (size_t k = 0; effect != NULL && k < view->need_count; k++)
            count +=
                view->needs[k].remedy == REMEDY_LABEL && is_cured_by(&view->needs[k], effect->name);
        if (count > best_count) {
            best = effect->name;
            best_count = count;
        }
    }
    return best;
}

/* What is opened anyway needs no label on top. */
static void choose_together(struct selinux_view *view)
{
    for (size_t i = 0; i < view->need_count; i++)
        if (view->needs[i].remedy == REMEDY_BOOLEAN)
            use_boolean(view, view->needs[i].value);
    const char *boolean = boolean_for_labels(view);
    if (boolean != NULL)
        use_boolean(view, boolean);
}

void selinux_prepare(struct diagnosis_work *work)
{
    work->selinux = arena_alloc(work->arena, sizeof *work->selinux);
    if (!is_enforced(work->facts))
        return;
    sort_ports(work);
    back_require_denied(work);
    find_binds(work);
    choose_each(work);
    choose_together(work->selinux);
}

/* ---- words ---- */

void selinux_tell(struct diagnosis_work *work, struct finding *finding, const char *protocol,
                  uint32_t port, unsigned use)
{
    const struct selinux_port_fact *fact = find_port(work, protocol, port);
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

static const char *effect_text(struct diagnosis_work *work,
                               const struct selinux_boolean_effect *effect)
{
    return arena_printf(work->arena,
                        "%s opens %" PRIu64 " TCP ports to connect to and %" PRIu64 " to bind",
                        effect->name, effect->connect_ports, effect->bind_ports);
}

static const char *use_text(unsigned uses)
{
    static const char *const words[SELINUX_CURES] = {"use", "connect to", "bind",
                                                     "connect to and bind"};

    return words[uses % SELINUX_CURES];
}

static void wish_label(struct diagnosis_work *work, const struct cause *cause,
                       const struct selinux_need *need, const char *address)
{
    const struct selinux_port_fact *fact = need->fact;
    const struct selinux_boolean_effect *effect = boolean_for(need);
    const char *because =
        arena_printf(work->arena, "%s may not %s %s/%" PRIu32 " as %s, and may as %s%s%s",
                     work->facts->selinux.domain, use_text(need->uses), fact->protocol, fact->port,
                     fact->type != NULL ? fact->type : "what no record covers", need->value,
                     effect != NULL ? "; not the boolean: " : "",
                     effect != NULL ? effect_text(work, effect) : "");

    diagnose_wish_text(work, cause, address, need->value, because);
}

static void wish_boolean(struct diagnosis_work *work, const struct cause *cause,
                         const struct selinux_need *need, const char *address)
{
    const struct selinux_port_fact *fact = need->fact;
    const struct selinux_cure *cure = cure_of(need);
    const char *reason = "it is needed for other ports, or these are too many to label each";
    const char *opens = need->value;

    for (size_t i = 0; i < cure->boolean_count; i++)
        if (look_same(cure->booleans[i].name, need->value))
            opens = effect_text(work, &cure->booleans[i]);
    if (boolean_at_boot(work->facts, need) != NULL)
        reason = "the next boot turns it on anyway";
    else if (!selinux_is_nobodys(fact->type))
        reason = arena_printf(work->arena,
                              "%s/%" PRIu32 " is %s: a label would take it from that service",
                              fact->protocol, fact->port, fact->type);
    else if (label_for(need) == NULL)
        reason = arena_printf(work->arena, "there is no label under which %s may %s %s/%" PRIu32,
                              work->facts->selinux.domain, use_text(need->uses), fact->protocol,
                              fact->port);
    diagnose_wish_text(work, cause, address, "on",
                       arena_printf(work->arena, "%s; %s", reason, opens));
}

static void advise_none(struct diagnosis_work *work, struct finding *finding,
                        const struct selinux_need *need)
{
    const struct selinux_port_fact *fact = need->fact;

    strings_addf(&finding->advice, work->arena,
                 "no label of a port and no boolean of its own lets %s %s %s/%" PRIu32
                 " (%s): use another port, or have the one who keeps this host's SELinux policy "
                 "allow it",
                 work->facts->selinux.domain, use_text(need->uses), fact->protocol, fact->port,
                 fact->type != NULL ? fact->type : "no type");
}

void selinux_wish(struct diagnosis_work *work, const struct cause *cause, struct finding *finding,
                  const char *protocol, uint32_t port)
{
    const struct selinux_port_fact *fact = find_port(work, protocol, port);
    const struct selinux_need *need = NULL;

    for (size_t i = 0; i < work->selinux->need_count; i++)
        if (fact != NULL && work->selinux->needs[i].fact == fact)
            need = &work->selinux->needs[i];
    if (need == NULL)
        return;
    if (need->remedy == REMEDY_NONE) {
        advise_none(work, finding, need);
        return;
    }
    bool label = need->remedy == REMEDY_LABEL;
    const char *address =
        label ? arena_printf(work->arena, "selinux.port:%s/%" PRIu32, protocol, port)
              : arena_printf(work->arena, "selinux.boolean:%s", need->value);
    if (selinux_is_damaged(work->facts))
        strings_addf(&finding->advice, work->arena,
                     "%s=%s would cure it, and waits until the policy store is repaired: see "
                     "selinux-store-damaged",
                     address, label ? need->value : "on");
    else if (label)
        wish_label(work, cause, need, address);
    else
        wish_boolean(work, cause, need, address);
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
