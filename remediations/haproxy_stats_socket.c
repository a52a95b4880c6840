/* remediations/haproxy_stats_socket: a stats socket of level admin, so that the Runtime API can be
 * asked. Shapes:  target is "global"; the value is an absolute path, or "" to remove a line that is
 * ours, word by word.
 */
#include "remediations/remediation.h"

#include <fcntl.h>
#include <string.h>

#include "remediations/haproxy_config.h"
#include "remediations/host/haproxy_api.h"

extern const struct remediation haproxy_stats_socket;

/* HAProxy binds "PATH.PID.tmp" first, which must fit into sockaddr_un too. */
enum { SOCKET_PATH_MAX = 97, ANSWER_MAX = 1024 * 1024 };

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int socket_check(const char *target, const char *value, struct arena *arena,
                        const char **out_value, struct err *err)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+";
    size_t len = strlen(value);

    if (strcmp(target, "global") != 0)
        return err_set(err, ERR_INPUT, "bad target '%s', expected global", target);
    if (len > 0 &&
        (value[0] != '/' || value[len - 1] == '/' || value[strspn(value, allowed)] != '\0' ||
         strstr(value, "/../") != NULL || strstr(value, "//") != NULL))
        return err_set(err, ERR_INPUT,
                       "bad path '%s', expected an absolute one of letters, digits and /._-+",
                       value);
    if (len > SOCKET_PATH_MAX)
        return err_set(err, ERR_INPUT,
                       "path '%s' of %zu bytes, expected at most %d for a socket of "
                       "HAProxy's",
                       value, len, (int)SOCKET_PATH_MAX);
    *out_value = arena_string(arena, value);
    return 0;
}

/* ---- reading ---- */

static bool is_ours(const struct cfg_stats_socket *socket)
{
    return socket->path != NULL && same(socket->level, "admin") && same(socket->mode, "600") &&
           !socket->line_place.conditional;
}

/* The last one that looks like ours, else the first that has a path; NULL: none. */
static const struct cfg_stats_socket *present_socket(const struct cfg *cfg)
{
    const struct cfg_stats_socket *present = NULL, *ours = NULL;

    for (size_t i = 0; i < cfg->global.stats_socket_count; i++) {
        const struct cfg_stats_socket *socket = &cfg->global.stats_sockets[i];
        if (socket->path == NULL)
            continue;
        if (present == NULL)
            present = socket;
        if (is_ours(socket))
            ours = socket;
    }
    return ours != NULL ? ours : present;
}

static const struct cfg_stats_socket *socket_at(const struct cfg *cfg, const char *path)
{
    for (size_t i = 0; i < cfg->global.stats_socket_count; i++)
        if (same(cfg->global.stats_sockets[i].path, path))
            return &cfg->global.stats_sockets[i];
    return NULL;
}

static bool answers(const char *path)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span answer;
    struct err ignored;

    return haproxy_api_ask(path, "show info", HAPROXY_API_DEADLINE_MS, ANSWER_MAX, arena, &answer,
                           &ignored) == 0;
}

static bool runs(const struct scene *scene)
{
    return scene->host->live && scene->haproxy->running;
}

static int socket_read(const struct scene *scene, const char *target, struct arena *arena,
                       struct change *out_now, struct err *err)
{
    struct change now;

    if (config_require(scene, err) < 0)
        return -1;
    const struct cfg *cfg = scene->cfg;
    const struct cfg_stats_socket *present = present_socket(cfg);
    if (present == NULL && !cfg->global.present && cfg->file_count == 0)
        return err_set(err, ERR_INPUT, "there is no configuration file");
    change_begin(&now, &haproxy_stats_socket, target, arena);
    const struct cfg_file *file = cfg->global.present ? cfg->global.header.file : &cfg->files[0];
    if (present != NULL) {
        file = present->file;
        now.before.persistent = present->path;
        if (runs(scene) && answers(present->path))
            now.before.runtime = present->path;
    }
    now.file = file->path;
    change_touch(&now, arena, file->path, true, file->bytes);
    *out_now = now;
    return 0;
}

/* ---- planning ---- */

static int require_directory(const struct scene *scene, const char *path, struct arena *arena,
                             struct err *err)
{
    const char *slash = strrchr(path, '/');
    const char *dir = slash == path ? "/" : arena_copy(arena, path, (size_t)(slash - path));
    int fd CLEANUP_FD = -1;

    /* A tree has nothing under /run: that is made at boot. */
    if (!scene->host->live && span_starts_with(span_of(path), "/run/"))
        return 0;
    if (host_open_path(scene->host, dir, O_PATH | O_DIRECTORY, &fd, err) < 0)
        return err_wrap(err, "stats socket '%s'", path);
    return 0;
}

static int plan_addition(const struct scene *scene, const char *path, struct arena *arena,
                         struct change *change, struct err *err)
{
    const struct cfg_stats_socket *there = socket_at(scene->cfg, path);
    struct cfg_file file;

    change->after.persistent = path;
    change->after.runtime = runs(scene) ? path : NULL;
    if (there != NULL && !same(there->level, "admin"))
        return err_set(err, ERR_INPUT,
                       "%s:%zu: the stats socket '%s' is there with level %s: change it by hand",
                       there->file->path, there->line, path, there->level);
    if (there != NULL) {
        change->undo = "nothing to undo";
        if (change->after.runtime == NULL || answers(path)) {
            change->after = change->before;
            return 0;
        }
        change->action = ACTION_UPDATE;
        change->impact = IMPACT_RELOAD;
        strings_add(&change->notes, arena, "the file has it already: a reload makes it answer");
        return 0;
    }
    if (require_directory(scene, path, arena, err) < 0 ||
        cfg_set_stats_socket(scene->cfg, path, NULL, arena, &file, &change->diff, err) < 0)
        return -1;
    change->action = ACTION_CREATE;
    change->file = file.path;
    strings_addf(&change->exposure, arena,
                 "whoever may open '%s' controls HAProxy: root only (mode 600, level admin)", path);
    if (span_starts_with(span_of(path), "/run/"))
        strings_add(&change->notes, arena,
                    "its directory under /run must be made again at each boot: by "
                    "RuntimeDirectory= of the unit or by tmpfiles.d");
    change->undo = "takes the line out again";
    return 0;
}

static int plan_removal(const struct scene *scene, struct arena *arena, struct change *change,
                        struct err *err)
{
    const struct cfg_stats_socket *present = present_socket(scene->cfg);
    struct cfg_file file;

    change->undo = "nothing to undo";
    if (present == NULL || !is_ours(present)) {
        change->after = change->before;
        strings_add(&change->notes, arena,
                    "no stats socket in the configuration is ours (mode 600 level admin)");
        return 0;
    }
    if (cfg_set_stats_socket(scene->cfg, "", present->path, arena, &file, &change->diff, err) < 0)
        return -1;
    change->action = ACTION_DELETE;
    change->undo = "puts the line back";
    return 0;
}

static int socket_plan(const struct scene *scene, const struct wish *wish, struct arena *arena,
                       struct change *out_change, struct err *err)
{
    const char *kind, *target;
    struct change change;

    if (!address_split(arena, wish->address, &kind, &target))
        return err_set(err, ERR_BUG, "'%s' is no address", wish->address);
    if (socket_read(scene, target, arena, &change, err) < 0 ||
        (wish->value[0] == '\0' ? plan_removal(scene, arena, &change, err)
                                : plan_addition(scene, wish->value, arena, &change, err)) < 0)
        return -1;
    if (change.diff.count > 0) {
        struct cfg_file file = {change.file, {NULL, 0}};
        if (config_require_unmanaged(scene, &file, err) < 0)
            return -1;
        if (runs(scene))
            change.impact = IMPACT_RELOAD;
        else
            strings_add(&change.notes, arena, "takes effect when HAProxy starts");
    }
    *out_change = change;
    return 0;
}

/* ---- applying ---- */

static int edit(const struct cfg *cfg, const struct change *change, struct arena *arena,
                struct cfg_file *out_file, struct err *err)
{
    struct strings diff;
    bool removing = change->action == ACTION_DELETE;

    return cfg_set_stats_socket(cfg, removing ? "" : change->after.persistent,
                                removing ? change->before.persistent : NULL, arena, out_file, &diff,
                                err);
}

static int socket_stage(struct stage *stage, const struct scene *scene, const struct change *change,
                        struct err *err)
{
    struct cfg *cfg = NULL;
    struct cfg_file file;

    if (change->impact == IMPACT_RELOAD)
        stage_want_reload(stage);
    if (change->diff.count == 0)
        return 0;
    if (config_require(scene, err) < 0 ||
        config_staged(stage, scene, change->file, &cfg, err) < 0 ||
        edit(cfg, change, stage_arena(stage), &file, err) < 0)
        return -1;
    if (strcmp(file.path, change->file) != 0)
        return err_set(err, ERR_CHANGED, "%s: it belongs into '%s' now, '%s' when it was planned",
                       change->address, file.path, change->file);
    return stage_file_set(stage, file.path, true, file.bytes, err);
}

static int socket_commit(struct stage *stage, const struct change *change, struct err *err)
{
    return change->diff.count == 0 ? 0 : stage_commit_file(stage, change->file, err);
}

static int socket_prove(struct stage *stage, const struct change *change, struct arena *arena,
                        struct proof *out_proof, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    bool removing = change->action == ACTION_DELETE;
    const char *path = removing ? change->before.persistent : change->after.persistent;
    struct cfg *cfg = NULL;

    if (config_on_disk(stage, scratch, &cfg, err) < 0)
        return -1;
    if (path != NULL && (socket_at(cfg, path) != NULL) == removing)
        return err_set(err, ERR_SYS, "stats socket '%s' is %s the configuration", path,
                       removing ? "still in" : "not in");
    if (change->after.runtime != NULL && !answers(change->after.runtime))
        return err_set(err, ERR_SYS, "stats socket '%s' does not answer", change->after.runtime);
    *out_proof = (struct proof){
        .now = removing ? arena_printf(arena, "'%s' is out of the configuration", path)
               : change->after.runtime != NULL
                   ? arena_printf(arena, "'%s' is in the configuration and answers", path)
                   : arena_printf(arena, "'%s' is in the configuration",
                                  path == NULL ? "(none)" : path),
        .later = change->after.runtime == NULL && !removing ? "when HAProxy starts" : NULL,
    };
    return 0;
}

/* ---- taking back ---- */

struct taking_back {
    struct stage *stage;
    const struct change *change;
};

static int take_back(void *context, struct span text, struct arena *arena, bool *out_ours,
                     struct span *out_text, struct err *err)
{
    const struct taking_back *taking = context;
    const struct change *change = taking->change;
    bool removed = change->action == ACTION_DELETE;
    const char *path = removed ? change->before.persistent : change->after.persistent;
    struct cfg *cfg = NULL;
    struct cfg_file file;
    struct strings diff;
    struct err refused;

    *out_ours = false;
    if (config_alone(taking->stage, change->file, text, arena, &cfg, &refused) < 0)
        return 0;
    const struct cfg_stats_socket *there = socket_at(cfg, path);
    *out_text = text;
    *out_ours = removed == (there != NULL); /* as before */
    if (*out_ours || (there != NULL && !is_ours(there)))
        return 0;
    if (cfg_set_stats_socket(cfg, removed ? path : "", removed ? NULL : path, arena, &file, &diff,
                             err) < 0)
        return -1;
    *out_ours = true;
    *out_text = file.bytes;
    return 0;
}

static int socket_undo(struct stage *stage, const struct change *change, struct arena *arena,
                       struct undo_report *out_report, struct err *err)
{
    struct taking_back taking = {stage, change};
    struct undo_report report = {.persistent = UNDONE_ALREADY, .runtime = UNDONE_ALREADY};

    if (change->diff.count > 0 &&
        stage_undo_file(stage, change->file, take_back, &taking, &report.persistent, err) < 0)
        return -1;
    if (report.persistent == UNDONE_LEFT)
        report.left =
            arena_printf(arena, "the stats socket line in '%s' was changed since: edit it by hand",
                         change->file);
    /* The one reload at the end of the undo brings the running side back. */
    if (change->impact == IMPACT_RELOAD && report.persistent != UNDONE_ALREADY)
        report.runtime = report.persistent;
    *out_report = report;
    return 0;
}

const struct remediation haproxy_stats_socket = {
    .kind = "haproxy.stats_socket",
    .summary = "a stats socket for root, where the Runtime API is off",
    .example = "haproxy.stats_socket:global=/run/haproxy/admin.sock",
    .runs_in_haproxy = true,
    .check = socket_check,
    .read = socket_read,
    .plan = socket_plan,
    .stage = socket_stage,
    .commit = socket_commit,
    .prove = socket_prove,
    .undo = socket_undo,
};
