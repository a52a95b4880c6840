#include "remediations/host/fd_budget.h"

#include <inttypes.h>
#include <sched.h>
#include <string.h>

#include "plans/base/text.h"
#include "remediations/host/unit_files.h"

enum {
    RESERVED = 10,        /* standard streams, logs, ... */
    API_CONNECTIONS = 10, /* what `stats maxconn` is by default; the master's API has as many */
    FDS_PER_THREAD = 3,   /* one poller, one wake-up pipe */
    FDS_PER_PEER = 3,
    THREADS_MAX = 64,
    KERNEL_NR_OPEN = 1048576, /* fs.nr_open where nobody changed it */
};

/* What is needed before the first connection. */
struct fixed {
    uint64_t listeners, api, master, master_api, peers, checks, threads;
    const char *threads_from;
};

/* ---- need ---- */

static uint64_t count_threads(const struct host *host, const struct haproxy *haproxy,
                              const struct cfg *cfg, struct arena *arena, const char **out_from)
{
    struct strings tasks = {0};
    struct err ignored;
    cpu_set_t cpus;

    *out_from = "";
    if (cfg->global.nbthread.set && cfg->global.nbthread.value > 0)
        return cfg->global.nbthread.value;
    if (host->live && haproxy->worker != 0) {
        const char *dir = arena_printf(arena, "/proc/%d/task", (int)haproxy->worker);
        if (host_list(host, dir, arena, &tasks, &ignored) == 0 && tasks.count > 0)
            return tasks.count;
    }
    if (host->live && sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        return (uint64_t)(CPU_COUNT(&cpus) < THREADS_MAX ? CPU_COUNT(&cpus) : THREADS_MAX);
    *out_from = " at most";
    return THREADS_MAX;
}

static uint64_t count_bind(const struct cfg_bind *bind, uint64_t threads)
{
    uint64_t ports = bind->port_high - bind->port_low + 1;
    uint64_t shards = bind->shards == 0 ? 1 : bind->shards;

    return ports * (shards < threads ? shards : threads);
}

static uint64_t count_proxy_listeners(const struct cfg *cfg, uint64_t threads)
{
    uint64_t count = 0;

    for (size_t i = 0; i < cfg->proxy_count; i++)
        for (size_t j = 0; j < cfg->proxies[i]->bind_count; j++)
            count += count_bind(&cfg->proxies[i]->binds[j], threads);
    return count;
}

static uint64_t count_checks(const struct cfg *cfg)
{
    uint64_t count = cfg->default_ports;

    for (size_t i = 0; i < cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = cfg->proxies[i];
        for (size_t j = 0; j < proxy->server_count; j++) {
            const struct cfg_server *server = &proxy->servers[j];
            uint64_t servers = server->template_high == 0
                                   ? 1
                                   : (uint64_t)server->template_high - server->template_low + 1;
            count += server->check_ports;
            if (!proxy->disabled)
                count += servers * ((server->check ? 1u : 0u) + (server->agent_check ? 1u : 0u));
        }
    }
    return count;
}

/* 0: not known */
static unsigned version_of(const struct haproxy *haproxy)
{
    return haproxy->major * 100 + haproxy->minor;
}

static bool is_strict(const struct haproxy *haproxy, const struct cfg *cfg)
{
    unsigned version = version_of(haproxy);

    if (cfg->global.strict_limits != CFG_STRICT_UNSAID)
        return cfg->global.strict_limits == CFG_STRICT_ON;
    return version == 0 || version >= 203;
}

/* With -S. From 2.7 on a second listener answers the one who reloads; from 3.1 on all that is the
 * master's own. Where the version is not known, never too few. */
static uint64_t count_master_api(const struct haproxy *haproxy)
{
    unsigned version = version_of(haproxy);

    if (!haproxy->has_master_api || version >= 301)
        return 0;
    return (version == 0 || version >= 207 ? 2 : 1) * (uint64_t)(1 + API_CONNECTIONS);
}

static struct fixed count_fixed(const struct host *host, const struct haproxy *haproxy,
                                const struct cfg *cfg, struct arena *arena)
{
    struct fixed fixed = {0};
    /* Where it does not run, the units of all distributions start it with -W. */
    bool master = haproxy->master != 0 || cfg->global.master_worker ||
                  (!haproxy->running && haproxy->unit != NULL);
    const struct cfg_number *api = &cfg->global.stats_maxconn;

    fixed.threads = count_threads(host, haproxy, cfg, arena, &fixed.threads_from);
    fixed.listeners = count_proxy_listeners(cfg, fixed.threads) + cfg->global.stats_socket_count +
                      cfg->extra_binds;
    if (cfg->global.stats_socket_count > 0 || api->set || master)
        fixed.api = api->set && api->value > 0 ? api->value : (uint64_t)API_CONNECTIONS;
    fixed.master = master ? 1 : 0;
    fixed.master_api = count_master_api(haproxy);
    fixed.peers = FDS_PER_PEER * cfg->peer_count;
    fixed.checks = count_checks(cfg);
    return fixed;
}

/* Pipes for splicing: a quarter of the connections that may use it. */
static uint64_t count_pipes(const struct cfg *cfg, uint64_t maxconn)
{
    uint64_t fronts = 0, backs = 0;

    if (cfg->global.maxpipes.set && cfg->global.maxpipes.value > 0)
        return cfg->global.maxpipes.value;
    for (size_t i = 0; i < cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = cfg->proxies[i];
        bool listens = proxy->kind == CFG_FRONTEND || proxy->kind == CFG_LISTEN;
        bool serves = proxy->kind == CFG_BACKEND || proxy->kind == CFG_LISTEN;
        struct cfg_number own = cfg_effective_maxconn(proxy);
        if (!proxy->splice)
            continue;
        if (listens)
            fronts += own.set ? own.value : maxconn;
        if (serves)
            backs +=
                proxy->fullconn.set && proxy->fullconn.value > 0 ? proxy->fullconn.value : maxconn;
    }
    uint64_t pipes = fronts > backs ? fronts : backs;
    if (pipes > maxconn)
        pipes = maxconn;
    return pipes >= 4 ? pipes / 4 : pipes;
}

static uint64_t need_for(const struct cfg *cfg, const struct fixed *fixed, uint64_t maxconn)
{
    return RESERVED + fixed->listeners + fixed->api + fixed->master + fixed->master_api +
           fixed->peers + fixed->checks + FDS_PER_THREAD * fixed->threads +
           2 * count_pipes(cfg, maxconn) + 2 * maxconn;
}

static uint64_t maxconn_within(const struct cfg *cfg, const struct fixed *fixed, uint64_t limit)
{
    uint64_t low = 0, high = limit / 2 + 1;

    if (need_for(cfg, fixed, 0) > limit)
        return 0;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (need_for(cfg, fixed, middle) <= limit)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void add_part(struct text *text, uint64_t count, const char *what)
{
    if (count > 0)
        text_addf(text, " + %" PRIu64 " %s", count, what);
}

static const char *formula_of(const struct cfg *cfg, const struct fixed *fixed, uint64_t maxconn,
                              struct arena *arena)
{
    struct text text = text_new(arena);
    uint64_t pipes = count_pipes(cfg, maxconn);

    text_addf(&text, "%d", (int)RESERVED);
    add_part(&text, fixed->listeners, "listeners");
    add_part(&text, fixed->api, "for the Runtime API");
    add_part(&text, fixed->master, "for the master");
    add_part(&text, fixed->master_api, "for the master's API");
    add_part(&text, fixed->peers, "for peers");
    add_part(&text, fixed->checks, "for checks");
    text_addf(&text, " + %d x %" PRIu64 " threads%s", (int)FDS_PER_THREAD, fixed->threads,
              fixed->threads_from);
    if (pipes > 0)
        text_addf(&text, " + 2 x %" PRIu64 " pipes", pipes);
    text_addf(&text, " + 2 x %" PRIu64 " connections = %" PRIu64, maxconn,
              need_for(cfg, fixed, maxconn));
    return text_string(&text);
}

/* ---- limit ---- */

/* The lower one wins, and is named. */
static void lower(struct fd_budget *budget, uint64_t limit, const char *from)
{
    if (budget->limit != 0 && budget->limit <= limit)
        return;
    budget->limit = limit;
    budget->limit_from = from;
}

static int limit_by_kernel(const struct host *host, const char *why, struct arena *arena,
                           struct fd_budget *budget, struct err *err)
{
    struct span text = {0};
    bool exists = false;
    uint64_t most = 0;

    if (host->live) {
        if (host_read(host, "/proc/sys/fs/nr_open", 64, arena, &exists, &text, err) < 0)
            return -1;
        if (exists && span_scan_u64(span_trim(text), &most) && most > 0) {
            lower(budget, most, arena_printf(arena, "fs.nr_open %" PRIu64 ": %s", most, why));
            return 0;
        }
    }
    lower(budget, KERNEL_NR_OPEN,
          arena_printf(arena, "fs.nr_open %d, the kernel's default: %s", (int)KERNEL_NR_OPEN, why));
    return 0;
}

/* What the unit's files give the next start. */
static int limit_by_unit(const struct host *host, const struct haproxy *haproxy,
                         struct arena *arena, struct fd_budget *budget, struct err *err)
{
    struct unit unit = {0};

    if (unit_read(host, haproxy->unit, arena, &unit, err) < 0)
        return -1;
    bool root = unit.user == NULL || strcmp(unit.user, "root") == 0 || strcmp(unit.user, "0") == 0;
    if (!unit.exists)
        return 0;
    if (root && !unit.bounds_sys_resource && !haproxy->running)
        return limit_by_kernel(host, "HAProxy starts as root and raises its own limit", arena,
                               budget, err);
    if (unit.limit_hard != 0)
        lower(budget, unit.limit_hard,
              arena_printf(arena, "LimitNOFILE=%s of %s (%s:%zu)",
                           unit.limit_text == NULL ? "" : unit.limit_text, haproxy->unit,
                           unit.limit_file == NULL ? "" : unit.limit_file, unit.limit_line));
    return 0;
}

static void limit_by_configuration(const struct cfg *cfg, struct arena *arena,
                                   struct fd_budget *budget)
{
    const struct {
        const char *keyword;
        const struct cfg_number *number;
    } limits[] = {{"ulimit-n", &cfg->global.ulimit_n},
                  {"fd-hard-limit", &cfg->global.fd_hard_limit}};

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct cfg_number *number = limits[i].number;
        if (number->set && number->value > 0)
            lower(budget, number->value,
                  arena_printf(arena, "%s %" PRIu64 " (%s:%zu)", limits[i].keyword, number->value,
                               number->place.file->path, number->place.line));
    }
}

static int find_limit(const struct host *host, const struct haproxy *haproxy, uint64_t limit,
                      struct arena *arena, struct fd_budget *budget, struct err *err)
{
    if (limit != 0) {
        lower(budget, limit, arena_printf(arena, "the planned limit of %" PRIu64, limit));
        return 0;
    }
    if (haproxy->running && haproxy->can_raise_limit)
        return limit_by_kernel(host, "HAProxy may raise its own limit (CAP_SYS_RESOURCE)", arena,
                               budget, err);
    if (haproxy->running && haproxy->limit_hard != 0)
        lower(budget, haproxy->limit_hard,
              arena_printf(arena, "hard limit %" PRIu64 " of the running %s, no CAP_SYS_RESOURCE",
                           haproxy->limit_hard, haproxy->master != 0 ? "master" : "process"));
    return haproxy->unit == NULL ? 0 : limit_by_unit(host, haproxy, arena, budget, err);
}

int fd_budget_compute(const struct host *host, const struct haproxy *haproxy, const struct cfg *cfg,
                      uint64_t maxconn, uint64_t limit, struct arena *arena,
                      struct fd_budget *out_budget, struct err *err)
{
    struct fd_budget budget = {.maxconn = maxconn};
    struct fixed fixed = count_fixed(host, haproxy, cfg, arena);

    if (maxconn > INT32_MAX)
        return err_set(err, ERR_INPUT, "maxconn %" PRIu64 ", expected at most %d", maxconn,
                       INT32_MAX);
    if (find_limit(host, haproxy, limit, arena, &budget, err) < 0)
        return err_wrap(err, "cannot find HAProxy's limit of descriptors");
    limit_by_configuration(cfg, arena, &budget);
    budget.is_strict = is_strict(haproxy, cfg);
    budget.need = need_for(cfg, &fixed, maxconn);
    budget.formula = formula_of(cfg, &fixed, maxconn, arena);
    if (budget.limit == 0)
        budget.limit_from = "not known: no file of this tree sets it";
    else
        budget.maxconn_that_fits = maxconn_within(cfg, &fixed, budget.limit);
    *out_budget = budget;
    return 0;
}
