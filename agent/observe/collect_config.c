#include <fcntl.h>
#include <sys/stat.h>

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

/* When the configuration was written last. */
static void find_newest(struct collection *collection, const struct cfg *cfg)
{
    struct facts *facts = collection->facts;
    struct err ignored;

    for (size_t i = 0; collection->host->live && i < cfg->file_count; i++) {
        int fd CLEANUP_FD = -1;
        struct stat stat;

        if (host_open_path(collection->host, cfg->files[i].path, O_PATH, &fd, &ignored) < 0 ||
            fstat(fd, &stat) < 0)
            continue;
        if ((int64_t)stat.st_mtim.tv_sec > facts->cfg_changed) {
            facts->cfg_changed = (int64_t)stat.st_mtim.tv_sec;
            facts->cfg_changed_file = cfg->files[i].path;
        }
    }
}

/* HAProxy itself may still have told where it can be asked. */
static void go_without(struct collection *collection, struct haproxy *haproxy, const char *why)
{
    haproxy_choose_told_socket(collection->host, collection->arena, haproxy);
    collection->facts->cfg_error = why;
    collection->facts->haproxy = haproxy;
}

void collect_config_without(struct collection *collection)
{
    const struct facts *known = collection->known;
    struct haproxy *haproxy = arena_alloc(collection->arena, sizeof *haproxy);

    *haproxy = *known->haproxy;
    go_without(collection, haproxy, known->sources[SOURCE_CONFIG].reason);
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
        go_without(collection, haproxy, arena_string(collection->arena, err->text));
        return -1;
    }
    haproxy_choose_stats_socket(collection->host, cfg, haproxy);
    facts->haproxy = haproxy;
    facts->cfg = cfg;
    find_newest(collection, cfg);
    work_out_budget(collection, haproxy, cfg);
    return 0;
}
