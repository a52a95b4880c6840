/* The staged configuration as a whole: would HAProxy take it, and could it start with it? */
#include "remediations/stage_internal.h"

#include <string.h>

#include "remediations/host/fd_budget.h"

enum { CHECK_DEADLINE_MS = 60000 };

static const struct stage_file *staged(const struct stage *stage, const char *path)
{
    for (size_t i = 0; i < stage->file_count; i++)
        if (stage->files[i]->changed && strcmp(stage->files[i]->path, path) == 0)
            return stage->files[i];
    return NULL;
}

/* The files of the configuration with staged bytes in place of those on disk. */
static struct cfg_file *with_staged(struct stage *stage, const struct cfg *cfg, bool *out_any)
{
    struct cfg_file *files = arena_alloc(stage->arena, (cfg->file_count + 1) * sizeof *files);

    *out_any = false;
    for (size_t i = 0; i < cfg->file_count; i++) {
        const struct stage_file *file = staged(stage, cfg->files[i].path);
        files[i] = cfg->files[i];
        if (file == NULL)
            continue;
        files[i].bytes = file->text;
        *out_any = true;
    }
    return files;
}

static const char *staged_path(struct stage *stage, const struct stage_file *file)
{
    const char *slash = strrchr(file->path, '/');

    return arena_printf(stage->arena, "%.*s/%s", (int)(slash - file->path), file->path,
                        file->stage_name);
}

static int run_check(struct stage *stage, const struct cfg *cfg, struct err *err)
{
    struct haproxy *haproxy = stage->settings.haproxy;
    const struct host *host = stage->settings.host;
    struct staged_file *pairs = NULL;
    size_t count = 0;

    for (size_t i = 0; i < cfg->file_count; i++) {
        const struct stage_file *file = staged(stage, cfg->files[i].path);
        if (file != NULL)
            ARENA_PUSH(stage->arena, pairs, count) =
                (struct staged_file){file->path, staged_path(stage, file)};
    }
    /* An -f argument may name a file by a link. */
    for (size_t i = 0; i < haproxy->config.count; i++) {
        const char *real;
        if (host_real_path(host, haproxy->config.at[i], stage->arena, &real, err) < 0)
            return -1;
        const struct stage_file *file = real == NULL ? NULL : staged(stage, real);
        if (file != NULL && strcmp(real, haproxy->config.at[i]) != 0)
            ARENA_PUSH(stage->arena, pairs, count) =
                (struct staged_file){haproxy->config.at[i], staged_path(stage, file)};
    }

    struct haproxy_verdict verdict;
    if (haproxy_check(host, haproxy, pairs, count, CHECK_DEADLINE_MS, stage->arena, &verdict, err) <
        0)
        return err_wrap(err, "cannot check the staged configuration");
    if (verdict.exit_code != 0)
        return err_set(err, ERR_INPUT,
                       "haproxy -c refuses the staged configuration (exit %d): %.*s",
                       verdict.exit_code, (int)verdict.output.len,
                       verdict.output.ptr == NULL ? "" : verdict.output.ptr);
    return 0;
}

/* `haproxy -c` says "valid" to a maxconn that cannot start for want of descriptors. */
static int check_budget(struct stage *stage, const struct cfg *cfg, struct err *err)
{
    const struct haproxy *haproxy = stage->settings.haproxy;
    uint64_t maxconn = haproxy->argument_maxconn != 0 ? haproxy->argument_maxconn
                       : cfg->global.maxconn.set      ? cfg->global.maxconn.value
                                                      : 0;
    struct fd_budget budget;

    if (maxconn == 0)
        return 0; /* HAProxy works it out from its limit: it fits by itself */
    if (fd_budget_compute(stage->settings.host, haproxy, cfg, maxconn, stage->expected_limit,
                          stage->arena, &budget, err) < 0)
        return -1;
    if (budget.limit != 0 && budget.need > budget.limit && budget.is_strict)
        return err_set(
            err, ERR_INPUT,
            "global maxconn %ju needs %ju file descriptors (%s), the next start gets %ju "
            "(%s): HAProxy would not start",
            (uintmax_t)maxconn, (uintmax_t)budget.need, budget.formula, (uintmax_t)budget.limit,
            budget.limit_from);
    return 0;
}

int stage_check_config(struct stage *stage, struct err *err)
{
    struct haproxy *haproxy = stage->settings.haproxy;
    struct cfg *before, *after;
    bool any;
    size_t changed = 0;

    for (size_t i = 0; i < stage->file_count; i++)
        changed += stage->files[i]->changed ? 1 : 0;
    if ((changed == 0 && stage->expected_limit == 0) || haproxy->config.count == 0)
        return 0;
    /* A configuration that cannot be read is none of a sysctl's business; a change in it was
     * refused before. */
    struct err unreadable;
    if (cfg_load(stage->settings.host, haproxy, stage->arena, &before, &unreadable) < 0)
        return 0;
    struct cfg_file *files = with_staged(stage, before, &any);
    if (!any && stage->expected_limit == 0)
        return 0;
    if (cfg_parse(files, before->file_count, &haproxy->environment, stage->arena, &after, err) < 0)
        return err_wrap(err, "the staged configuration is malformed");
    if (check_budget(stage, after, err) < 0)
        return -1;
    if (any && stage->settings.host->live && haproxy->program != NULL)
        return run_check(stage, before, err);
    return 0;
}
