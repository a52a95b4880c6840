#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/diagnose/boot.h"
#include "agent/diagnose/causes.h"
#include "agent/diagnose/look.h"
#include "agent/diagnose/ports.h"

#define RANGE        "net.ipv4.ip_local_port_range"
#define RESERVED     "net.ipv4.ip_local_reserved_ports"
#define REUSE        "net.ipv4.tcp_tw_reuse"
#define NEAR_PERCENT 95
#define FULL_PERCENT 99 /* some ports of the range are always held by somebody else */
#define LINES_MAX    6
#define LIST_MAX     4000 /* a value longer than this is no plan for a person to review */

/* Local ports are used up per source address, destination address and port: the range counts once
 * for each. */
struct usage {
    struct port_range range;
    uint32_t available; /* of the range, without what is reserved in it; 0: not known */
    const struct destination **destinations; /* by port and address, the fullest first */
    size_t destination_count;
};

struct shortage {
    const struct server_view *server;
    const struct destination *destination; /* the fullest to that server; NULL: none seen */
    bool probe, check, near;
    bool counted; /* HAProxy counts failed connections, and no port at all seems to be left */
};

static const char *plain_v4(const char *address)
{
    return address != NULL && strncmp(address, "::ffff:", 7) == 0 ? address + 7 : address;
}

static int compare_peer(uint32_t port, const char *address, uint32_t other_port, const char *other)
{
    if (port != other_port)
        return port < other_port ? -1 : 1;
    return strcmp(look_shown(plain_v4(address)), look_shown(plain_v4(other)));
}

static int compare_destinations(const void *left, const void *right)
{
    const struct destination *a = *(const struct destination *const *)left;
    const struct destination *b = *(const struct destination *const *)right;
    int order = compare_peer(a->port, a->address, b->port, b->address);

    if (order != 0)
        return order;
    return a->total > b->total ? -1 : a->total < b->total;
}

/* There may be thousands of servers, and as many destinations. */
static void sort_destinations(const struct diagnosis_work *work, struct usage *usage)
{
    const struct sockets *sockets = &work->facts->sockets;

    if (!facts_have(work->facts, SOURCE_SOCKETS) || sockets->destination_count == 0)
        return;
    usage->destination_count = sockets->destination_count;
    usage->destinations =
        arena_alloc(work->arena, usage->destination_count * sizeof(const struct destination *));
    for (size_t i = 0; i < usage->destination_count; i++)
        usage->destinations[i] = &sockets->destinations[i];
    qsort(usage->destinations, usage->destination_count, sizeof(const struct destination *),
          compare_destinations);
}

static struct usage find_usage(const struct diagnosis_work *work)
{
    struct usage usage = {.range = port_range_parse(look_sysctl(work, RANGE))};
    struct port_set *reserved = port_set_new(work->arena);

    sort_destinations(work, &usage);
    if (!usage.range.known)
        return usage;
    port_set_add_text(reserved, look_sysctl(work, RESERVED));
    usage.available = usage.range.high - usage.range.low + 1 -
                      port_set_count(reserved, usage.range.low, usage.range.high);
    return usage;
}

static const struct destination *fullest(const struct usage *usage, const struct server_view *view)
{
    size_t low = 0, high = usage->destination_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_peer(usage->destinations[middle]->port, usage->destinations[middle]->address,
                         view->port, view->address) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (view->address == NULL || low == usage->destination_count)
        return NULL;
    const struct destination *first = usage->destinations[low];
    return compare_peer(first->port, first->address, view->port, view->address) == 0 ? first : NULL;
}

static bool find_shortage(const struct usage *usage, const struct server_view *view,
                          struct shortage *out_shortage)
{
    const char *text = view->row != NULL ? view->row->last_check : NULL;
    struct shortage shortage = {.server = view};

    shortage.probe = view->probe != NULL && view->probe->error == EADDRNOTAVAIL;
    shortage.check = text != NULL && strstr(text, "Out of local source ports") != NULL &&
                     !look_same(view->row->check_status, "L4OK");
    shortage.destination = fullest(usage, view);
    uint64_t total = shortage.destination != NULL ? shortage.destination->total : 0;
    uint64_t available = usage->available;
    shortage.near = available > 0 && total * 100 >= available * NEAR_PERCENT;
    shortage.counted = available > 0 && total * 100 >= available * FULL_PERCENT &&
                       view->row != NULL && view->row->connect_errors > 0;
    *out_shortage = shortage;
    return shortage.probe || shortage.check || shortage.near;
}

/* The words say that a local port could not be had; that may also be a `source` address that this
 * host does not have. The count says that ports are used up; only the words say that somebody was
 * turned away. */
static bool is_proven(const struct diagnosis_work *work, const struct usage *usage,
                      const struct shortage *shortage)
{
    if (shortage->near)
        return shortage->probe || shortage->check || shortage->counted;
    bool counted = facts_have(work->facts, SOURCE_SOCKETS) && usage->available > 0;
    return !counted && shortage->probe && shortage->check;
}

/* ---- wishes ---- */

static void add_listening(const struct facts *facts, struct port_set *set,
                          const struct port_range *range)
{
    for (size_t i = 0; i < facts->sockets.listener_count; i++) {
        uint32_t port = facts->sockets.listeners[i].port;

        if (port >= range->low && port <= range->high)
            port_set_add(set, port, port);
    }
    for (size_t p = 0; facts->cfg != NULL && p < facts->cfg->proxy_count; p++) {
        const struct cfg_proxy *proxy = facts->cfg->proxies[p];

        for (size_t i = 0; i < proxy->bind_count; i++) {
            const struct cfg_bind *bind = &proxy->binds[i];

            if (!look_is_tcp(bind) || bind->port_high < range->low || bind->port_low > range->high)
                continue;
            port_set_add(set, bind->port_low > range->low ? bind->port_low : range->low,
                         bind->port_high < range->high ? bind->port_high : range->high);
        }
    }
    for (size_t i = 0; facts->cfg != NULL && i < facts->cfg->global.stats_socket_count; i++) {
        const char *text = facts->cfg->global.stats_sockets[i].text;
        const char *colon = text != NULL ? strrchr(text, ':') : NULL;
        uint64_t port;

        if (colon != NULL && span_scan_u64(span_of(colon + 1), &port) && port >= range->low &&
            port <= range->high)
            port_set_add(set, (uint32_t)port, (uint32_t)port);
    }
}

/* A few ports more cure nothing. */
static bool helps(const struct usage *usage, const struct port_range *wide)
{
    return (uint64_t)(usage->range.high - usage->range.low) * 11 <
           (uint64_t)(wide->high - wide->low) * 10;
}

/* What a wider range would be: all that an unprivileged program may bind. Its ends are of different
 * parity, as the kernel wants it to give connect() and bind() their halves. */
static struct port_range widest(const struct diagnosis_work *work, const struct usage *usage)
{
    const char *text = look_sysctl(work, "net.ipv4.ip_unprivileged_port_start");
    struct port_range range = {true, 1024, 65535};
    uint64_t start;
    struct port_range meant = port_range_parse(boot_overridden_value(work->facts, RANGE));

    /* Somebody had it widened already, as far as they wanted. */
    if (meant.known && helps(usage, &meant))
        return meant;
    if (text != NULL && span_scan_u64(span_trim(span_of(text)), &start) && start > range.low &&
        start <= range.high)
        range.low = (uint32_t)(start + start % 2);
    return range;
}

static void advise_without_range(struct diagnosis_work *work, struct finding *finding)
{
    strings_add(&finding->advice, work->arena,
                "keep connections to the servers open and share them: http-reuse, no option "
                "httpclose, keep-alive on the servers");
    strings_add(&finding->advice, work->arena,
                "spread them: more server addresses or ports, or a `source` address of its own for "
                "each group of servers");
}

static void wish_reuse(struct diagnosis_work *work, const struct cause *cause, uint64_t total,
                       uint64_t time_wait)
{
    const char *reuse = look_sysctl(work, REUSE);

    if (reuse == NULL || look_same(reuse, "1") || time_wait * 2 <= total)
        return;
    diagnose_wish_text(work, cause, "sysctl.dropin:" REUSE, "1",
                       arena_printf(work->arena,
                                    "%" PRIu64 " of %" PRIu64
                                    " sockets to these servers are in TIME-WAIT and could be "
                                    "taken again after a second",
                                    time_wait, total));
}

/* False: there is advice instead. */
static bool wish_range(struct diagnosis_work *work, const struct cause *cause,
                       struct finding *finding, const struct usage *usage)
{
    const struct facts *facts = work->facts;
    struct port_range wide = widest(work, usage);

    if (facts->haproxy->running && !facts->haproxy->same_network) {
        strings_addf(&finding->advice, work->arena,
                     "widen " RANGE " in HAProxy's own network namespace (process %d): it is not "
                     "this one",
                     (int)facts->haproxy->master);
        return false;
    }
    if (!usage->range.known || !facts_have(facts, SOURCE_SOCKETS)) {
        strings_add(&finding->advice, work->arena,
                    "widen " RANGE " by hand: what listens here could not be seen, and each "
                    "listening port in the range must be reserved first");
        return false;
    }
    if (!helps(usage, &wide)) {
        strings_addf(&finding->advice, work->arena,
                     RANGE " is %u %u already: no wider range would help", usage->range.low,
                     usage->range.high);
        return false;
    }
    struct port_set *reserved = port_set_new(work->arena);
    port_set_add_text(reserved, look_sysctl(work, RESERVED));
    const char *before = port_set_text(reserved, work->arena);
    add_listening(facts, reserved, &wide);
    const char *after = port_set_text(reserved, work->arena);
    if (strlen(after) > LIST_MAX) {
        strings_addf(&finding->advice, work->arena,
                     "too many ports listen here (%u) to reserve each: widen " RANGE " by hand",
                     port_set_count(reserved, 0, 65535));
        return false;
    }
    /* MUST come before the wider range: a socket that took a listening port in between would keep
     * the next start from binding it. */
    if (strcmp(before, after) != 0)
        diagnose_wish_text(work, cause, WISH_RESERVED_PORTS, after,
                           "ports that are listened on must not be given to outgoing connections");
    diagnose_wish_text(work, cause, "sysctl.dropin:" RANGE,
                       arena_printf(work->arena, "%u %u", wide.low, wide.high),
                       arena_printf(work->arena,
                                    "the %u ports of %u %u are used up for each server address",
                                    usage->available, usage->range.low, usage->range.high));
    return true;
}

/* ---- the finding ---- */

static void tell_shortage(struct diagnosis_work *work, struct finding *finding,
                          const struct usage *usage, const struct shortage *shortage)
{
    const struct server_view *view = shortage->server;
    const struct destination *destination = shortage->destination;

    if (shortage->check)
        diagnose_evidence(work, finding, SOURCE_STATS, "%s/%s %s %s \"%s\"", view->backend,
                          view->name, look_shown(view->row->status),
                          look_shown(view->row->check_status), view->row->last_check);
    else if (shortage->counted)
        diagnose_evidence(work, finding, SOURCE_STATS, "%s/%s %" PRId64 " failed connections",
                          view->backend, view->name, view->row->connect_errors);
    if (shortage->probe)
        diagnose_evidence(
            work, finding, SOURCE_PROBE, "%s -> %s:%" PRIu32 " no local port (EADDRNOTAVAIL)",
            look_shown(work->facts->host_name), look_shown(view->address), view->port);
    if (destination != NULL && usage->available > 0)
        diagnose_evidence(work, finding, SOURCE_SOCKETS,
                          "%s -> %s:%" PRIu32 " %" PRIu32 " sockets of %" PRIu32 " ports (%" PRIu32
                          " established, %" PRIu32 " TIME-WAIT)",
                          look_shown(destination->source), look_shown(destination->address),
                          destination->port, destination->total, usage->available,
                          destination->established, destination->time_wait);
}

static void tell_range(struct diagnosis_work *work, struct finding *finding)
{
    const struct sysctl_fact *range = facts_sysctl(work->facts, RANGE);
    const struct sysctl_fact *reserved = facts_sysctl(work->facts, RESERVED);

    if (range == NULL || range->running == NULL)
        return;
    diagnose_evidence(work, finding, SOURCE_SYSCTL, RANGE " = \"%s\"%s%s; " RESERVED " = \"%s\"",
                      range->running, range->boot.file != NULL ? ", set by " : "",
                      range->boot.file != NULL ? range->boot.file : "",
                      reserved != NULL && reserved->running != NULL ? reserved->running : "");
}

static void look_at_backend(struct diagnosis_work *work, const struct cause *cause,
                            const struct usage *usage, size_t start, size_t end)
{
    struct shortage *shortages = NULL;
    size_t count = 0;
    bool proven = false, near = false;
    uint64_t total = 0, time_wait = 0;

    for (size_t i = start; i < end; i++) {
        struct shortage shortage;

        if (!find_shortage(usage, &work->servers[i], &shortage))
            continue;
        ARENA_PUSH(work->arena, shortages, count) = shortage;
        proven = proven || is_proven(work, usage, &shortage);
        near = near || shortage.near;
        total += shortage.destination != NULL ? shortage.destination->total : 0;
        time_wait += shortage.destination != NULL ? shortage.destination->time_wait : 0;
    }
    if (count == 0)
        return;
    const struct server_view *first = shortages[0].server;
    struct finding *finding =
        diagnose_find(work, cause, proven ? FINDING_PROVEN : FINDING_POSSIBLE,
                      count > 1 ? first->backend
                                : arena_printf(work->arena, "%s/%s", first->backend, first->name));
    finding->summary =
        arena_printf(work->arena, "no local port is left for new connections to %zu of %zu servers",
                     count, end - start);
    for (size_t i = 0; i < count && i < LINES_MAX; i++)
        tell_shortage(work, finding, usage, &shortages[i]);
    tell_range(work, finding);
    strings_add(
        &finding->consequences, work->arena,
        "connections to these servers fail at once: clients get 503, and health checks mark "
        "servers down that are well");
    if (proven) {
        if (!wish_range(work, cause, finding, usage))
            advise_without_range(work, finding);
        wish_reuse(work, cause, total, time_wait);
        return;
    }
    finding->severity = SEVERITY_WARNING;
    finding->settle =
        near
            ? "a connection that fails with \"no free ports\": the ports are nearly used up, but "
              "none was seen to fail"
            : "whether each `source` address of the configuration is on this host (ip addr): ports "
              "are not known to be used up";
}

void source_ports_look(struct diagnosis_work *work, const struct cause *cause)
{
    struct usage usage = find_usage(work);
    size_t end;

    if (work->facts->tree)
        return;
    for (size_t start = 0; start < work->server_count; start = end) {
        end = look_backend_end(work, start);
        look_at_backend(work, cause, &usage, start, end);
    }
}
