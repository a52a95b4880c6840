#include "agent/observe/collect.h"
#include "remediations/host/haproxy_process.h"

/* What the next start would need: `haproxy -c` does not look at that. */
static void work_out_budget(struct collection *collection, const struct haproxy *haproxy,
                            const struct cfg *cfg)
{
    uint64_t maxconn = haproxy->argument_maxconn;
    struct fd_budget budget = {0};
    struct err err = {0};

    if (maxconn == 0 && cfg->global.maxconn.set)
        maxconn = cfg->global.maxconn.value;
    if (maxconn != 0 && fd_budget_compute(collection->host, haproxy, cfg, maxconn, 0,
                                          collection->arena, &budget, &err) == 0)
        collection->facts->budget = budget;
}

int collect_config(struct collection *collection, struct err *err)
{
    struct facts *facts = collection->facts;
    struct haproxy *haproxy = arena_alloc(collection->arena, sizeof *haproxy);
    struct cfg *cfg = NULL;

    *haproxy = *collection->known->haproxy;
    if (haproxy->config.count == 0) {
        facts->cfg_error = "no configuration file is known";
        return err_set(err, ERR_UNSUPPORTED, "%s", facts->cfg_error);
    }
    if (cfg_load(collection->host, haproxy, collection->arena, &cfg, err) < 0) {
        facts->cfg_error = arena_string(collection->arena, err->text);
        return -1;
    }
    haproxy_choose_stats_socket(collection->host, cfg, haproxy);
    facts->haproxy = haproxy;
    facts->cfg = cfg;
    work_out_budget(collection, haproxy, cfg);
    return 0;
}
