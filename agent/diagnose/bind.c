/* Ports that HAProxy wants and does not get: what it said of them, and who has them. */
#include "agent/diagnose/bind.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <string.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "agent/diagnose/ports.h"
#include "agent/diagnose/selinux.h"
#include "agent/diagnose/words.h"

#define RANGE    "net.ipv4.ip_local_port_range"
#define RESERVED "net.ipv4.ip_local_reserved_ports"

enum { WANTS_MAX = 32 };

/* A port of a bind line on which HAProxy itself does not listen. */
struct want {
    const struct cfg_proxy *proxy;
    const struct cfg_bind *bind;
    uint32_t port;
    const struct haproxy_message *said; /* of the newest try to start or reload; NULL: nothing */
};
struct wants {
    struct want at[WANTS_MAX];
    size_t count;
};

/* ---- what is wanted ---- */

static const struct haproxy_message *find_said(const struct facts *facts, uint32_t port)
{
    const struct haproxy_messages *messages = &facts->messages;

    if (!facts_have(facts, SOURCE_JOURNAL))
        return NULL;
    for (size_t i = messages_attempt(messages); i < messages->count; i++)
        if (!messages->at[i].of_systemd && messages->at[i].kind == LOG_MESSAGE_BIND_FAILED &&
            messages->at[i].port == port)
            return &messages->at[i];
    return NULL;
}

static bool serves(const struct port_listener *listener, const struct cfg_bind *bind, uint32_t port)
{
    struct listener one = {.address = listener->address, .port = listener->port};
    struct sockets sockets = {.listeners = &one, .listener_count = 1};

    return look_is_listened(&sockets, bind, port);
}

/* HAProxy's own, or of a process that could not be looked at: it may be HAProxy's. */
static bool is_served(const struct facts *facts, const struct cfg_bind *bind, uint32_t port)
{
    const struct port_facts *ports = &facts->ports;

    for (size_t i = 0; i < ports->listener_count; i++)
        if (serves(&ports->listeners[i], bind, port) &&
            (ports->listeners[i].owner.is_own ||
             (ports->listeners[i].owner.pid == 0 && facts->haproxy->running)))
            return true;
    return false;
}

/* Inside .if it is one that counts where HAProxy itself spoke of it. */
static void add_wants(struct wants *wants, const struct facts *facts, const struct cfg_proxy *proxy,
                      const struct cfg_bind *bind)
{
    for (uint32_t port = bind->port_low; port <= bind->port_high && port <= 65535; port++) {
        if (wants->count == WANTS_MAX || is_served(facts, bind, port))
            continue;
        const struct haproxy_message *said = find_said(facts, port);

        if (!bind->conditional || said != NULL)
            wants->at[wants->count++] = (struct want){proxy, bind, port, said};
    }
}

static bool is_stopped_by_a_person(const struct facts *facts)
{
    const struct systemd_unit *unit = &facts->systemd_unit;

    return look_is_stopped(facts) && unit->loaded && look_same(unit->active_state, "inactive") &&
           look_same(unit->result, "success");
}

static struct wants find_wants(const struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;
    struct wants wants = {.count = 0};

    if (facts->tree || facts->cfg == NULL || !facts_have(facts, SOURCE_PORTS) ||
        is_stopped_by_a_person(facts))
        return wants;
    for (size_t p = 0; p < facts->cfg->proxy_count; p++) {
        const struct cfg_proxy *proxy = facts->cfg->proxies[p];

        for (size_t i = 0; look_is_front(proxy) && !proxy->disabled && i < proxy->bind_count; i++)
            if (look_is_tcp(&proxy->binds[i]))
                add_wants(&wants, facts, proxy, &proxy->binds[i]);
    }
    return wants;
}

static const struct port_listener *find_holder(const struct facts *facts, const struct want *want)
{
    const struct port_facts *ports = &facts->ports;

    for (size_t i = 0; i < ports->listener_count; i++)
        if (!ports->listeners[i].owner.is_own &&
            serves(&ports->listeners[i], want->bind, want->port))
            return &ports->listeners[i];
    return NULL;
}

static bool said_other(const struct want *want, int error)
{
    return want->said != NULL && want->said->error != 0 && want->said->error != error;
}

/* ---- words ---- */

static struct finding *find(struct diagnosis_work *work, const struct cause *cause,
                            enum finding_state state, const struct want *want)
{
    struct finding *finding = diagnose_find(
        work, cause, state,
        arena_printf(work->arena, "%s tcp/%" PRIu32, look_shown(want->proxy->name), want->port));
    bool failed = words_reload_failed(work->facts);

    if (work->facts->haproxy->running && !failed && finding->severity == SEVERITY_CRITICAL)
        finding->severity = SEVERITY_WARNING;
    if (want->said != NULL)
        words_quote(work, finding, want->said);
    diagnose_evidence(work, finding, SOURCE_CONFIG, "bind %s of %s (%s)",
                      look_shown(want->bind->text), look_shown(want->proxy->name),
                      look_place(work, want->bind->file, want->bind->line));
    return finding;
}

static void consequences(struct diagnosis_work *work, struct finding *finding,
                         const struct want *want)
{
    const struct facts *facts = work->facts;

    if (!facts->haproxy->running) {
        strings_add(&finding->consequences, work->arena,
                    "HAProxy does not run: one bind that fails ends its start, and clients of all "
                    "frontends get Connection refused");
        return;
    }
    strings_addf(&finding->consequences, work->arena,
                 "HAProxy does not listen on port %" PRIu32
                 ", and each reload fails: the old worker keeps the old configuration",
                 want->port);
    strings_add(&finding->consequences, work->arena,
                "a restart or a reboot meets the same fault, and stops the service");
}

static const char *then_words(const struct facts *facts)
{
    return facts->haproxy->running ? "reload HAProxy" : "start HAProxy";
}

/* ---- bind-in-use ---- */

static bool is_haproxy(const struct port_owner *owner)
{
    const char *slash = owner->program != NULL ? strrchr(owner->program, '/') : NULL;

    return look_same(owner->name, "haproxy") || (slash != NULL && strcmp(slash, "/haproxy") == 0);
}

static void advise_holder(struct diagnosis_work *work, struct finding *finding,
                          const struct want *want, const struct port_owner *owner)
{
    const char *place = look_place(work, want->bind->file, want->bind->line);

    if (owner->pid == 0)
        strings_addf(&finding->advice, work->arena,
                     "see as root who listens there: ss -ltnp 'sport = :%" PRIu32 "'", want->port);
    else if (is_haproxy(owner))
        strings_addf(
            &finding->advice, work->arena,
            "another HAProxy (pid %" PRId64
            ") has the port: end it where it was left over, or give one of the two another "
            "port (%s); then %s",
            owner->pid, place, then_words(work->facts));
    else
        strings_addf(&finding->advice, work->arena,
                     "stop %s (pid %" PRId64 ") or let it listen elsewhere, or change the bind "
                     "line (%s); then %s",
                     look_shown(owner->name), owner->pid, place, then_words(work->facts));
}

static void look_in_use(struct diagnosis_work *work, const struct cause *cause,
                        const struct want *want)
{
    const struct port_listener *holder = find_holder(work->facts, want);

    if (holder == NULL || said_other(want, EADDRINUSE))
        return;
    const struct port_owner *owner = &holder->owner;
    bool proven = owner->pid != 0 || want->said != NULL;
    struct finding *finding = find(work, cause, proven ? FINDING_PROVEN : FINDING_POSSIBLE, want);

    finding->summary = arena_printf(work->arena, "port %" PRIu32 " of %s is taken by %s",
                                    want->port, look_shown(want->proxy->name),
                                    owner->pid == 0     ? "another process"
                                    : is_haproxy(owner) ? "another HAProxy"
                                                        : look_shown(owner->name));
    if (owner->pid != 0)
        diagnose_evidence(work, finding, SOURCE_PORTS,
                          "%s port %" PRIu32 " is listened on by %s, pid %" PRId64 " (%s)",
                          holder->address, want->port, look_shown(owner->name), owner->pid,
                          look_shown(owner->program));
    else
        diagnose_evidence(work, finding, SOURCE_PORTS,
                          "%s port %" PRIu32 " is listened on by a process that cannot be seen",
                          holder->address, want->port);
    if (!proven)
        finding->settle = "who listens there (as root: ss -ltnp)";
    consequences(work, finding, want);
    advise_holder(work, finding, want, owner);
}

void bind_look_in_use(struct diagnosis_work *work, const struct cause *cause)
{
    struct wants wants = find_wants(work);

    for (size_t i = 0; i < wants.count; i++)
        look_in_use(work, cause, &wants.at[i]);
}

/* ---- bind-ephemeral-clash ---- */

static const struct port_hold *find_hold(const struct facts *facts, uint32_t port)
{
    for (size_t i = 0; i < facts->ports.holds.count; i++)
        if (facts->ports.holds.at[i].port == port)
            return &facts->ports.holds.at[i];
    return NULL;
}

/* Given to outgoing connections by the kernel, and not reserved. */
static bool is_ephemeral(const struct diagnosis_work *work, uint32_t port)
{
    struct port_range range = port_range_parse(look_sysctl(work, RANGE));
    struct port_set *reserved = port_set_new(work->arena);

    port_set_add_text(reserved, look_sysctl(work, RESERVED));
    return range.known && port >= range.low && port <= range.high && !port_set_has(reserved, port);
}

static void look_clash(struct diagnosis_work *work, const struct cause *cause,
                       const struct want *want)
{
    const struct facts *facts = work->facts;
    const struct port_hold *hold = find_hold(facts, want->port);
    bool said = want->said != NULL && want->said->error == EADDRINUSE;

    if (find_holder(facts, want) != NULL || said_other(want, EADDRINUSE))
        return;
    if (hold == NULL && !(said && is_ephemeral(work, want->port)))
        return;
    bool tried = said || !facts->haproxy->running || words_reload_failed(facts);
    struct finding *finding =
        find(work, cause, hold != NULL && tried ? FINDING_PROVEN : FINDING_POSSIBLE, want);
    finding->summary = arena_printf(work->arena, "port %" PRIu32 " of %s %s an outgoing connection",
                                    want->port, look_shown(want->proxy->name),
                                    hold != NULL ? "is taken by" : "was perhaps taken by");
    if (hold != NULL)
        diagnose_evidence(work, finding, SOURCE_PORTS,
                          "%" PRIu32 " connections have it as their own port (%" PRIu32
                          " in TIME-WAIT), such as %s -> %s; nobody listens there",
                          hold->total, hold->time_wait, hold->local, hold->remote);
    diagnose_evidence(work, finding, SOURCE_SYSCTL, "%s = \"%s\", %s = \"%s\"", RANGE,
                      look_shown(look_sysctl(work, RANGE)), RESERVED,
                      look_shown(look_sysctl(work, RESERVED)));
    consequences(work, finding, want);
    if (hold == NULL || finding->state != FINDING_PROVEN) {
        finding->settle = "whether a connection has that port when HAProxy starts (ss -tan)";
        return;
    }
    latent_reserve(work, cause, finding);
    strings_addf(&finding->advice, work->arena,
                 "%s once no connection has the port any more (%s); reserved, it is not given to "
                 "another",
                 then_words(facts),
                 hold->time_wait == hold->total ? "TIME-WAIT ends after 60 s"
                                                : "ss -tan, by local port");
}

void bind_look_ephemeral_clash(struct diagnosis_work *work, const struct cause *cause)
{
    struct wants wants = find_wants(work);

    for (size_t i = 0; i < wants.count; i++)
        look_clash(work, cause, &wants.at[i]);
}

/* ---- bind-privilege ---- */

static uint64_t unprivileged_start(const struct diagnosis_work *work)
{
    const char *text = look_sysctl(work, "net.ipv4.ip_unprivileged_port_start");
    uint64_t start = 1024;

    if (text != NULL && !span_scan_u64(span_trim(span_of(text)), &start))
        start = 1024;
    return start;
}

/* Whoever starts it cannot bind such a port. NULL: he can, or it is not known. */
static const char *lacks_privilege(struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;

    if (facts->haproxy->running) {
        if (!facts->capabilities_known || (facts->capabilities >> CAP_NET_BIND_SERVICE & 1) != 0)
            return NULL;
        return arena_printf(work->arena, "process %jd runs as uid %ju without CAP_NET_BIND_SERVICE",
                            (intmax_t)(facts->haproxy->master != 0 ? facts->haproxy->master
                                                                   : facts->haproxy->worker),
                            (uintmax_t)facts->haproxy->uid);
    }
    if (facts->unit.exists && facts->unit.user != NULL && strcmp(facts->unit.user, "root") != 0)
        return arena_printf(work->arena, "%s starts it as user %s", look_shown(facts->unit.name),
                            facts->unit.user);
    return NULL;
}

static void look_privilege(struct diagnosis_work *work, const struct cause *cause,
                           const struct want *want, const char *lacks)
{
    const struct facts *facts = work->facts;
    bool said = want->said != NULL && want->said->error == EACCES;

    if (want->port >= unprivileged_start(work) || said_other(want, EACCES) ||
        find_holder(facts, want) != NULL || selinux_denies(work, "tcp", want->port, SELINUX_BIND) ||
        selinux_denial_now(work, "tcp", want->port, SELINUX_BIND) != NULL)
        return;
    /* AmbientCapabilities of a unit are not known here: only a try tells. */
    if (lacks == NULL ? !said || selinux_is_silent(work) : !facts->haproxy->running && !said)
        return;
    struct finding *finding =
        find(work, cause, lacks != NULL ? FINDING_PROVEN : FINDING_POSSIBLE, want);
    finding->summary = arena_printf(
        work->arena, "HAProxy may not bind port %" PRIu32 ": it lacks the privilege", want->port);
    if (lacks != NULL)
        diagnose_evidence(work, finding, facts->haproxy->running ? SOURCE_PROCESS : SOURCE_UNIT,
                          "%s", lacks);
    else
        finding->settle = "as which user, and with which capabilities, HAProxy is started";
    diagnose_evidence(work, finding, SOURCE_SYSCTL,
                      "ports below %" PRIu64 " need it (net.ipv4.ip_unprivileged_port_start)",
                      unprivileged_start(work));
    consequences(work, finding, want);
    strings_addf(&finding->advice, work->arena,
                 "start HAProxy as root (it gives that up after the binds: `user` in global), or "
                 "give its unit AmbientCapabilities=CAP_NET_BIND_SERVICE, or bind a port from "
                 "%" PRIu64 " on (%s)",
                 unprivileged_start(work), look_place(work, want->bind->file, want->bind->line));
}

void bind_look_privilege(struct diagnosis_work *work, const struct cause *cause)
{
    struct wants wants = find_wants(work);
    const char *lacks = wants.count > 0 ? lacks_privilege(work) : NULL;

    for (size_t i = 0; i < wants.count; i++)
        look_privilege(work, cause, &wants.at[i], lacks);
}

bool bind_keeps_down(const struct diagnosis_work *work)
{
    const struct diagnosis_result *result = work->result;

    for (size_t i = 0; look_is_stopped(work->facts) && i < result->finding_count; i++)
        if (result->findings[i].state == FINDING_PROVEN &&
            strncmp(result->findings[i].cause, "bind-", 5) == 0 &&
            !look_same(result->findings[i].cause, "bind-selinux"))
            return true;
    return false;
}
