/* remediations/systemd_limit: LimitNOFILE of HAProxy's unit, and the limit of the running master.
 * Target:  the unit ("haproxy.service"). Values: one number for the soft and the hard limit.
 * No restart is needed: the drop-in is for later starts, prlimit(2) on the master for now, and a
 * reload gives the new worker the limit of its master. HAProxy before 2.6 sets the limit that it
 * had at its own start again when it reloads: there a restart is needed.
 */
#include <inttypes.h>
#include <string.h>

#include "remediations/host/conf_files.h"
#include "remediations/host/limits.h"
#include "remediations/host/sysctl.h"
#include "remediations/host/systemd.h"
#include "remediations/host/unit_files.h"
#include "remediations/remediation.h"

/* The highest that the kernel takes as fs.nr_open. */
#define LIMIT_MAX UINT64_C(2147483584)

extern const struct remediation systemd_limit;

static int check(const char *target, const char *value, struct arena *arena, const char **out_value,
                 struct err *err)
{
    uint64_t number;

    if (!span_ends_with(span_of(target), ".service") || strchr(target, '/') != NULL ||
        strlen(target) > 255)
        return err_set(err, ERR_INPUT, "'%s' is no name of a service, expected NAME.service",
                       target);
    *out_value = "";
    if (value[0] == '\0')
        return 0;
    if (span_to_u64(span_of(value), "LimitNOFILE", 64, LIMIT_MAX, &number, err) < 0)
        return -1;
    *out_value = arena_printf(arena, "%" PRIu64, number);
    return 0;
}

static const char *number_text(uint64_t number, struct arena *arena)
{
    return number == UINT64_MAX ? "infinity" : arena_printf(arena, "%" PRIu64, number);
}

/* "200000", "1024:524288", "infinity". */
static const char *limit_text(uint64_t soft, uint64_t hard, struct arena *arena)
{
    return soft == hard
               ? number_text(soft, arena)
               : arena_printf(arena, "%s:%s", number_text(soft, arena), number_text(hard, arena));
}

/* The process whose limit a new worker inherits; 0: none runs. */
static pid_t holder(const struct haproxy *haproxy)
{
    if (haproxy == NULL || !haproxy->running)
        return 0;
    return haproxy->master != 0 ? haproxy->master : haproxy->worker;
}

static int check_systemd(const struct host *host, struct err *err)
{
    if (!host->live || systemd_runs(host))
        return 0;
    return err_set(
        err, ERR_UNSUPPORTED,
        "no systemd on this host: the limit comes from what starts HAProxy (ulimit -n in "
        "its script, --ulimit nofile of a container, /etc/security/limits.conf)");
}

static int check_unit(const struct scene *scene, const char *target, struct arena *arena,
                      struct unit *out_unit, struct err *err)
{
    const char *holds = scene->haproxy == NULL ? NULL : scene->haproxy->unit;

    if (check_systemd(scene->host, err) < 0 ||
        unit_read(scene->host, target, arena, out_unit, err) < 0)
        return -1;
    if (holds != NULL && strcmp(holds, target) != 0 && strcmp(holds, out_unit->name) != 0)
        return err_set(err, ERR_INPUT, "'%s' is not HAProxy's unit, expected '%s'", target, holds);
    return 0;
}

static int touch_file(const struct host *host, const char *path, struct arena *arena,
                      struct change *change, struct err *err)
{
    struct span bytes;
    bool exists;

    if (host_read(host, path, HOST_FILE_MAX, arena, &exists, &bytes, err) < 0)
        return -1;
    change_touch(change, arena, path, exists, bytes);
    return 0;
}

static int read_sides(const struct scene *scene, const char *target, struct arena *arena,
                      struct change *change, struct unit *out_unit, struct err *err)
{
    uint64_t soft, hard;

    if (check_unit(scene, target, arena, out_unit, err) < 0)
        return -1;
    change_begin(change, &systemd_limit, target, arena);
    if (out_unit->limit_file != NULL)
        change->before.persistent = limit_text(out_unit->limit_soft, out_unit->limit_hard, arena);
    change->file = out_unit->limit_file;
    if (!scene->host->live || holder(scene->haproxy) == 0)
        return 0;
    if (limits_read(holder(scene->haproxy), &soft, &hard, err) < 0)
        return -1;
    change->before.runtime = limit_text(soft, hard, arena);
    return 0;
}

static int read_now(const struct scene *scene, const char *target, struct arena *arena,
                    struct change *out_now, struct err *err)
{
    struct strings files = {0};
    struct change now;
    struct unit unit;

    if (read_sides(scene, target, arena, &now, &unit, err) < 0 ||
        unit_limit_files(scene->host, target, arena, &files, err) < 0)
        return -1;
    for (size_t i = 0; i < files.count; i++) {
        if (touch_file(scene->host, files.at[i], arena, &now, err) < 0)
            return -1;
    }
    *out_now = now;
    return 0;
}

/* No limit may be above fs.nr_open: systemd would start HAProxy with less, prlimit would fail. */
static int check_ceiling(const struct scene *scene, uint64_t value, struct arena *arena,
                         struct err *err)
{
    const char *ceiling = NULL;
    struct sysctl_boot boot;
    uint64_t number;

    for (size_t i = 0; i < scene->wish_count; i++) {
        if (strcmp(scene->wishes[i].address, "sysctl.dropin:fs.nr_open") == 0 &&
            scene->wishes[i].value[0] != '\0')
            ceiling = scene->wishes[i].value;
    }
    if (ceiling == NULL && sysctl_read(scene->host, "fs.nr_open", arena, &ceiling, err) < 0)
        return -1;
    if (ceiling == NULL) {
        if (sysctl_at_boot(scene->host, "fs.nr_open", arena, &boot, err) < 0)
            return -1;
        ceiling = boot.value;
    }
    if (ceiling == NULL || !span_scan_u64(span_of(ceiling), &number) || value <= number)
        return 0;
    return err_set(err, ERR_INPUT,
                   "LimitNOFILE %" PRIu64
                   " is above fs.nr_open (%s): wish sysctl.dropin:fs.nr_open=%" PRIu64
                   " in the same plan",
                   value, ceiling, (value + 63) / 64 * 64);
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Why the running HAProxy gets the limit only by a restart; NULL: a reload does. */
static const char *restart_reason(const struct haproxy *haproxy, uint64_t value, uint64_t hard)
{
    if (haproxy->master == 0)
        return "HAProxy runs without a master: only a restart brings a new process";
    if (haproxy->major < 2 || (haproxy->major == 2 && haproxy->minor < 6))
        return "HAProxy before 2.6 sets the limit of its start again when it reloads: only a "
               "restart makes this effective";
    if (value > hard && !limits_may_raise())
        return "hamedic may not raise the limit of a running process (no CAP_SYS_RESOURCE): only a "
               "restart makes this effective";
    return NULL;
}

/* What becomes of the running process. */
static int plan_runtime(const struct scene *scene, uint64_t value, struct arena *arena,
                        struct change *change, struct err *err)
{
    const struct haproxy *haproxy = scene->haproxy;
    uint64_t soft, hard;

    change->after.runtime = change->before.runtime;
    if (!scene->host->live)
        return 0;
    if (holder(haproxy) == 0) {
        strings_add(&change->notes, arena, "HAProxy is not running: its next start has this limit");
        return 0;
    }
    if (limits_read(holder(haproxy), &soft, &hard, err) < 0)
        return -1;
    if (haproxy->can_raise_limit)
        strings_add(
            &change->notes, arena,
            "this HAProxy may raise its own limit (CAP_SYS_RESOURCE): a higher maxconn and a "
            "reload do it without LimitNOFILE");
    if (soft >= value && hard >= value) {
        if (soft > value || hard > value)
            strings_add(&change->notes, arena,
                        "the running HAProxy keeps its higher limit until its next start");
        return 0;
    }
    const char *reason = restart_reason(haproxy, value, hard);
    if (reason != NULL) {
        change->impact = IMPACT_RESTART;
        strings_add(&change->notes, arena, reason);
        return 0;
    }
    change->impact = IMPACT_RELOAD;
    /* A hard limit that is higher stays. */
    change->after.runtime = limit_text(value, hard > value ? hard : value, arena);
    strings_add(
        &change->notes, arena,
        "no restart: the limit of the running master is raised, and the reload's new worker "
        "inherits it");
    return 0;
}

static void tell_undo(struct change *change, const struct unit_edit *edit, struct arena *arena)
{
    const char *file = edit->existed && !edit->exists ? "make the drop-in again"
                       : !edit->existed               ? "delete the drop-in"
                                                      : "put the drop-in's line back as it was";

    if (same(change->before.runtime, change->after.runtime))
        change->undo = arena_printf(arena, "%s, daemon-reload", file);
    else
        change->undo =
            arena_printf(arena, "%s, daemon-reload, set the master's limit back to %s, reload",
                         file, change->before.runtime);
}

static int plan(const struct scene *scene, const struct wish *wish, struct arena *arena,
                struct change *out_change, struct err *err)
{
    bool removes = wish->value[0] == '\0';
    const char *kind, *target, *winner = NULL;
    struct unit_edit edit;
    struct change change;
    struct unit unit;
    uint64_t value = 0;

    if (!address_split(arena, wish->address, &kind, &target))
        return err_set(err, ERR_INPUT, "'%s' is no address", wish->address);
    if (read_sides(scene, target, arena, &change, &unit, err) < 0 ||
        (!removes &&
         (span_to_u64(span_of(wish->value), "LimitNOFILE", 64, LIMIT_MAX, &value, err) < 0 ||
          check_ceiling(scene, value, arena, err) < 0)) ||
        unit_plan_limit(scene->host, target, wish->value, arena, &edit, err) < 0 ||
        touch_file(scene->host, edit.path, arena, &change, err) < 0)
        return -1;
    if (unit.limit_file != NULL &&
        conf_real_file(scene->host, unit.limit_file, arena, &winner, err) < 0)
        return -1;
    if (winner != NULL && strcmp(winner, edit.path) != 0 &&
        touch_file(scene->host, winner, arena, &change, err) < 0)
        return -1;

    bool file_changes = edit.existed != edit.exists || !span_equal(edit.before, edit.after);
    change.diff = edit.diff;
    change.file = edit.limit_file;
    if (edit.limit_file != NULL)
        change.after.persistent = limit_text(edit.limit_soft, edit.limit_hard, arena);
    if (removes) {
        change.after.runtime = change.before.runtime;
        if (file_changes && change.before.runtime != NULL)
            strings_add(&change.notes, arena,
                        "the running HAProxy keeps its limit until its next start");
    } else if (plan_runtime(scene, value, arena, &change, err) < 0) {
        return -1;
    }
    if (!file_changes && same(change.before.runtime, change.after.runtime)) {
        /* What only a restart would bring is no change that this plan makes. */
        change.action = ACTION_NO_OP;
        change.impact = IMPACT_NONE;
    } else {
        change.action = removes                            ? ACTION_DELETE
                        : change.before.persistent == NULL ? ACTION_CREATE
                                                           : ACTION_UPDATE;
        tell_undo(&change, &edit, arena);
    }
    *out_change = change;
    return 0;
}

static const char *wanted(const struct change *change)
{
    return change->action == ACTION_DELETE ? NULL : change->after.persistent;
}

static bool changes_runtime(const struct change *change)
{
    return change->after.runtime != NULL && !same(change->before.runtime, change->after.runtime);
}

static void note_number(struct stage *stage, const char *address, const char *key, uint64_t number)
{
    stage_note(stage, address, key, arena_printf(stage_arena(stage), "%" PRIu64, number));
}

static int stage(struct stage *stage, const struct scene *scene, const struct change *change,
                 struct err *err)
{
    const struct haproxy *haproxy = stage_haproxy(stage);
    struct arena *arena = stage_arena(stage);
    const char *value = wanted(change), *old;
    struct unit_edit edit;
    struct span text, new;
    uint64_t soft, hard;
    bool exists;

    if (unit_plan_limit(scene->host, change->target, value, arena, &edit, err) < 0 ||
        stage_file_text(stage, edit.path, &exists, &text, err) < 0)
        return -1;
    if (edit.existed != edit.exists || !span_equal(edit.before, edit.after)) {
        if (unit_edit_limit_text(text, value, arena, &new, err) < 0 ||
            stage_file_set(stage, edit.path, new.len > 0, new, err) < 0)
            return -1;
        stage_note(stage, change->address, "file", edit.path);
        old = unit_limit_of_text(edit.before, arena);
        if (old != NULL)
            stage_note(stage, change->address, "old", old);
        stage_want_daemon_reload(stage);
    }
    if (value != NULL)
        stage_expect_limit(stage, edit.limit_hard);
    if (changes_runtime(change)) {
        if (limits_read(holder(haproxy), &soft, &hard, err) < 0)
            return -1;
        note_number(stage, change->address, "soft", soft);
        note_number(stage, change->address, "hard", hard);
        note_number(stage, change->address, "start", haproxy->master_start);
        stage_want_reload(stage);
    }
    return 0;
}

/* The limit that the plan wants for the running master. */
static bool scan_limit(const char *text, uint64_t *out_soft, uint64_t *out_hard)
{
    struct span rest = span_of(text), soft = span_cut(&rest, ':');

    if (rest.len == 0)
        rest = soft;
    *out_soft = *out_hard = UINT64_MAX;
    return (span_is(soft, "infinity") || span_scan_u64(soft, out_soft)) &&
           (span_is(rest, "infinity") || span_scan_u64(rest, out_hard));
}

static int commit(struct stage *stage, const struct change *change, struct err *err)
{
    const char *path = stage_recall(stage, change->address, "file");
    const struct haproxy *haproxy = stage_haproxy(stage);
    uint64_t soft, hard;

    if ((path != NULL && stage_commit_file(stage, path, err) < 0) ||
        stage_daemon_reload(stage, err) < 0)
        return -1;
    if (!changes_runtime(change))
        return 0;
    if (!haproxy_is_same_process(haproxy))
        return err_set(err, ERR_CHANGED, "HAProxy's master %d is not running any more",
                       (int)holder(haproxy));
    if (!scan_limit(change->after.runtime, &soft, &hard))
        return err_set(err, ERR_INPUT, "'%s' is no limit", change->after.runtime);
    return limits_set(holder(haproxy), soft, hard, err);
}

static int prove_loaded(const struct host *host, const struct change *change, struct arena *arena,
                        struct err *err)
{
    struct systemd_unit loaded;
    uint64_t soft, hard;

    if (!host->live || change->after.persistent == NULL)
        return 0;
    if (systemd_unit_state(host, change->target, arena, &loaded, err) < 0)
        return -1;
    if (!scan_limit(change->after.persistent, &soft, &hard))
        return err_set(err, ERR_INPUT, "'%s' is no limit", change->after.persistent);
    if (loaded.limit_soft != soft || loaded.limit_hard != hard)
        return err_set(err, ERR_CHANGED, "systemd has LimitNOFILE=%s loaded for '%s', expected %s",
                       limit_text(loaded.limit_soft, loaded.limit_hard, arena), change->target,
                       change->after.persistent);
    return 0;
}

static int prove_running(struct stage *stage, const struct change *change, struct err *err)
{
    uint64_t soft, hard, wanted_soft, wanted_hard;

    if (!changes_runtime(change))
        return 0;
    if (!scan_limit(change->after.runtime, &wanted_soft, &wanted_hard))
        return err_set(err, ERR_INPUT, "'%s' is no limit", change->after.runtime);
    if (limits_read(holder(stage_haproxy(stage)), &soft, &hard, err) < 0)
        return -1;
    /* HAProxy raises its own soft limit to what its maxconn needs: more than planned is as good. */
    if (soft < wanted_soft || hard < wanted_hard)
        return err_set(err, ERR_CHANGED,
                       "HAProxy's master has a limit of %" PRIu64 ":%" PRIu64 ", expected %s", soft,
                       hard, change->after.runtime);
    return 0;
}

static int prove(struct stage *stage, const struct change *change, struct arena *arena,
                 struct proof *out_proof, struct err *err)
{
    const struct host *host = stage_host(stage);
    struct proof proof = {0};
    struct unit unit;

    if (unit_read(host, change->target, arena, &unit, err) < 0)
        return -1;
    const char *now =
        unit.limit_file == NULL ? NULL : limit_text(unit.limit_soft, unit.limit_hard, arena);
    if (!same(now, change->after.persistent))
        return err_set(err, ERR_CHANGED, "LimitNOFILE of '%s' is %s (%s), expected %s",
                       change->target, now == NULL ? "not set" : now,
                       now == NULL ? "no file" : unit.limit_file,
                       change->after.persistent == NULL ? "none" : change->after.persistent);
    if (prove_loaded(host, change, arena, err) < 0 || prove_running(stage, change, err) < 0)
        return -1;
    proof.now =
        arena_printf(arena, "LimitNOFILE=%s by %s%s", now == NULL ? "(not set)" : now,
                     now == NULL ? "no file" : unit.limit_file,
                     changes_runtime(change) ? "; the running master's limit read back" : "");
    if (change->impact == IMPACT_RESTART)
        proof.later = arena_printf(arena, "effective after a restart of %s", change->target);
    *out_proof = proof;
    return 0;
}

/* What take_back needs to know. */
struct part {
    const char *ours; /* NULL: we took the line away */
    const char *old;  /* NULL: there was none */
};

static int take_back(void *context, struct span text, struct arena *arena, bool *out_ours,
                     struct span *out_text, struct err *err)
{
    const struct part *part = context;

    *out_ours = same(unit_limit_of_text(text, arena), part->ours);
    return *out_ours ? unit_edit_limit_text(text, part->old, arena, out_text, err) : 0;
}

static int undo_runtime(struct stage *stage, const struct change *change, struct arena *arena,
                        struct undo_report *report, struct err *err)
{
    const struct haproxy *haproxy = stage_haproxy(stage);
    const char *old_soft = stage_recall(stage, change->address, "soft");
    const char *old_hard = stage_recall(stage, change->address, "hard");
    const char *start = stage_recall(stage, change->address, "start");
    uint64_t soft, hard, ours_soft, ours_hard, back_soft, back_hard, started;

    report->runtime = UNDONE_ALREADY;
    /* Another process than the one we raised has its limit from systemd. */
    if (old_soft == NULL || old_hard == NULL || start == NULL || holder(haproxy) == 0 ||
        !span_scan_u64(span_of(start), &started) || started != haproxy->master_start ||
        !span_scan_u64(span_of(old_soft), &back_soft) ||
        !span_scan_u64(span_of(old_hard), &back_hard) ||
        !scan_limit(change->after.runtime, &ours_soft, &ours_hard))
        return 0;
    if (limits_read(holder(haproxy), &soft, &hard, err) < 0)
        return -1;
    if (soft == back_soft && hard == back_hard)
        return 0;
    if (hard != ours_hard) {
        report->runtime = UNDONE_LEFT;
        report->left = arena_printf(arena,
                                    "the limit of HAProxy's master is %s, neither %s as before nor "
                                    "%s as planned: it was left",
                                    limit_text(soft, hard, arena),
                                    limit_text(back_soft, back_hard, arena), change->after.runtime);
        return 0;
    }
    report->runtime = UNDONE_RESTORED;
    return limits_set(holder(haproxy), back_soft, back_hard, err);
}

static int undo(struct stage *stage, const struct change *change, struct arena *arena,
                struct undo_report *out_report, struct err *err)
{
    struct undo_report report = {.persistent = UNDONE_ALREADY};
    const char *path = stage_recall(stage, change->address, "file");
    struct part part = {.ours = wanted(change), .old = stage_recall(stage, change->address, "old")};

    if (undo_runtime(stage, change, arena, &report, err) < 0)
        return -1;
    if (path != NULL && stage_undo_file(stage, path, take_back, &part, &report.persistent, err) < 0)
        return -1;
    if (report.persistent == UNDONE_LEFT)
        report.left = arena_printf(
            arena, "%s%s'%s' does not set LimitNOFILE to %s any more: it was left as it is",
            report.left == NULL ? "" : report.left, report.left == NULL ? "" : "; ", path,
            part.ours == NULL ? "(nothing)" : part.ours);
    *out_report = report;
    return 0;
}

const struct remediation systemd_limit = {
    .kind = "systemd.limit",
    .summary = "LimitNOFILE of HAProxy's unit, and of its running master",
    .example = "systemd.limit:haproxy.service=200000",
    .check = check,
    .read = read_now,
    .plan = plan,
    .stage = stage,
    .commit = commit,
    .prove = prove,
    .undo = undo,
};
