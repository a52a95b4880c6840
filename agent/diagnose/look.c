#include "agent/diagnose/look.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Far above any real limit, far below where sums could overflow. */
#define NUMBER_MAX ((uint64_t)1 << 40)
/* Up to here a limit says nothing of what a server or a host can carry: ten times 2 would often
 * only be the next queue. */
#define SMALL_LIMIT ((uint64_t)128)
/* The kernel's default of fs.nr_open. */
#define NR_OPEN_DEFAULT ((uint64_t)1024 * 1024)

bool look_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

const char *look_shown(const char *text)
{
    return text != NULL ? text : "?";
}

enum finding_state look_second(const struct diagnosis_work *work, enum source_id source, bool seen)
{
    if (seen || work->facts->sources[source].state == SOURCE_ABSENT)
        return FINDING_PROVEN;
    return FINDING_POSSIBLE;
}

int64_t look_info(const struct diagnosis_work *work, const char *key)
{
    int64_t value;

    if (!facts_have(work->facts, SOURCE_STATS) ||
        !haproxy_info_number(&work->facts->info, key, &value) || value < 0)
        return -1;
    return value;
}

const char *look_sysctl(const struct diagnosis_work *work, const char *key)
{
    const struct sysctl_fact *fact = facts_sysctl(work->facts, key);

    return fact != NULL ? fact->running : NULL;
}

bool look_is_stopped(const struct facts *facts)
{
    return !facts->tree && facts->sources[SOURCE_PROCESS].state != SOURCE_FAILED &&
           !facts->haproxy->running && facts->haproxy->program != NULL;
}

bool look_should_run(const struct facts *facts)
{
    const struct systemd_unit *unit = &facts->systemd_unit;

    return facts->haproxy->running ||
           (unit->loaded && (look_same(unit->active_state, "failed") ||
                             look_same(unit->active_state, "activating")));
}

/* Up to 2.4 nothing is counted, but the worker that stayed stands among the old ones. */
int64_t look_failed_reloads(const struct facts *facts)
{
    const struct haproxy_proc *proc = &facts->master;

    if (!facts_have(facts, SOURCE_MASTER))
        return -1;
    if (proc->failed_reloads >= 0)
        return proc->failed_reloads;
    return proc->reloads > 0 && proc->worker == 0 && facts->haproxy->worker != 0 ? 1 : 0;
}

bool look_config_is_invalid(const struct facts *facts)
{
    return facts_have(facts, SOURCE_CHECK) &&
           (facts->check.exit_code == 1 || facts->check.exit_code == 2);
}

bool look_budget_is_short(const struct facts *facts)
{
    const struct fd_budget *budget = &facts->budget;

    return budget->maxconn > 0 && budget->limit > 0 && budget->need > budget->limit;
}

uint64_t look_nr_open(const struct diagnosis_work *work)
{
    const char *text = look_sysctl(work, "fs.nr_open");
    uint64_t number = 0;

    return text != NULL && span_scan_u64(span_trim(span_of(text)), &number) && number > 0
               ? number
               : NR_OPEN_DEFAULT;
}

uint64_t look_pending_limit(const struct diagnosis_work *work)
{
    const struct facts *facts = work->facts;
    const struct haproxy *haproxy = facts->haproxy;
    uint64_t gives = facts->unit.limit_hard, most = look_nr_open(work);

    if (facts->tree || !facts_have(facts, SOURCE_UNIT) || !facts->unit.exists ||
        facts->unit.masked || facts->unit.limit_file == NULL || !haproxy->by_systemd ||
        !haproxy->running || haproxy->limit_hard == 0)
        return 0;
    /* HAProxy raises its own limit where it may, as far as its maxconn needs; without a maxconn
     * it is the other way round. */
    bool automatic = facts->cfg != NULL && !facts->cfg->global.maxconn.set &&
                     haproxy->argument_maxconn == 0 && !facts->cfg->global.ulimit_n.set &&
                     !facts->cfg->global.fd_hard_limit.set;
    if (haproxy->can_raise_limit && !automatic)
        return 0;
    if (gives > most)
        gives = most;
    return gives > haproxy->limit_hard ? gives : 0;
}

/* The same where no process may have more than `nr_open`. */
static const char *unit_within(const struct diagnosis_work *work, uint64_t need, uint64_t nr_open,
                               uint64_t *out_limit)
{
    const struct facts *facts = work->facts;
    const struct haproxy *haproxy = facts->haproxy;
    const char *name = haproxy->unit != NULL ? haproxy->unit : facts->unit.name;

    if (name == NULL || !facts->unit.exists || facts->unit.masked)
        return NULL;
    /* A process that systemd did not start gets its limits from elsewhere. */
    bool reaches =
        facts->tree || haproxy->by_systemd || (!haproxy->running && facts->systemd_unit.loaded);
    if (!reaches)
        return NULL;
    uint64_t most = look_bound(work, arena_printf(work->arena, "systemd.limit:%s", name));
    if (most > nr_open)
        most = nr_open;
    if (need > most)
        return NULL;
    /* ulimit-n in the file decides before any inherited limit does. */
    const struct cfg *cfg = facts->cfg;
    if (cfg != NULL && cfg->global.ulimit_n.set && cfg->global.ulimit_n.value < need)
        return NULL;
    *out_limit = look_round_up(need) < most ? look_round_up(need) : most;
    return name;
}

const char *look_unit_for(const struct diagnosis_work *work, uint64_t need, uint64_t *out_limit)
{
    return unit_within(work, need, look_nr_open(work), out_limit);
}

bool look_wish_descriptors(struct diagnosis_work *work, const struct cause *cause, uint64_t need,
                           const char *because)
{
    static const char nr_open_address[] = "sysctl.dropin:fs.nr_open";
    const struct haproxy *haproxy = work->facts->haproxy;
    bool capped = need > look_nr_open(work),
         by_itself = haproxy->running && haproxy->can_raise_limit;
    /* The kernel takes multiples of the bits in a word. */
    uint64_t nr_open = capped ? (look_round_up(need) + 63) / 64 * 64 : look_nr_open(work), limit;

    if (capped && (need > NUMBER_MAX || nr_open > look_bound(work, nr_open_address)))
        return false;
    const char *unit = by_itself && capped ? NULL : unit_within(work, need, nr_open, &limit);
    if (unit == NULL && !(by_itself && capped))
        return false;
    if (capped)
        diagnose_wish(work, cause, nr_open_address, nr_open, WISH_FLOOR,
                      "no process may have more file descriptors than this");
    if (unit != NULL)
        diagnose_wish(work, cause, arena_printf(work->arena, "systemd.limit:%s", unit), limit,
                      WISH_FLOOR, because);
    return true;
}

const char *look_place(struct diagnosis_work *work, const struct cfg_file *file, size_t line)
{
    if (file == NULL)
        return "the configuration";
    return arena_printf(work->arena, "%s:%zu", look_shown(file->path), line);
}

const char *look_edit_obstacle(struct diagnosis_work *work, const char *target)
{
    const struct facts *facts = work->facts;
    struct cfg_slot slot = {0};
    struct err err = {0};

    if (facts->cfg == NULL)
        return "the configuration could not be read";
    if (cfg_find_maxconn(facts->cfg, facts->haproxy, target, work->arena, &slot, &err) < 0)
        return arena_string(work->arena, err.text);
    return slot.overridden_by != NULL
               ? arena_printf(work->arena, "%s wins over the file", slot.overridden_by)
               : NULL;
}

/* ---- sections ---- */

bool look_is_front(const struct cfg_proxy *proxy)
{
    return proxy->kind == CFG_FRONTEND || proxy->kind == CFG_LISTEN;
}

const struct cfg_proxy *look_front(const struct cfg *cfg, const char *name)
{
    if (cfg == NULL || name == NULL)
        return NULL;
    const struct cfg_proxy *proxy = cfg_find_proxy(cfg, CFG_FRONTEND, name);
    return proxy != NULL ? proxy : cfg_find_proxy(cfg, CFG_LISTEN, name);
}

/* ---- listeners ---- */

static bool is_wildcard(const char *address)
{
    return address == NULL || strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0 ||
           strcmp(address, "*") == 0;
}

bool look_is_loopback(const char *address)
{
    return address != NULL && (strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
                               strncmp(address, "::ffff:127.", 11) == 0);
}

bool look_is_tcp(const struct cfg_bind *bind)
{
    return !bind->is_unix && !bind->in_namespace && bind->port_low > 0 &&
           (bind->text == NULL ||
            (strncmp(bind->text, "quic", 4) != 0 && strncmp(bind->text, "udp", 3) != 0));
}

static bool listener_serves(const struct listener *listener, const struct cfg_bind *bind)
{
    return is_wildcard(bind->address) || is_wildcard(listener->address) ||
           look_same(bind->address, listener->address);
}

bool look_is_listened(const struct sockets *sockets, const struct cfg_bind *bind, uint32_t port)
{
    for (size_t i = 0; i < sockets->listener_count; i++)
        if (sockets->listeners[i].port == port && listener_serves(&sockets->listeners[i], bind))
            return true;
    return false;
}

static bool proxy_has(const struct cfg_proxy *proxy, const struct listener *listener)
{
    for (size_t i = 0; i < proxy->bind_count; i++) {
        const struct cfg_bind *bind = &proxy->binds[i];

        if (look_is_tcp(bind) && listener->port >= bind->port_low &&
            listener->port <= bind->port_high && listener_serves(listener, bind))
            return true;
    }
    return false;
}

int64_t look_accept_queue(const struct diagnosis_work *work, const struct cfg_proxy *proxy,
                          bool *out_full)
{
    const struct facts *facts = work->facts;
    bool found = false, full = false;
    int64_t queue = 0;

    *out_full = false;
    if (!facts_have(facts, SOURCE_SOCKETS) || facts->cfg == NULL)
        return -1;
    for (size_t l = 0; l < facts->sockets.listener_count; l++) {
        const struct listener *listener = &facts->sockets.listeners[l];
        bool ours = proxy != NULL && proxy_has(proxy, listener);

        for (size_t i = 0; proxy == NULL && !ours && i < facts->cfg->proxy_count; i++)
            ours = look_is_front(facts->cfg->proxies[i]) &&
                   proxy_has(facts->cfg->proxies[i], listener);
        if (!ours)
            continue;
        queue += listener->queue;
        found = true;
        full = full || (listener->queue > 0 && listener->queue >= listener->queue_limit);
    }
    *out_full = full;
    return found ? queue : -1;
}

/* ---- sizes ---- */

uint64_t look_bound(const struct diagnosis_work *work, const char *address)
{
    uint64_t bound;

    if (work->upper_bound == NULL || !work->upper_bound(work->context, address, &bound))
        return UINT64_MAX;
    return bound;
}

uint64_t look_round_up(uint64_t value)
{
    uint64_t step = 1;

    while (value / step >= 100)
        step *= 10;
    if (value > UINT64_MAX - step)
        return value;
    return (value + step - 1) / step * step;
}

uint64_t look_new_limit(uint64_t current, uint64_t waiting, uint64_t factor)
{
    if (current > NUMBER_MAX)
        current = NUMBER_MAX;
    if (waiting > NUMBER_MAX)
        waiting = NUMBER_MAX;
    uint64_t wanted = look_round_up(current + waiting + (current + waiting + 3) / 4);
    uint64_t most = current * factor > SMALL_LIMIT ? current * factor : SMALL_LIMIT;
    return wanted < most ? wanted : most;
}
