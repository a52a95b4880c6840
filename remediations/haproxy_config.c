#include "remediations/haproxy_config.h"

#include <string.h>

int config_require(const struct scene *scene, struct err *err)
{
    if (scene->cfg != NULL)
        return 0;
    return err_set(err, ERR_UNSUPPORTED, "HAProxy's configuration cannot be read: %s",
                   scene->cfg_error == NULL ? "none was found" : scene->cfg_error);
}

int config_require_unmanaged(const struct scene *scene, const struct cfg_file *file,
                             struct err *err)
{
    if (scene->cfg->managed_by == NULL || scene->may_edit_managed_files)
        return 0;
    return err_set(err, ERR_DENIED,
                   "'%s' is managed by %s, which would undo an edit: make the change there (the "
                   "policy's managed_files would allow it here)",
                   file->path, scene->cfg->managed_by);
}

int config_staged(struct stage *stage, const struct scene *scene, const char *path,
                  struct cfg **out_cfg, struct err *err)
{
    struct arena *arena = stage_arena(stage);
    const struct cfg *cfg = scene->cfg;
    struct cfg_file *files = arena_alloc(arena, (cfg->file_count + 1) * sizeof *files);
    struct span text;
    bool exists;

    if (stage_file_text(stage, path, &exists, &text, err) < 0)
        return -1;
    if (!exists)
        return err_set(err, ERR_CHANGED, "'%s' is not there any more", path);
    for (size_t i = 0; i < cfg->file_count; i++) {
        files[i] = cfg->files[i];
        if (strcmp(files[i].path, path) == 0)
            files[i].bytes = text;
    }
    return cfg_parse(files, cfg->file_count, cfg->environment, arena, out_cfg, err);
}

int config_alone(struct stage *stage, const char *path, struct span text, struct arena *arena,
                 struct cfg **out_cfg, struct err *err)
{
    struct cfg_file file = {path, text};

    return cfg_parse(&file, 1, &stage_haproxy(stage)->environment, arena, out_cfg, err);
}

int config_on_disk(struct stage *stage, struct arena *arena, struct cfg **out_cfg, struct err *err)
{
    return cfg_load(stage_host(stage), stage_haproxy(stage), arena, out_cfg, err);
}

bool config_has_admin_socket(const struct cfg *cfg, const struct haproxy *haproxy)
{
    if (haproxy->stats_socket == NULL)
        return false;
    for (size_t i = 0; i < cfg->global.stats_socket_count; i++) {
        const struct cfg_stats_socket *socket = &cfg->global.stats_sockets[i];
        if (socket->endpoint != NULL && strcmp(socket->endpoint, haproxy->stats_socket) == 0)
            return strcmp(socket->level, "admin") == 0;
    }
    return false;
}
