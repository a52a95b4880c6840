/* remediations/selinux_boolean: one SELinux boolean, in the policy store and in the kernel.
 * Shapes:  target is the boolean's name; values are "on", "off", or "" for the policy's own value.
 */
#include "remediations/remediation.h"

#include <string.h>

#include "remediations/host/selinux.h"
#include "remediations/selinux_exposure.h"

extern const struct remediation selinux_boolean;

enum { NAME_LEN_MAX = 128 };

static const char *word(bool on)
{
    return on ? "on" : "off";
}

static int boolean_check(const char *target, const char *value, struct arena *arena,
                         const char **out_value, struct err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t len = strlen(target);

    (void)arena;
    if (len == 0 || len > NAME_LEN_MAX || strspn(target, letters) != len)
        return err_set(err, ERR_INPUT, "'%.160s' cannot be the name of an SELinux boolean", target);
    if (strcmp(value, "on") == 0 || strcmp(value, "1") == 0 || strcmp(value, "true") == 0)
        *out_value = "on";
    else if (strcmp(value, "off") == 0 || strcmp(value, "0") == 0 || strcmp(value, "false") == 0)
        *out_value = "off";
    else if (value[0] == '\0')
        *out_value = "";
    else
        return err_set(err, ERR_INPUT, "'%.160s' is no value for a boolean: on, off, or nothing",
                       value);
    return 0;
}

/* What the store says of it, as the text whose digest goes into the plan. */
static const char *describe(const struct semanage_boolean *boolean, struct arena *arena)
{
    return arena_printf(arena, "value %s, local %s\n", word(boolean->on),
                        boolean->is_local ? word(boolean->local_on) : "none");
}

static int look_up(struct semanage *store, const char *name, struct semanage_boolean *out_boolean,
                   struct err *err)
{
    if (semanage_get_boolean(store, name, out_boolean, err) < 0)
        return -1;
    if (!out_boolean->known)
        return err_set(err, ERR_INPUT, "the policy has no boolean '%s'", name);
    return 0;
}

static int look_up_afresh(const struct host *host, const char *name,
                          struct semanage_boolean *out_boolean, struct err *err)
{
    struct semanage *store = NULL;

    if (semanage_open(host, &store, err) < 0)
        return -1;
    int result = look_up(store, name, out_boolean, err);
    semanage_close(store);
    return result;
}

/* NULL where no kernel enforces, or where its policy does not know the boolean. */
static int look_at_running(const struct host *host, const char *name, const char **out_word,
                           struct err *err)
{
    bool known = false, on = false;

    *out_word = NULL;
    if (selinux_mode(host) == SELINUX_OFF)
        return 0;
    if (selinux_boolean_running(host, name, &known, &on, err) < 0)
        return -1;
    if (known)
        *out_word = word(on);
    return 0;
}

static int read_both(const struct scene *scene, const char *target, struct arena *arena,
                     struct semanage_boolean *out_boolean, struct change *out_now, struct err *err)
{
    if (look_up_afresh(scene->host, target, out_boolean, err) < 0)
        return -1;
    change_begin(out_now, &selinux_boolean, target, arena);
    out_now->before.persistent = word(out_boolean->on);
    if (look_at_running(scene->host, target, &out_now->before.runtime, err) < 0)
        return -1;
    change_touch(out_now, arena, arena_printf(arena, "selinux boolean %s", target), true,
                 span_of(describe(out_boolean, arena)));
    return 0;
}

static int boolean_read(const struct scene *scene, const char *target, struct arena *arena,
                        struct change *out_now, struct err *err)
{
    struct semanage_boolean boolean;

    return read_both(scene, target, arena, &boolean, out_now, err);
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The policy's own value is not told by libsemanage while a local one covers it: it is read when it
 * is back, and the plan says so. */
static void plan_removal(const struct semanage_boolean *now, struct arena *arena,
                         struct change *change)
{
    change->after = change->before;
    change->undo = "nothing to undo";
    if (!now->is_local)
        return;
    change->action = ACTION_DELETE;
    change->after = (struct sides){NULL, NULL};
    strings_addf(&change->diff, arena, "-%s=%d", change->target, now->local_on);
    strings_add(&change->notes, arena,
                "the local value is taken away: the policy's own value comes back");
    change->undo = arena_printf(arena, "sets the local value '%s' again", word(now->local_on));
}

static void plan_value(const struct semanage_boolean *now, const char *value, struct arena *arena,
                       struct change *change)
{
    change->after.persistent = value;
    change->after.runtime = change->before.runtime == NULL ? NULL : value;
    change->undo = "nothing to undo";
    if (same(change->before.persistent, value) &&
        same(change->before.runtime, change->after.runtime))
        return;
    change->action = now->is_local ? ACTION_UPDATE : ACTION_CREATE;
    if (same(change->before.persistent, value)) {
        change->action = ACTION_UPDATE;
        strings_add(&change->notes, arena,
                    "the store has this value already: only the running "
                    "policy is brought to it");
    } else {
        if (now->is_local)
            strings_addf(&change->diff, arena, "-%s=%d", change->target, now->local_on);
        strings_addf(&change->diff, arena, "+%s=%d", change->target, strcmp(value, "on") == 0);
    }
    change->undo = now->is_local
                       ? arena_printf(arena, "sets the local value '%s' again", word(now->local_on))
                       : "takes the local value away: the policy's own value is back";
}

static int boolean_plan(const struct scene *scene, const struct wish *wish, struct arena *arena,
                        struct change *out_change, struct err *err)
{
    struct semanage_boolean now;
    const char *kind = NULL, *target = NULL;
    struct change change;

    if (!address_split(arena, wish->address, &kind, &target))
        return err_set(err, ERR_BUG, "'%s' is no address", wish->address);
    if (read_both(scene, target, arena, &now, &change, err) < 0)
        return -1;
    if (wish->value[0] == '\0')
        plan_removal(&now, arena, &change);
    else
        plan_value(&now, wish->value, arena, &change);
    if (change.action != ACTION_NO_OP && wish->value[0] != '\0')
        selinux_exposure_of_boolean(scene, strcmp(wish->value, "on") == 0, arena, &change);
    change.impact = IMPACT_NONE;
    if (scene->host->live && selinux_mode(scene->host) == SELINUX_OFF)
        strings_add(&change.notes, arena, "SELinux is off on this host: only the store changes");
    *out_change = change;
    return 0;
}

static bool changes_store(const struct change *change)
{
    return change->action == ACTION_DELETE ||
           (change->action != ACTION_NO_OP &&
            !same(change->before.persistent, change->after.persistent));
}

/* Under the store's lock nobody else writes: what is seen now is what will be displaced. */
static int require_unmoved(struct stage *stage, const struct change *change,
                           const struct semanage_boolean *now, struct err *err)
{
    const char *text = describe(now, stage_arena(stage));
    struct digest digest = digest_bytes(span_of(text));

    if (change->touched_count == 1 && strcmp(change->touched[0].digest, digest.hex) == 0)
        return 0;
    return err_set(err, ERR_CHANGED, "SELinux boolean '%s' is not as planned: now %.*s",
                   change->target, (int)strlen(text) - 1, text);
}

static int boolean_stage(struct stage *stage, const struct scene *scene,
                         const struct change *change, struct err *err)
{
    struct semanage *store = NULL;
    struct semanage_boolean now;

    if (!changes_store(change)) {
        stage_note(stage, change->address, "local", "untouched");
        return 0;
    }
    if (stage_store(stage, &store, err) < 0 || look_up(store, change->target, &now, err) < 0 ||
        require_unmoved(stage, change, &now, err) < 0)
        return -1;
    stage_note(stage, change->address, "local", now.is_local ? word(now.local_on) : "none");
    if (change->action == ACTION_DELETE)
        return semanage_unset_boolean(store, change->target, err);
    return semanage_set_boolean(store, change->target, same(change->after.persistent, "on"),
                                selinux_mode(scene->host) != SELINUX_OFF, err);
}

/* The running side wanted: of a removal it is known only once the policy's own value is back. */
static int wanted_running(const struct host *host, const struct change *change,
                          const char **out_wanted, struct err *err)
{
    struct semanage_boolean now;

    *out_wanted = change->after.runtime;
    if (change->action != ACTION_DELETE)
        return 0;
    if (look_up_afresh(host, change->target, &now, err) < 0)
        return -1;
    *out_wanted = word(now.on);
    return 0;
}

static int boolean_commit(struct stage *stage, const struct change *change, struct err *err)
{
    const struct host *host = stage_host(stage);
    const char *wanted = NULL, *running = NULL;

    if (look_at_running(host, change->target, &running, err) < 0)
        return -1;
    /* An earlier row's commit brought it to what is wanted already: all of them are one. */
    if (change->action != ACTION_NO_OP && change->before.runtime != NULL &&
        !same(running, change->after.runtime) &&
        stage_check_running(stage, change, running, err) < 0)
        return -1;
    if (stage_commit_store(stage, err) < 0)
        return -1;
    if (change->action == ACTION_NO_OP || change->before.runtime == NULL)
        return 0;
    if (wanted_running(host, change, &wanted, err) < 0)
        return -1;
    return wanted == NULL ? 0 : selinux_boolean_run(host, change->target, same(wanted, "on"), err);
}

static int boolean_prove(struct stage *stage, const struct change *change, struct arena *arena,
                         struct proof *out_proof, struct err *err)
{
    const struct host *host = stage_host(stage);
    struct semanage_boolean now;
    const char *running = NULL, *wanted = NULL;

    if (look_up_afresh(host, change->target, &now, err) < 0 ||
        look_at_running(host, change->target, &running, err) < 0 ||
        wanted_running(host, change, &wanted, err) < 0)
        return -1;
    if (change->action == ACTION_DELETE ? now.is_local
                                        : !same(word(now.on), change->after.persistent))
        return err_set(err, ERR_SYS, "the policy store has '%s' as %s, local %s", change->target,
                       word(now.on), now.is_local ? word(now.local_on) : "none");
    if (change->before.runtime != NULL && !same(running, wanted))
        return err_set(err, ERR_SYS, "the running policy has '%s' %s, not %s", change->target,
                       running == NULL ? "unknown" : running, wanted);
    *out_proof = (struct proof){
        .now = running == NULL
                   ? arena_printf(arena, "%s in the policy store, read back", word(now.on))
                   : arena_printf(arena, "%s in the policy store and running, read back",
                                  word(now.on)),
        .later = running == NULL ? "running: when a kernel loads this policy" : NULL,
    };
    return 0;
}

static int undo_store(struct stage *stage, const struct change *change, struct arena *arena,
                      struct undo_report *report, struct err *err)
{
    const char *local = stage_recall(stage, change->address, "local");
    struct semanage *store = NULL;
    struct semanage_boolean now;

    report->persistent = UNDONE_ALREADY;
    if (local == NULL || strcmp(local, "untouched") == 0 || stage_store_is_untouched(stage))
        return 0;
    /* stage_store first: it puts right what a crash in our own commit left. */
    if (stage_store(stage, &store, err) < 0 || look_up(store, change->target, &now, err) < 0)
        return -1;
    if (same(local, now.is_local ? word(now.local_on) : "none"))
        return 0;
    bool ours = change->action == ACTION_DELETE
                    ? !now.is_local
                    : now.is_local && same(word(now.local_on), change->after.persistent);
    if (!ours) {
        report->persistent = UNDONE_LEFT;
        report->left =
            arena_printf(arena,
                         "the local value of '%s' is %s, neither ours nor the one "
                         "before (%s): check it with semanage boolean -l -C",
                         change->target, now.is_local ? word(now.local_on) : "gone", local);
        return 0;
    }
    report->persistent = UNDONE_RESTORED;
    if (strcmp(local, "none") == 0)
        return semanage_unset_boolean(store, change->target, err);
    return semanage_set_boolean(store, change->target, strcmp(local, "on") == 0, false, err);
}

/* A reload of the policy keeps running values, so that this holds whenever the store commits. */
static int undo_running(const struct host *host, const struct change *change,
                        struct undo_report *report, struct err *err)
{
    const char *running = NULL;

    if (look_at_running(host, change->target, &running, err) < 0)
        return -1;
    if (change->before.runtime == NULL || running == NULL || same(running, change->before.runtime))
        return 0;
    report->runtime = UNDONE_RESTORED;
    return selinux_boolean_run(host, change->target, same(change->before.runtime, "on"), err);
}

static int boolean_undo(struct stage *stage, const struct change *change, struct arena *arena,
                        struct undo_report *out_report, struct err *err)
{
    const struct host *host = stage_host(stage);
    struct undo_report report = {.persistent = UNDONE_ALREADY, .runtime = UNDONE_ALREADY};

    struct err failure;

    (void)err;
    if (undo_store(stage, change, arena, &report, &failure) < 0 ||
        stage_commit_store(stage, &failure) < 0) {
        report.persistent = UNDONE_LEFT;
        undo_report_left(&report, arena, failure.text);
    } else if (report.persistent == UNDONE_LEFT) {
        report.runtime = UNDONE_LEFT;
        *out_report = report;
        return 0;
    }
    if (!stage_running_is_theirs(stage, change) &&
        undo_running(host, change, &report, &failure) < 0) {
        report.runtime = UNDONE_LEFT;
        undo_report_left(&report, arena, failure.text);
    }
    *out_report = report;
    return 0;
}

const struct remediation selinux_boolean = {
    .kind = "selinux.boolean",
    .summary = "an SELinux boolean, persistent and running",
    .example = "selinux.boolean:haproxy_connect_any=on",
    .check = boolean_check,
    .read = boolean_read,
    .plan = boolean_plan,
    .stage = boolean_stage,
    .commit = boolean_commit,
    .prove = boolean_prove,
    .undo = boolean_undo,
};
