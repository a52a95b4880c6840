/* remediations/haproxy_maxconn: one maxconn, in haproxy.cfg and in the running HAProxy.
 * Shapes:  targets as host/haproxy_cfg says; values are decimal, or "" to remove our own word.
 */
#include "remediations/remediation.h"

#include <inttypes.h>
#include <string.h>

#include "remediations/haproxy_config.h"
#include "remediations/haproxy_running.h"
#include "remediations/host/fd_budget.h"

extern const struct remediation haproxy_maxconn;

enum {
    BUFFERS_PER_CONNECTION = 2,
    BUFFER_SIZE = 16384, /* tune.bufsize, where nobody set it */
    MIB = 1024 * 1024,
};

/* What is known of a target. */
struct look {
    struct cfg_target target;
    struct cfg_slot slot;
    struct running_maxconn running;
};

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static uint64_t number_of(const char *value)
{
    uint64_t number = 0;

    return value != NULL && span_scan_u64(span_of(value), &number) ? number : 0;
}

static int maxconn_check(const char *target, const char *value, struct arena *arena,
                         const char **out_value, struct err *err)
{
    struct cfg_target parsed;
    uint64_t number = 0;

    if (cfg_target_parse(target, arena, &parsed, err) < 0)
        return -1;
    if (value[0] == '\0') {
        *out_value = "";
        return 0;
    }
    if (span_to_u64(span_of(value), "maxconn", 1, INT32_MAX, &number, err) < 0)
        return -1;
    *out_value = arena_printf(arena, "%" PRIu64, number);
    return 0;
}

/* ---- reading ---- */

static int look_at(const struct scene *scene, const char *target, struct arena *arena,
                   struct look *out_look, struct err *err)
{
    struct look look = {0};

    if (config_require(scene, err) < 0 || cfg_target_parse(target, arena, &look.target, err) < 0 ||
        cfg_find_maxconn(scene->cfg, scene->haproxy, target, arena, &look.slot, err) < 0)
        return -1;
    running_read(scene->host, scene->haproxy, &look.target, arena, &look.running);
    *out_look = look;
    return 0;
}

static void begin(const char *target, const struct look *look, struct arena *arena,
                  struct change *change)
{
    change_begin(change, &haproxy_maxconn, target, arena);
    change->before = (struct sides){look->slot.value, look->running.value};
    change->file = look->slot.file->path;
    change_touch(change, arena, look->slot.file->path, true, look->slot.file->bytes);
}

static int maxconn_read(const struct scene *scene, const char *target, struct arena *arena,
                        struct change *out_now, struct err *err)
{
    struct look look;

    if (look_at(scene, target, arena, &look, err) < 0)
        return -1;
    begin(target, &look, arena, out_now);
    return 0;
}

/* ---- planning ---- */

/* The limit that the same plan gives the unit; 0: it does not touch it. */
static uint64_t planned_limit(const struct scene *scene)
{
    for (size_t i = 0; i < scene->wish_count; i++) {
        const struct wish *wish = &scene->wishes[i];
        uint64_t limit = 0;
        if (!span_starts_with(span_of(wish->address), "systemd.limit:"))
            continue;
        const char *colon = strrchr(wish->value, ':');
        const char *hard = colon == NULL ? wish->value : colon + 1;
        if (strcmp(hard, "infinity") == 0)
            return UINT64_MAX;
        if (span_scan_u64(span_of(hard), &limit))
            return limit;
    }
    return 0;
}

static int judge_budget(const struct scene *scene, uint64_t maxconn, struct arena *arena,
                        struct change *change, struct err *err)
{
    struct fd_budget budget;

    if (fd_budget_compute(scene->host, scene->haproxy, scene->cfg, maxconn, planned_limit(scene),
                          arena, &budget, err) < 0)
        return -1;
    if (budget.limit != 0 && budget.need > budget.limit)
        return err_set(
            err, ERR_INPUT,
            "maxconn %" PRIu64 " needs %" PRIu64 " file descriptors (%s), HAProxy gets %" PRIu64
            " (%s): at most maxconn %" PRIu64 " fits, or raise systemd.limit in the same plan",
            maxconn, budget.need, budget.formula, budget.limit, budget.limit_from,
            budget.maxconn_that_fits);
    strings_addf(&change->notes, arena, "file descriptors: %s", budget.formula);
    if (budget.limit == 0)
        strings_addf(&change->notes, arena, "limit of file descriptors: %s", budget.limit_from);
    else
        strings_addf(&change->notes, arena, "limit of file descriptors: %" PRIu64 ", %s",
                     budget.limit, budget.limit_from);
    return 0;
}

static void tell_exposure(uint64_t before, uint64_t after, const struct look *look,
                          struct arena *arena, struct change *change)
{
    bool was_unlimited = change->before.persistent == NULL && change->before.runtime == NULL;
    uint64_t more = after - before;

    if (after <= before || was_unlimited)
        return;
    if (look->target.kind == TARGET_GLOBAL)
        strings_addf(&change->exposure, arena,
                     "up to %" PRIu64 " MiB more memory: %" PRIu64
                     " connections x %d buffers x %d bytes "
                     "(HAProxy's tune.bufsize, where it is not set)",
                     (more * BUFFERS_PER_CONNECTION * BUFFER_SIZE + MIB - 1) / MIB, more,
                     (int)BUFFERS_PER_CONNECTION, (int)BUFFER_SIZE);
    else if (look->target.kind == TARGET_SERVER)
        strings_addf(&change->exposure, arena,
                     "up to %" PRIu64 " requests at a time for server %s/%s", after,
                     look->target.proxy, look->target.server);
    else if (look->target.kind == TARGET_DEFAULT_SERVER)
        strings_addf(&change->exposure, arena,
                     "up to %" PRIu64
                     " requests at a time for each server of '%s' without its own maxconn",
                     after, look->target.proxy);
}

static void tell_numbers(const struct scene *scene, const struct look *look, uint64_t value,
                         struct arena *arena, struct change *change)
{
    const struct cfg_number *global = &scene->cfg->global.maxconn;

    if (look->slot.inherited_from != NULL)
        strings_addf(&change->notes, arena, "until now it was inherited from %s",
                     look->slot.inherited_from);
    if (look->target.kind == TARGET_PROXY && global->set && global->value < value)
        strings_addf(&change->notes, arena,
                     "global maxconn %" PRIu64 " (%s:%zu) is lower and limits it", global->value,
                     global->place.file->path, global->place.line);
    if (!look->running.asked)
        strings_addf(&change->notes, arena, "running value not known: %s", look->running.reason);
}

/* Can the running HAProxy be brought to it over its API? */
static bool reachable(const struct scene *scene, const struct look *look, const char *value)
{
    if (value[0] == '\0' || !look->running.asked ||
        !config_has_admin_socket(scene->cfg, scene->haproxy))
        return false;
    return look->target.kind == TARGET_SERVER ||
           (look->target.kind == TARGET_GLOBAL && number_of(value) <= look->running.hard);
}

static void plan_running(const struct scene *scene, const struct look *look, const char *value,
                         struct arena *arena, struct change *change)
{
    if (change->action == ACTION_NO_OP && !look->running.asked)
        return;
    if (!scene->host->live || !scene->haproxy->running) {
        strings_add(&change->notes, arena, "takes effect when HAProxy starts");
        return;
    }
    change->after.runtime = look->running.asked && value[0] != '\0' ? value : NULL;
    if (change->after.runtime != NULL && same(change->before.runtime, value))
        return;
    change->impact = reachable(scene, look, value) ? IMPACT_NONE : IMPACT_RELOAD;
    if (change->impact == IMPACT_NONE)
        strings_add(&change->notes, arena,
                    "the running HAProxy gets it over its Runtime API, without a reload");
}

static const char *undo_sentence(const struct look *look, enum action action, struct arena *arena)
{
    switch (action) {
    case ACTION_CREATE:
        return "takes the maxconn out again";
    case ACTION_UPDATE:
        return arena_printf(arena, "sets maxconn back to %s",
                            look->slot.value == NULL ? "what it was" : look->slot.value);
    case ACTION_DELETE:
        return "puts the maxconn back";
    case ACTION_NO_OP:
        break;
    }
    return "nothing to undo";
}

static int plan_file(const struct scene *scene, const struct look *look, const char *value,
                     struct arena *arena, struct change *change, struct err *err)
{
    struct cfg_file file;

    change->after.persistent = value[0] == '\0' ? NULL : value;
    if (look->slot.token.len > 0 ? same(look->slot.value, value) : value[0] == '\0') {
        change->after.persistent = look->slot.value;
        return 0;
    }
    if (config_require_unmanaged(scene, look->slot.file, err) < 0 ||
        cfg_set_maxconn(scene->cfg, scene->haproxy, change->target, value, arena, &file,
                        &change->diff, err) < 0)
        return -1;
    change->action = value[0] == '\0'            ? ACTION_DELETE
                     : look->slot.token.len == 0 ? ACTION_CREATE
                                                 : ACTION_UPDATE;
    return 0;
}

static int maxconn_plan(const struct scene *scene, const struct wish *wish, struct arena *arena,
                        struct change *out_change, struct err *err)
{
    const char *kind, *target, *value = wish->value;
    struct change change;
    struct look look;

    if (!address_split(arena, wish->address, &kind, &target))
        return err_set(err, ERR_BUG, "'%s' is no address", wish->address);
    if (look_at(scene, target, arena, &look, err) < 0)
        return -1;
    begin(target, &look, arena, &change);
    if (look.slot.overridden_by != NULL)
        return err_set(err, ERR_INPUT, "%s wins over the file: change it there",
                       look.slot.overridden_by);
    if (plan_file(scene, &look, value, arena, &change, err) < 0)
        return -1;
    if (value[0] != '\0' || change.action == ACTION_DELETE)
        plan_running(scene, &look, value, arena, &change);
    else
        change.after.runtime = change.before.runtime;
    if (change.action == ACTION_NO_OP && value[0] != '\0' &&
        (change.impact != IMPACT_NONE || !same(change.before.runtime, change.after.runtime)))
        change.action = ACTION_UPDATE;
    if (look.target.kind == TARGET_GLOBAL && value[0] != '\0' && change.action != ACTION_NO_OP &&
        judge_budget(scene, number_of(value), arena, &change, err) < 0)
        return -1;
    if (change.action != ACTION_NO_OP) {
        tell_numbers(scene, &look, number_of(value), arena, &change);
        tell_exposure(number_of(change.before.persistent != NULL ? change.before.persistent
                                                                 : change.before.runtime),
                      number_of(value), &look, arena, &change);
    }
    change.undo = undo_sentence(&look, change.action, arena);
    *out_change = change;
    return 0;
}

/* ---- applying ---- */

/* Does the change write the file, or only bring the running side to what the file says already? */
static bool changes_file(const struct change *change)
{
    return change->diff.count > 0;
}

static int maxconn_stage(struct stage *stage, const struct scene *scene,
                         const struct change *change, struct err *err)
{
    struct arena *arena = stage_arena(stage);
    struct cfg *cfg = NULL;
    struct cfg_file file;
    struct strings diff;
    const char *value = change->action == ACTION_DELETE ? "" : change->after.persistent;

    if (change->action == ACTION_NO_OP)
        return 0;
    if (change->impact == IMPACT_RELOAD)
        stage_want_reload(stage);
    if (!changes_file(change))
        return 0;
    if (config_require(scene, err) < 0 ||
        config_staged(stage, scene, change->file, &cfg, err) < 0 ||
        cfg_set_maxconn(cfg, scene->haproxy, change->target, value, arena, &file, &diff, err) < 0)
        return -1;
    if (strcmp(file.path, change->file) != 0)
        return err_set(err, ERR_CHANGED, "%s: '%s' decides it now, '%s' when it was planned",
                       change->address, file.path, change->file);
    return stage_file_set(stage, file.path, true, file.bytes, err);
}

static int maxconn_commit(struct stage *stage, const struct change *change, struct err *err)
{
    struct arena *arena = stage_arena(stage);
    struct running_maxconn running;
    struct cfg_target target;

    if (change->action == ACTION_NO_OP)
        return 0;
    if (changes_file(change) && stage_commit_file(stage, change->file, err) < 0)
        return -1;
    if (change->impact != IMPACT_NONE || change->after.runtime == NULL ||
        same(change->before.runtime, change->after.runtime))
        return 0;
    if (cfg_target_parse(change->target, arena, &target, err) < 0)
        return -1;
    running_read(stage_host(stage), stage_haproxy(stage), &target, arena, &running);
    if (running.asked && stage_check_running(stage, change, running.value, err) < 0)
        return -1;
    return running_set(stage_haproxy(stage), &target, change->after.runtime, arena, err);
}

static int maxconn_prove(struct stage *stage, const struct change *change, struct arena *arena,
                         struct proof *out_proof, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    const struct haproxy *haproxy = stage_haproxy(stage);
    struct running_maxconn running;
    struct cfg_target target;
    struct cfg_slot slot;
    struct cfg *cfg = NULL;

    if (config_on_disk(stage, scratch, &cfg, err) < 0 ||
        cfg_find_maxconn(cfg, haproxy, change->target, scratch, &slot, err) < 0 ||
        cfg_target_parse(change->target, arena, &target, err) < 0)
        return -1;
    running_read(stage_host(stage), haproxy, &target, arena, &running);
    if (change->action == ACTION_DELETE
            ? slot.token.len > 0 && same(slot.value, change->before.persistent)
            : !same(slot.value, change->after.persistent))
        return err_set(err, ERR_SYS, "'%s' has maxconn %s, not %s", slot.file->path,
                       slot.value == NULL ? "none" : slot.value,
                       change->after.persistent == NULL ? "none" : change->after.persistent);
    if (change->after.runtime != NULL && !same(running.value, change->after.runtime))
        return err_set(err, ERR_SYS, "the running HAProxy has maxconn %s, not %s",
                       running.silent          ? running.reason
                       : running.value == NULL ? "none"
                                               : running.value,
                       change->after.runtime);
    const char *value = slot.value == NULL ? "none" : slot.value;
    *out_proof = (struct proof){
        .now = change->after.runtime != NULL
                   ? arena_printf(arena, "maxconn %s in %s and running, read back", value,
                                  slot.file->path)
                   : arena_printf(arena, "maxconn %s in %s, read back", value, slot.file->path),
        .later = stage_host(stage)->live && haproxy->running ? NULL : "when HAProxy starts",
    };
    return 0;
}

/* ---- taking back ---- */

struct taking_back {
    struct stage *stage;
    const struct change *change;
};

/* Somebody else edited the file since: only our token goes, and only while it has our value. */
static int take_back(void *context, struct span text, struct arena *arena, bool *out_ours,
                     struct span *out_text, struct err *err)
{
    const struct taking_back *taking = context;
    const struct change *change = taking->change;
    struct cfg *cfg = NULL;
    struct cfg_slot slot;
    struct cfg_file file;
    struct strings diff;
    struct err refused;
    const char *before = change->before.persistent == NULL ? "" : change->before.persistent;

    *out_ours = false;
    if (config_alone(taking->stage, change->file, text, arena, &cfg, &refused) < 0 ||
        cfg_find_maxconn(cfg, NULL, change->target, arena, &slot, &refused) < 0)
        return 0;
    const char *now = slot.token.len > 0 ? slot.value : NULL;
    const char *ours = change->action == ACTION_DELETE ? NULL : change->after.persistent;
    bool as_before = same(now, change->action == ACTION_CREATE ? NULL : change->before.persistent);
    *out_text = text;
    *out_ours = as_before;
    if (as_before || !same(now, ours))
        return 0;
    if (cfg_set_maxconn(cfg, NULL, change->target, change->action == ACTION_CREATE ? "" : before,
                        arena, &file, &diff, err) < 0)
        return -1;
    *out_ours = true;
    *out_text = file.bytes;
    return 0;
}

static int undo_running(struct stage *stage, const struct change *change, struct arena *arena,
                        struct undo_report *report, struct err *err)
{
    const struct haproxy *haproxy = stage_haproxy(stage);
    struct running_maxconn running;
    struct cfg_target target;

    report->runtime = UNDONE_ALREADY;
    if (change->after.runtime == NULL || same(change->before.runtime, change->after.runtime) ||
        stage_running_is_theirs(stage, change))
        return 0;
    if (stage_undo_reloads(stage)) {
        /* The one reload at the end of the undo brings it back. */
        report->runtime = report->persistent == UNDONE_ALREADY ? UNDONE_ALREADY : UNDONE_RESTORED;
        return 0;
    }
    if (cfg_target_parse(change->target, arena, &target, err) < 0)
        return -1;
    running_read(stage_host(stage), haproxy, &target, arena, &running);
    if (running.silent) {
        report->runtime = UNDONE_LEFT;
        undo_report_left(report, arena,
                         arena_printf(arena,
                                      "the running maxconn of %s may still be %s, HAProxy does "
                                      "not answer (%s): reload it",
                                      change->target, change->after.runtime, running.reason));
        return 0;
    }
    if (!running.asked || same(running.value, change->before.runtime))
        return 0;
    if (same(running.value, change->after.runtime) && target.kind != TARGET_PROXY) {
        report->runtime = UNDONE_RESTORED;
        return running_set(haproxy, &target, change->before.runtime, arena, err);
    }
    report->runtime = UNDONE_LEFT;
    if (same(running.value, change->after.runtime)) {
        undo_report_left(
            report, arena,
            arena_printf(arena,
                         "the running maxconn of %s stays %s until HAProxy is reloaded, which "
                         "would also activate edits that waited before the plan",
                         change->target, running.value));
        return 0;
    }
    undo_report_left(
        report, arena,
        arena_printf(arena,
                     "the running maxconn of %s is %s, neither ours (%s) nor the one before (%s): "
                     "set it with the Runtime API, or reload HAProxy",
                     change->target, running.value == NULL ? "none" : running.value,
                     change->after.runtime,
                     change->before.runtime == NULL ? "none" : change->before.runtime));
    return 0;
}

static int maxconn_undo(struct stage *stage, const struct change *change, struct arena *arena,
                        struct undo_report *out_report, struct err *err)
{
    struct taking_back taking = {stage, change};
    struct undo_report report = {.persistent = UNDONE_ALREADY, .runtime = UNDONE_ALREADY};
    struct err failure;

    (void)err;
    if (changes_file(change) && stage_undo_file(stage, change->file, take_back, &taking,
                                                &report.persistent, &failure) < 0) {
        report.persistent = UNDONE_LEFT;
        undo_report_left(&report, arena, failure.text);
    } else if (report.persistent == UNDONE_LEFT) {
        undo_report_left(
            &report, arena,
            arena_printf(arena,
                         "maxconn of %s in '%s' is neither ours (%s) nor the one before (%s): edit "
                         "it by hand",
                         change->target, change->file,
                         change->after.persistent == NULL ? "none" : change->after.persistent,
                         change->before.persistent == NULL ? "none" : change->before.persistent));
    }
    if (undo_running(stage, change, arena, &report, &failure) < 0) {
        report.runtime = UNDONE_LEFT;
        undo_report_left(&report, arena, failure.text);
    }
    *out_report = report;
    return 0;
}

const struct remediation haproxy_maxconn = {
    .kind = "haproxy.maxconn",
    .summary = "a maxconn in haproxy.cfg and in the running HAProxy",
    .example = "haproxy.maxconn:server/be_api/app1=500",
    .runs_in_haproxy = true,
    .check = maxconn_check,
    .read = maxconn_read,
    .plan = maxconn_plan,
    .stage = maxconn_stage,
    .commit = maxconn_commit,
    .prove = maxconn_prove,
    .undo = maxconn_undo,
};
