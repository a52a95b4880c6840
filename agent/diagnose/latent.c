#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "agent/diagnose/ports.h"
#include "plans/base/escape.h"

#define RANGE     "net.ipv4.ip_local_port_range"
#define RESERVED  "net.ipv4.ip_local_reserved_ports"
#define BINDS_MAX 12

/* ---- maxconn-over-budget ---- */

static void consequences_of_short_budget(struct diagnosis_work *work, struct finding *finding)
{
    const struct facts *facts = work->facts;

    if (!facts->budget.is_strict) {
        strings_add(&finding->consequences, work->arena,
                    "HAProxy starts all the same (no strict-limits, the default up to 2.2), and "
                    "runs out of file "
                    "descriptors before it reaches maxconn: clients then wait, servers seem down");
        return;
    }
    strings_addf(&finding->consequences, work->arena,
                 "the next start fails with \"Cannot raise FD limit to %" PRIu64 "\"",
                 facts->budget.need);
    if (facts->haproxy->running)
        strings_add(&finding->consequences, work->arena,
                    "a reload fails too, silently: the old process keeps serving with the old "
                    "configuration");
}

static void wish_lower(struct diagnosis_work *work, const struct cause *cause,
                       struct finding *finding)
{
    const struct facts *facts = work->facts;
    const struct fd_budget *budget = &facts->budget;
    const char *obstacle = look_edit_obstacle(work, "global");
    uint64_t fits = budget->maxconn_that_fits, bound = look_bound(work, "haproxy.maxconn:global");

    if (fits > bound)
        fits = bound;

    if (fits == 0)
        obstacle = bound == 0 ? "the policy allows no value" : "not even one connection fits";
    if (obstacle != NULL) {
        strings_addf(&finding->advice, work->arena,
                     "lower the global maxconn to %" PRIu64 " or give HAProxy %" PRIu64
                     " file descriptors, by hand: %s",
                     budget->maxconn_that_fits, budget->need, obstacle);
        return;
    }
    diagnose_wish(work, cause, "haproxy.maxconn:global", fits, WISH_CEILING,
                  arena_printf(work->arena,
                               "%" PRIu64 " file descriptors (%s) carry no more than this",
                               budget->limit, look_shown(budget->limit_from)));
    if (!facts->haproxy->running && look_should_run(facts))
        diagnose_activate(work, "haproxy.maxconn:global");
}

static void wish_limit(struct diagnosis_work *work, const struct cause *cause, const char *unit,
                       uint64_t limit)
{
    const struct fd_budget *budget = &work->facts->budget;
    const char *address = arena_printf(work->arena, "systemd.limit:%s", unit);

    diagnose_wish(work, cause, address, limit, WISH_FLOOR,
                  arena_printf(work->arena,
                               "maxconn %" PRIu64 " needs %" PRIu64 " file descriptors",
                               budget->maxconn, budget->need));
    /* What keeps it from starting is why it does not run. */
    if (!work->facts->haproxy->running && look_should_run(work->facts))
        diagnose_activate(work, address);
}

static bool asks_for_descriptors(const struct diagnosis_work *work)
{
    const struct diagnosis_result *result = work->result;

    for (size_t i = 0; i < result->finding_count; i++)
        if (strcmp(result->findings[i].cause, "fd-limit") == 0 &&
            result->findings[i].repair.count > 0)
            return true;
    return false;
}

void latent_look_maxconn_over_budget(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    const struct fd_budget *budget = &facts->budget;
    uint64_t limit;

    if (!look_budget_is_short(facts))
        return;
    /* Without a maxconn HAProxy works one out that fits. */
    if (facts->cfg != NULL && !facts->cfg->global.maxconn.set &&
        facts->haproxy->argument_maxconn == 0)
        return;
    /* The files give enough; that it is not in force is limit-not-effective. Where the descriptors
     * are used up by now, fd-limit asks for as many. */
    if (budget->need <= look_pending_limit(work) || asks_for_descriptors(work))
        return;
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, "global");
    finding->summary = arena_printf(work->arena,
                                    "maxconn %" PRIu64 " needs %" PRIu64
                                    " file descriptors, the next start gets %" PRIu64,
                                    budget->maxconn, budget->need, budget->limit);
    if (look_is_stopped(facts))
        finding->severity = SEVERITY_CRITICAL;
    diagnose_evidence(work, finding, SOURCE_CONFIG, "maxconn %" PRIu64 ": %s", budget->maxconn,
                      look_shown(budget->formula));
    diagnose_evidence(work, finding,
                      facts->tree || !facts->haproxy->running ? SOURCE_UNIT : SOURCE_PROCESS,
                      "%" PRIu64 ": %s", budget->limit, look_shown(budget->limit_from));
    consequences_of_short_budget(work, finding);
    const char *unit = look_unit_for(work, budget->need, &limit);
    if (unit != NULL)
        wish_limit(work, cause, unit, limit);
    else
        wish_lower(work, cause, finding);
}

/* ---- port-range-overlap ---- */

/* The range and the reserved ports, as they are at one moment. */
struct range_side {
    struct port_range range;
    struct port_set *reserved;
};

static struct range_side side_of(struct diagnosis_work *work, const char *range,
                                 const char *reserved)
{
    struct range_side side = {port_range_parse(range), port_set_new(work->arena)};

    port_set_add_text(side.reserved, reserved);
    return side;
}

static bool covers(const struct range_side *side, uint32_t port)
{
    return side->range.known && port >= side->range.low && port <= side->range.high &&
           !port_set_has(side->reserved, port);
}

struct overlap {
    struct range_side now, boot;
    struct port_set *ports; /* that are covered */
    size_t count;
    bool at_boot_only;
};

static void find_overlap(struct overlap *overlap, const struct cfg_bind *bind)
{
    for (uint32_t port = bind->port_low; port <= bind->port_high && port <= 65535; port++) {
        bool now = covers(&overlap->now, port);

        if (port_set_has(overlap->ports, port) || (!now && !covers(&overlap->boot, port)))
            continue;
        port_set_add(overlap->ports, port, port);
        overlap->at_boot_only = overlap->at_boot_only && !now;
        overlap->count++;
    }
}

/* Of one inside .if only the running process tells. */
static bool counts(const struct facts *facts, const struct cfg_bind *bind)
{
    return look_is_tcp(bind) &&
           (!bind->conditional || (facts_have(facts, SOURCE_SOCKETS) &&
                                   look_is_listened(&facts->sockets, bind, bind->port_low)));
}

static void for_each_bind(struct diagnosis_work *work, struct overlap *overlap,
                          struct finding *finding)
{
    const struct cfg *cfg = work->facts->cfg;
    size_t told = 0;

    for (size_t p = 0; p < cfg->proxy_count; p++) {
        const struct cfg_proxy *proxy = cfg->proxies[p];

        for (size_t i = 0; look_is_front(proxy) && !proxy->disabled && i < proxy->bind_count; i++) {
            const struct cfg_bind *bind = &proxy->binds[i];

            if (!counts(work->facts, bind))
                continue;
            if (finding == NULL)
                find_overlap(overlap, bind);
            else if (port_set_count(overlap->ports, bind->port_low, bind->port_high) > 0 &&
                     told++ < BINDS_MAX)
                diagnose_evidence(work, finding, SOURCE_CONFIG, "bind %s (%s)",
                                  look_shown(bind->text), look_place(work, bind->file, bind->line));
        }
    }
}

static void tell_sysctls(struct diagnosis_work *work, struct finding *finding)
{
    static const char *const keys[] = {RANGE, RESERVED};

    for (size_t i = 0; i < 2; i++) {
        const struct sysctl_fact *fact = facts_sysctl(work->facts, keys[i]);

        if (fact == NULL)
            continue;
        if (fact->running != NULL)
            diagnose_evidence(work, finding, SOURCE_SYSCTL, "%s = \"%s\"", keys[i], fact->running);
        if (fact->boot.value != NULL)
            diagnose_evidence(work, finding, SOURCE_SYSCTL, "%s:%zu sets %s = \"%s\" at boot",
                              look_shown(fact->boot.file), fact->boot.line, keys[i],
                              fact->boot.value);
        else
            diagnose_evidence(work, finding, SOURCE_SYSCTL, "no file sets %s at boot", keys[i]);
    }
}

/* What a boot leaves where no file sets the range: the kernel's own, the same on all distributions.
 */
static const char *boot_range(const struct sysctl_fact *range)
{
    return range->boot.value != NULL ? range->boot.value : "32768 60999";
}

/* False: no bind port is given to outgoing connections. */
static bool look_for_overlap(struct diagnosis_work *work, struct overlap *overlap)
{
    const struct facts *facts = work->facts;
    const struct sysctl_fact *range = facts_sysctl(facts, RANGE);
    const struct sysctl_fact *reserved = facts_sysctl(facts, RESERVED);
    const char *now = reserved != NULL ? reserved->running : NULL;
    const char *boot = reserved != NULL ? reserved->boot.value : NULL;

    if (!facts_have(facts, SOURCE_SYSCTL) || range == NULL || facts->cfg == NULL)
        return false;
    *overlap = (struct overlap){.now = side_of(work, range->running, now),
                                .boot = side_of(work, boot_range(range), boot),
                                .ports = port_set_new(work->arena),
                                .at_boot_only = true};
    for_each_bind(work, overlap, NULL);
    return overlap->count > 0;
}

static void reserve(struct diagnosis_work *work, const struct cause *cause, struct finding *finding,
                    const struct overlap *overlap)
{
    const struct facts *facts = work->facts;
    const struct sysctl_fact *reserved = facts_sysctl(facts, RESERVED);
    struct port_set *all = port_set_new(work->arena);

    *all = *overlap->ports;
    if (facts->haproxy->running && !facts->haproxy->same_network) {
        strings_addf(&finding->advice, work->arena,
                     "reserve %s in HAProxy's own network namespace: it is not this one",
                     port_set_text(all, work->arena));
        return;
    }
    port_set_add_text(all, reserved != NULL ? reserved->running : NULL);
    port_set_add_text(all, reserved != NULL ? reserved->boot.value : NULL);
    const char *value = port_set_text(all, work->arena);
    if (strlen(value) >= PLAN_STRING_MAX)
        strings_add(&finding->advice, work->arena,
                    "reserve these ports by hand: there are too many for one line");
    else
        diagnose_wish_text(work, cause, WISH_RESERVED_PORTS, value,
                           "these ports are listened on and must not be given to outgoing "
                           "connections");
}

void latent_reserve(struct diagnosis_work *work, const struct cause *cause, struct finding *finding)
{
    struct overlap overlap;

    if (look_for_overlap(work, &overlap))
        reserve(work, cause, finding, &overlap);
}

/* It has come true, and is told there. */
static bool is_found_as_clash(const struct diagnosis_work *work)
{
    const struct diagnosis_result *result = work->result;

    for (size_t i = 0; i < result->finding_count; i++)
        if (result->findings[i].state == FINDING_PROVEN &&
            look_same(result->findings[i].cause, "bind-ephemeral-clash"))
            return true;
    return false;
}

void latent_look_port_range_overlap(struct diagnosis_work *work, const struct cause *cause)
{
    struct overlap overlap;

    if (is_found_as_clash(work) || !look_for_overlap(work, &overlap))
        return;
    const char *ports = port_set_text(overlap.ports, work->arena);
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, RANGE);
    finding->summary =
        arena_printf(work->arena, "%s covers tcp/%s, where HAProxy listens%s", RANGE,
                     strlen(ports) < 200 ? ports : "... (many ports)",
                     overlap.at_boot_only && !work->facts->tree ? ", after the next boot" : "");
    for_each_bind(work, &overlap, finding);
    tell_sysctls(work, finding);
    strings_add(
        &finding->consequences, work->arena,
        "an outgoing connection can hold such a port, also in TIME-WAIT: the next start then "
        "fails with \"Address already in use\"");
    reserve(work, cause, finding, &overlap);
}

/* ---- stats-socket-off ---- */

static bool knows_run_haproxy(const struct facts *facts)
{
    static const char directory[] = "/run/haproxy/";
    const char *version = facts->haproxy->version;

    /* Debian's and Ubuntu's packages make /run/haproxy at each boot. */
    if (version != NULL && (strstr(version, "deb") != NULL || strstr(version, "ubuntu") != NULL))
        return true;
    for (size_t i = 0; i < facts->cfg->file_count; i++)
        if (facts->cfg->files[i].bytes.len > 0 &&
            memmem(facts->cfg->files[i].bytes.ptr, facts->cfg->files[i].bytes.len, directory,
                   sizeof directory - 1) != NULL)
            return true;
    return false;
}

static void wish_socket(struct diagnosis_work *work, const struct cause *cause,
                        struct finding *finding)
{
    const struct facts *facts = work->facts;

    /* Who starts as another user than root may not write to /run. */
    if (facts->unit.exists && facts->unit.user != NULL && strcmp(facts->unit.user, "root") != 0) {
        strings_addf(&finding->advice, work->arena,
                     "add to global a `stats socket PATH mode 600 level admin` in a directory that "
                     "user %s may write to",
                     facts->unit.user);
        return;
    }
    /* The directory must be there at each start, or the next one fails: /run is, and its SELinux
     * label for haproxy.sock is in the policies of the distributions; /run/haproxy only where
     * something makes it. */
    diagnose_wish_text(
        work, cause, "haproxy.stats_socket:global",
        knows_run_haproxy(facts) ? "/run/haproxy/admin.sock" : "/run/haproxy.sock",
        "no stats socket is configured: neither hamedic nor anybody else can ask the "
        "running HAProxy");
}

static void socket_missing(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    struct finding *finding = diagnose_find(work, cause, FINDING_PROVEN, "global");

    finding->summary = "no stats socket is configured: the Runtime API is off";
    diagnose_evidence(work, finding, SOURCE_CONFIG, "no `stats socket` in global");
    if (!facts->tree && facts->haproxy->running && facts->stats_error != NULL)
        diagnose_evidence(work, finding, SOURCE_STATS, "%s", facts->stats_error);
    strings_add(&finding->consequences, work->arena,
                "the state of servers and queues cannot be seen, and every change needs a reload");
    wish_socket(work, cause, finding);
}

static void socket_low_level(struct diagnosis_work *work, const struct cause *cause,
                             const struct cfg_stats_socket *socket)
{
    struct finding *finding =
        diagnose_find(work, cause, FINDING_PROVEN, look_shown(socket->endpoint));
    const char *level = socket->level != NULL ? socket->level : "operator";

    finding->severity = SEVERITY_NOTICE;
    finding->summary = arena_printf(work->arena, "the stats socket has level %s only", level);
    diagnose_evidence(work, finding, SOURCE_CONFIG, "stats socket %s level %s (%s)",
                      look_shown(socket->text), level,
                      look_place(work, socket->file, socket->line));
    strings_add(
        &finding->consequences, work->arena,
        "values can be read, but changes need a reload where they could be made at run time");
    strings_addf(&finding->advice, work->arena, "add `level admin` to the stats socket line (%s)",
                 look_place(work, socket->file, socket->line));
}

static void socket_silent(struct diagnosis_work *work, const struct cause *cause, const char *path)
{
    const struct facts *facts = work->facts;
    struct finding *finding = diagnose_find(work, cause, FINDING_POSSIBLE, path);

    finding->summary = "the stats socket does not answer";
    const char *said = facts->stats_error != NULL ? facts->stats_error
                                                  : look_shown(facts->sources[SOURCE_STATS].reason);
    diagnose_evidence(work, finding, SOURCE_STATS, "%s", said);
    strings_add(&finding->consequences, work->arena,
                "the state of servers and queues cannot be seen");
    finding->settle = strstr(said, strerror(EACCES)) != NULL
                          ? "ask again as root, or as a user whom the socket's mode lets in"
                          : "whether the running process was started with this socket: after a "
                            "reload, look again";
}

/* What keeps it from answering has a name already: a worker without a free descriptor cannot take the question. */
static bool is_explained(const struct diagnosis_work *work)
{
    const struct diagnosis_result *result = work->result;

    for (size_t i = 0; i < result->finding_count; i++)
        if (result->findings[i].state == FINDING_PROVEN &&
            strcmp(result->findings[i].cause, "fd-limit") == 0)
            return true;
    return false;
}

void latent_look_stats_socket_off(struct diagnosis_work *work, const struct cause *cause)
{
    const struct facts *facts = work->facts;
    const struct cfg_stats_socket *best = NULL;
    bool asked = !facts->tree && facts->haproxy->running;

    if (facts->cfg == NULL) {
        if (asked && facts->sources[SOURCE_STATS].state == SOURCE_FAILED)
            socket_silent(work, cause, "stats socket");
        return;
    }
    for (size_t i = 0; i < facts->cfg->global.stats_socket_count; i++) {
        const struct cfg_stats_socket *socket = &facts->cfg->global.stats_sockets[i];

        if (socket->endpoint != NULL && (best == NULL || !look_same(best->level, "admin")))
            best = socket;
    }
    /* One of another kind is no fault: that it cannot be asked from here is told by its collector. */
    if (facts->cfg->global.stats_socket_count == 0 && !facts_have(facts, SOURCE_STATS))
        socket_missing(work, cause);
    else if (best != NULL && asked && !facts_have(facts, SOURCE_STATS) && !is_explained(work))
        socket_silent(work, cause, look_shown(best->endpoint));
    else if (best != NULL && !look_same(best->level, "admin"))
        socket_low_level(work, cause, best);
}
