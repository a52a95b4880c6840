/* remediations/systemd_limit: LimitNOFILE of HAProxy's unit, and the limit of the running master.
 * Target:  the unit ("haproxy.service"). Values: one number for the soft and the hard limit; what
 *          counts of the running master is in systemd_master.h.
 * No restart is needed: the drop-in is for later starts, prlimit(2) on the master for now, and a
 * reload gives the new worker the limit of its master.
 */
#include <inttypes.h>
#include <string.h>

#include "remediations/host/conf_files.h"
#include "remediations/host/sysctl.h"
#include "remediations/host/systemd.h"
#include "remediations/host/unit_files.h"
#include "remediations/systemd_master.h"

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

    if (host_read(host, path, HOST_CONF_MAX, arena, &exists, &bytes, err) < 0)
        return -1;
    change_touch(change, arena, path, exists, bytes);
    return 0;
}

static int read_sides(const struct scene *scene, const char *target, struct arena *arena,
                      struct change *change, struct unit *out_unit, struct err *err)
{
    if (check_unit(scene, target, arena, out_unit, err) < 0)
        return -1;
    change_begin(change, &systemd_limit, target, arena);
    if (out_unit->limit_file != NULL)
        change->before.persistent = limit_text(out_unit->limit_soft, out_unit->limit_hard, arena);
    change->file = out_unit->limit_file;
    return master_limit(scene, arena, &change->before.runtime, err);
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

/* fs.nr_open as it will be once this plan is applied; NULL: not known. */
static int read_ceiling(const struct scene *scene, struct arena *arena, const char **out_ceiling,
                        struct err *err)
{
    const char *ceiling = NULL;
    struct sysctl_boot boot;

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
    *out_ceiling = ceiling;
    return 0;
}

/* No limit may be above fs.nr_open: systemd would start HAProxy with less, prlimit would fail. */
static int check_ceiling(const struct scene *scene, uint64_t value, struct arena *arena,
                         struct err *err)
{
    const char *ceiling;
    uint64_t number;

    if (read_ceiling(scene, arena, &ceiling, err) < 0)
        return -1;
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

/* Do the files give the next start this very limit? HAProxy raises its soft limit to the hard one by
 * itself, so that "1024:200000" is as good as "200000"; and nothing is above fs.nr_open. */
static int gives_already(const struct scene *scene, const struct unit *unit, uint64_t value,
                         struct arena *arena, bool *out_gives, struct err *err)
{
    const char *ceiling;
    uint64_t number;

    *out_gives = unit->limit_file != NULL && unit->limit_hard == value;
    if (*out_gives || unit->limit_file == NULL || unit->limit_hard != UINT64_MAX)
        return 0;
    if (read_ceiling(scene, arena, &ceiling, err) < 0)
        return -1;
    *out_gives = ceiling != NULL && span_scan_u64(span_of(ceiling), &number) && number == value;
    return 0;
}

/* The file stays, and only what runs is brought there. */
static bool keeps_file(const struct change *change)
{
    return change->action != ACTION_DELETE && change->before.persistent != NULL &&
           change->after.persistent != NULL &&
           strcmp(change->before.persistent, change->after.persistent) == 0;
}

/* Was the file written after systemd read it? Then its next start of the unit would not know. */
static int is_loaded(const struct host *host, const char *name, const char *limit,
                     struct arena *arena, bool *out_loaded, struct err *err)
{
    struct systemd_unit loaded;

    *out_loaded = true;
    if (!systemd_runs(host))
        return 0;
    if (systemd_unit_state(host, name, arena, &loaded, err) < 0)
        return -1;
    *out_loaded = strcmp(limit_text(loaded.limit_soft, loaded.limit_hard, arena), limit) == 0;
    return 0;
}

static int plan_edit(const struct scene *scene, const struct unit *unit, const char *value,
                     bool keeps, struct arena *arena, struct change *change,
                     struct unit_edit *out_edit, struct err *err)
{
    const char *winner = NULL;
    bool loaded;

    if (!keeps) {
        if (unit_plan_limit(scene->host, change->target, value, arena, out_edit, err) < 0 ||
            touch_file(scene->host, out_edit->path, arena, change, err) < 0)
            return -1;
    } else {
        *out_edit = (struct unit_edit){.limit_soft = unit->limit_soft,
                                       .limit_hard = unit->limit_hard,
                                       .limit_file = unit->limit_file};
        if (is_loaded(scene->host, change->target, change->before.persistent, arena, &loaded, err) <
            0)
            return -1;
        if (!loaded)
            strings_add(&change->notes, arena,
                        "the file stays as it is; systemd has not read it yet, and will "
                        "(daemon-reload)");
    }
    if (unit->limit_file != NULL &&
        conf_real_file(scene->host, unit->limit_file, arena, &winner, err) < 0)
        return -1;
    if (winner != NULL && (out_edit->path == NULL || strcmp(winner, out_edit->path) != 0))
        return touch_file(scene->host, winner, arena, change, err);
    return 0;
}

static void tell_undo(struct change *change, const struct unit_edit *edit, struct arena *arena)
{
    const char *file = edit->existed && !edit->exists ? "make the drop-in again"
                       : !edit->existed               ? "delete the drop-in"
                                                      : "put the drop-in's line back as it was";

    if (keeps_file(change))
        change->undo = arena_printf(arena, "set the master's limit back to %s, reload",
                                    change->before.runtime);
    else if (!master_changes(change))
        change->undo = arena_printf(arena, "%s, daemon-reload", file);
    else
        change->undo =
            arena_printf(arena, "%s, daemon-reload, set the master's limit back to %s, reload",
                         file, change->before.runtime);
}

static int plan(const struct scene *scene, const struct wish *wish, struct arena *arena,
                struct change *out_change, struct err *err)
{
    bool removes = wish->value[0] == '\0', keeps = false;
    const char *kind, *target;
    struct unit_edit edit;
    struct change change;
    struct unit unit;
    uint64_t value = 0;

    if (!address_split(arena, wish->address, &kind, &target))
        return err_set(err, ERR_INPUT, "'%s' is no address", wish->address);
    if (read_sides(scene, target, arena, &change, &unit, err) < 0 ||
        (!removes &&
         (span_to_u64(span_of(wish->value), "LimitNOFILE", 64, LIMIT_MAX, &value, err) < 0 ||
          check_ceiling(scene, value, arena, err) < 0 ||
          gives_already(scene, &unit, value, arena, &keeps, err) < 0)) ||
        plan_edit(scene, &unit, wish->value, keeps, arena, &change, &edit, err) < 0)
        return -1;

    bool file_changes = edit.existed != edit.exists || !span_equal(edit.before, edit.after);
    change.diff = edit.diff;
    change.file = edit.limit_file;
    if (edit.limit_file != NULL)
        change.after.persistent = limit_text(edit.limit_soft, edit.limit_hard, arena);
    if (!removes) {
        master_plan(scene, value, arena, &change);
    } else {
        change.after.runtime = change.before.runtime;
        if (file_changes && change.before.runtime != NULL)
            strings_add(&change.notes, arena,
                        "the running HAProxy keeps its limit until its next start");
    }
    if (!file_changes && !master_changes(&change)) {
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

static int stage_dropin(struct stage *stage, const struct change *change,
                        const struct unit_edit *edit, struct err *err)
{
    struct arena *arena = stage_arena(stage);
    struct span text, new;
    bool exists;

    if (stage_file_text(stage, edit->path, &exists, &text, err) < 0)
        return -1;
    if (edit->existed == edit->exists && span_equal(edit->before, edit->after))
        return 0;
    if (unit_edit_limit_text(text, wanted(change), arena, &new, err) < 0 ||
        stage_file_set(stage, edit->path, new.len > 0, new, err) < 0)
        return -1;
    const char *old = unit_limit_of_text(edit->before, arena);
    stage_note(stage, change->address, "file", edit->path);
    if (old != NULL)
        stage_note(stage, change->address, "old", old);
    stage_want_daemon_reload(stage);
    return 0;
}

static int stage(struct stage *stage, const struct scene *scene, const struct change *change,
                 struct err *err)
{
    struct arena *arena = stage_arena(stage);
    struct unit_edit edit;
    struct unit unit;
    bool loaded;

    if (keeps_file(change)) {
        if (unit_read(scene->host, change->target, arena, &unit, err) < 0 ||
            is_loaded(scene->host, change->target, change->after.persistent, arena, &loaded, err) <
                0)
            return -1;
        if (!loaded)
            stage_want_daemon_reload(stage);
        stage_expect_limit(stage, unit.limit_hard);
        return master_note(stage, change, err);
    }
    if (unit_plan_limit(scene->host, change->target, wanted(change), arena, &edit, err) < 0 ||
        stage_dropin(stage, change, &edit, err) < 0)
        return -1;
    if (wanted(change) != NULL)
        stage_expect_limit(stage, edit.limit_hard);
    return master_note(stage, change, err);
}

static int commit(struct stage *stage, const struct change *change, struct err *err)
{
    const char *path = stage_recall(stage, change->address, "file");

    if ((path != NULL && stage_commit_file(stage, path, err) < 0) ||
        stage_daemon_reload(stage, err) < 0)
        return -1;
    return master_raise(stage, change, err);
}

static int prove_loaded(const struct host *host, const struct change *change, struct arena *arena,
                        struct err *err)
{
    struct systemd_unit loaded;

    if (!host->live || change->after.persistent == NULL)
        return 0;
    if (systemd_unit_state(host, change->target, arena, &loaded, err) < 0)
        return -1;
    const char *text = limit_text(loaded.limit_soft, loaded.limit_hard, arena);
    if (strcmp(text, change->after.persistent) != 0)
        return err_set(err, ERR_CHANGED, "systemd has LimitNOFILE=%s loaded for '%s', expected %s",
                       text, change->target, change->after.persistent);
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
    if (prove_loaded(host, change, arena, err) < 0 || master_prove(stage, change, err) < 0)
        return -1;
    proof.now =
        arena_printf(arena, "LimitNOFILE=%s by %s%s", now == NULL ? "(not set)" : now,
                     now == NULL ? "no file" : unit.limit_file,
                     master_changes(change) ? "; the running master's limit read back" : "");
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
    const char *now = unit_limit_of_text(text, arena);
    bool as_before = same(now, part->old);

    *out_text = text;
    *out_ours = as_before || same(now, part->ours);
    if (as_before || !*out_ours)
        return 0;
    return unit_edit_limit_text(text, part->old, arena, out_text, err);
}

static int undo(struct stage *stage, const struct change *change, struct arena *arena,
                struct undo_report *out_report, struct err *err)
{
    struct undo_report report = {.persistent = UNDONE_ALREADY};
    const char *path = stage_recall(stage, change->address, "file");
    struct part part = {.ours = wanted(change), .old = stage_recall(stage, change->address, "old")};
    struct err failure;

    (void)err;
    if (master_undo(stage, change, arena, &report, &failure) < 0) {
        report.runtime = UNDONE_LEFT;
        undo_report_left(&report, arena, failure.text);
    }
    if (path != NULL &&
        stage_undo_file(stage, path, take_back, &part, &report.persistent, &failure) < 0) {
        report.persistent = UNDONE_LEFT;
        undo_report_left(&report, arena, failure.text);
    } else if (report.persistent == UNDONE_LEFT) {
        undo_report_left(
            &report, arena,
            arena_printf(arena,
                         "'%s' does not set LimitNOFILE to %s any more: it was left as it is", path,
                         part.ours == NULL ? "(nothing)" : part.ours));
    }
    *out_report = report;
    return 0;
}

const struct remediation systemd_limit = {
    .kind = "systemd.limit",
    .summary = "LimitNOFILE of HAProxy's unit, and of its running master",
    .example = "systemd.limit:haproxy.service=200000",
    .runs_in_haproxy = true,
    .check = check,
    .read = read_now,
    .plan = plan,
    .stage = stage,
    .commit = commit,
    .prove = prove,
    .undo = undo,
};
