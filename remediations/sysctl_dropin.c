/* remediations/sysctl_dropin: a kernel setting, now and at the next boot.
 * Target:  a dotted name ("net.core.somaxconn"). Values: one line, runs of blanks as one blank;
 *          lists of ports as the kernel prints them.
 */
#include <inttypes.h>
#include <string.h>

#include "plans/base/escape.h"
#include "remediations/host/sysctl.h"
#include "remediations/sysctl_ports.h"

enum { VALUE_MAX_BYTES = 4000 };

extern const struct remediation sysctl_dropin;

/* Settings of one number whose bounds the kernel would tell only when it is too late. */
static const struct bounds {
    const char *key;
    uint64_t min, max;
} bounds[] = {
    {"fs.file-max", 1, INT64_MAX},
    {"fs.nr_open", 64, 2147483584},
    {"net.core.somaxconn", 1, INT32_MAX},
    {"net.ipv4.ip_nonlocal_bind", 0, 1},
    {"net.ipv4.tcp_fin_timeout", 1, INT32_MAX},
    {"net.ipv4.tcp_max_syn_backlog", 1, INT32_MAX},
    {"net.ipv4.tcp_syncookies", 0, 2},
    {"net.ipv4.tcp_tw_reuse", 0, 2},
    {"net.ipv6.ip_nonlocal_bind", 0, 1},
    {"net.netfilter.nf_conntrack_max", 1, INT32_MAX},
};

/* A socket that listens keeps the accept queue it was made with. tcp_max_syn_backlog is looked at
 * for each SYN (Linux 6.1, net/ipv4/tcp_input.c, tcp_conn_request). */
static bool needs_listen(const char *key)
{
    return strcmp(key, "net.core.somaxconn") == 0;
}

static const char *fold(struct span value, struct arena *arena)
{
    char *out = arena_alloc(arena, value.len + 1);
    size_t len = 0;

    value = span_trim(value);
    for (size_t i = 0; i < value.len; i++) {
        bool blank = value.ptr[i] == ' ' || value.ptr[i] == '\t';
        if (blank && out[len - 1] == ' ')
            continue;
        out[len++] = blank ? ' ' : value.ptr[i];
    }
    return out;
}

static int check_known(const char *target, const char **value, struct arena *arena, struct err *err)
{
    struct span text = span_of(*value);
    uint64_t number;
    uint32_t low, high;

    if (strcmp(target, SYSCTL_PORT_RANGE) == 0)
        return ports_parse_range(text, &low, &high, err);
    if (strcmp(target, SYSCTL_RESERVED_PORTS) == 0) {
        struct ports *ports = arena_alloc(arena, sizeof *ports);
        if (ports_parse(text, ports, err) < 0)
            return -1;
        *value = ports_text(ports, arena);
        return 0;
    }
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        if (strcmp(target, bounds[i].key) != 0)
            continue;
        if (span_to_u64(text, target, bounds[i].min, bounds[i].max, &number, err) < 0)
            return -1;
        *value = arena_printf(arena, "%" PRIu64, number);
    }
    return 0;
}

static int check(const char *target, const char *value, struct arena *arena, const char **out_value,
                 struct err *err)
{
    if (!sysctl_key_is_valid(target))
        return err_set(err, ERR_INPUT,
                       "'%s' is no name of a kernel setting, expected such as net.core.somaxconn",
                       target);
    if (strlen(value) > VALUE_MAX_BYTES)
        return err_set(err, ERR_INPUT, "value of '%s': expected at most %d bytes", target,
                       VALUE_MAX_BYTES);
    const char *folded = fold(span_of(value), arena);
    if (!escape_is_plain(span_of(folded)))
        return err_set(err, ERR_INPUT, "value of '%s': expected one line of printable characters",
                       target);
    if (folded[0] != '\0' && check_known(target, &folded, arena, err) < 0)
        return -1;
    *out_value = folded;
    return 0;
}

/* As check would write it; a value that is none stays as it is. */
static const char *canonical(const char *target, const char *value, struct arena *arena)
{
    struct err ignored;
    const char *same = value;

    if (value == NULL || check(target, value, arena, &same, &ignored) < 0)
        return value;
    return same;
}

/* Is HAProxy in another network than we? Then a net.* of ours is not its. */
static int check_network(const struct scene *scene, const char *target, struct err *err)
{
    if (!scene->host->live || strncmp(target, "net.", 4) != 0 || scene->haproxy == NULL ||
        !scene->haproxy->running || scene->haproxy->same_network)
        return 0;
    return err_set(
        err, ERR_UNSUPPORTED,
        "'%s': HAProxy runs in another network namespace than hamedic, which has its own; "
        "run hamedic there",
        target);
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

/* Both sides; *out_boot tells which file decides now. */
static int read_sides(const struct scene *scene, const char *target, struct arena *arena,
                      struct change *change, struct sysctl_boot *out_boot, struct err *err)
{
    const char *running;

    change_begin(change, &sysctl_dropin, target, arena);
    if (sysctl_at_boot(scene->host, target, arena, out_boot, err) < 0 ||
        sysctl_read(scene->host, target, arena, &running, err) < 0)
        return -1;
    change->before.persistent = canonical(target, out_boot->value, arena);
    change->before.runtime = canonical(target, running, arena);
    change->file = out_boot->file;
    if (running != NULL)
        change_touch(change, arena, arena_printf(arena, "sysctl %s", target), true,
                     span_of(change->before.runtime));
    return 0;
}

static int read_now(const struct scene *scene, const char *target, struct arena *arena,
                    struct change *out_now, struct err *err)
{
    struct strings files = {0};
    struct sysctl_boot boot;
    struct change now;

    if (check_network(scene, target, err) < 0 ||
        read_sides(scene, target, arena, &now, &boot, err) < 0 ||
        sysctl_edit_files(scene->host, target, arena, &files, err) < 0)
        return -1;
    for (size_t i = 0; i < files.count; i++) {
        if (touch_file(scene->host, files.at[i], arena, &now, err) < 0)
            return -1;
    }
    *out_now = now;
    return 0;
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void set_action(struct change *change, bool removes, bool file_changes)
{
    if (!file_changes && same(change->before.runtime, change->after.runtime))
        change->action = ACTION_NO_OP;
    else if (removes)
        change->action = ACTION_DELETE;
    else
        change->action = change->before.persistent == NULL ? ACTION_CREATE : ACTION_UPDATE;
}

static void tell_undo(struct change *change, const struct sysctl_edit *edit, bool file_changes,
                      struct arena *arena)
{
    const char *file = !file_changes                    ? "no file was changed"
                       : edit->existed && !edit->exists ? "make the file again"
                       : !edit->existed                 ? "delete the file"
                                                        : "put the line back as it was";

    if (change->after.runtime != NULL && !same(change->before.runtime, change->after.runtime))
        change->undo = arena_printf(arena, "%s, set the running value back to '%s'", file,
                                    change->before.runtime);
    else
        change->undo = file;
}

static void tell_effect(struct change *change, const char *target, bool removes,
                        struct arena *arena)
{
    if (needs_listen(target) && change->after.runtime != NULL)
        strings_add(
            &change->notes, arena,
            "a socket that listens keeps the queue it was made with, also over a reload: only "
            "a restart of HAProxy listens anew and makes this effective");
    if (removes && change->after.persistent == NULL && change->before.runtime != NULL)
        strings_add(
            &change->notes, arena,
            "no file sets it then: the running value stays until the next boot, which brings "
            "the kernel's own default");
    if (strstr(target, "nf_conntrack") != NULL)
        strings_add(&change->notes, arena,
                    "lost at boot where the module nf_conntrack is loaded only later: name it in "
                    "/etc/modules-load.d");
}

static int judge(const struct scene *scene, const char *target, const char *value,
                 struct arena *arena, struct change *change, struct err *err)
{
    if (strcmp(target, SYSCTL_PORT_RANGE) == 0 && value[0] != '\0')
        return ports_judge_range(scene, value, arena, change, err);
    if (strcmp(target, SYSCTL_RESERVED_PORTS) == 0)
        ports_compare_reserved(scene->host->live ? change->before.runtime
                                                 : change->before.persistent,
                               value, arena, change);
    return 0;
}

static int plan(const struct scene *scene, const struct wish *wish, struct arena *arena,
                struct change *out_change, struct err *err)
{
    bool removes = wish->value[0] == '\0';
    const char *kind, *target;
    struct sysctl_edit edit;
    struct sysctl_boot boot;
    struct change change;

    if (!address_split(arena, wish->address, &kind, &target))
        return err_set(err, ERR_INPUT, "'%s' is no address", wish->address);
    if (check_network(scene, target, err) < 0 ||
        read_sides(scene, target, arena, &change, &boot, err) < 0)
        return -1;
    if (scene->host->live && change.before.runtime == NULL && !removes)
        return err_set(err, ERR_UNSUPPORTED,
                       "this kernel has no setting '%s' (a module not loaded?)", target);
    if (sysctl_plan_edit(scene->host, target, removes ? NULL : wish->value, arena, &edit, err) <
            0 ||
        touch_file(scene->host, edit.path, arena, &change, err) < 0)
        return -1;
    if (boot.real_file != NULL && strcmp(boot.real_file, edit.path) != 0 &&
        touch_file(scene->host, boot.real_file, arena, &change, err) < 0)
        return -1;

    bool file_changes = edit.existed != edit.exists || !span_equal(edit.before, edit.after);
    change.file = edit.boot.file;
    change.diff = edit.diff;
    change.after.persistent = removes ? canonical(target, edit.boot.value, arena) : wish->value;
    if (scene->host->live)
        change.after.runtime = !removes || (file_changes && change.after.persistent != NULL)
                                   ? change.after.persistent
                                   : change.before.runtime;
    set_action(&change, removes, file_changes);
    change.impact = IMPACT_NONE;
    if (change.action != ACTION_NO_OP) {
        if (judge(scene, target, wish->value, arena, &change, err) < 0)
            return -1;
        tell_effect(&change, target, removes, arena);
        tell_undo(&change, &edit, file_changes, arena);
    }
    *out_change = change;
    return 0;
}

/* What `change` makes of the file: NULL takes the line away. */
static const char *wanted(const struct change *change)
{
    return change->action == ACTION_DELETE ? NULL : change->after.persistent;
}

static int stage(struct stage *stage, const struct scene *scene, const struct change *change,
                 struct err *err)
{
    struct arena *arena = stage_arena(stage);
    const char *value = wanted(change), *old;
    struct sysctl_edit edit;
    struct span text, new;
    bool exists;

    if (check_network(scene, change->target, err) < 0 ||
        sysctl_plan_edit(scene->host, change->target, value, arena, &edit, err) < 0)
        return -1;
    if (edit.existed == edit.exists && span_equal(edit.before, edit.after))
        return 0; /* only the running value differs */
    if (stage_file_text(stage, edit.path, &exists, &text, err) < 0 ||
        sysctl_edit_text(text, change->target, value, arena, &new, NULL, err) < 0 ||
        stage_file_set(stage, edit.path, new.len > 0 || value != NULL, new, err) < 0)
        return -1;
    old = sysctl_edit_value(edit.before, change->target, arena);
    stage_note(stage, change->address, "file", edit.path);
    if (old != NULL)
        stage_note(stage, change->address, "old", old);
    return 0;
}

static int commit(struct stage *stage, const struct change *change, struct err *err)
{
    const char *path = stage_recall(stage, change->address, "file");
    const char *running;

    if (path != NULL && stage_commit_file(stage, path, err) < 0)
        return -1;
    if (change->after.runtime == NULL || same(change->before.runtime, change->after.runtime))
        return 0;
    if (sysctl_read(stage_host(stage), change->target, stage_arena(stage), &running, err) < 0 ||
        stage_check_running(stage, change, canonical(change->target, running, stage_arena(stage)),
                            err) < 0)
        return -1;
    return sysctl_write(stage_host(stage), change->target, change->after.runtime, err);
}

static int prove(struct stage *stage, const struct change *change, struct arena *arena,
                 struct proof *out_proof, struct err *err)
{
    const struct host *host = stage_host(stage);
    struct proof proof = {0};
    struct sysctl_boot boot;
    const char *running;

    if (sysctl_read(host, change->target, arena, &running, err) < 0 ||
        sysctl_at_boot(host, change->target, arena, &boot, err) < 0)
        return -1;
    running = canonical(change->target, running, arena);
    if (change->after.runtime != NULL && !same(running, change->after.runtime))
        return err_set(err, ERR_CHANGED, "'%s' is '%s' in the running kernel, expected '%s'",
                       change->target, running == NULL ? "(none)" : running, change->after.runtime);
    if (!same(canonical(change->target, boot.value, arena), change->after.persistent))
        return err_set(err, ERR_CHANGED, "'%s' would be '%s' at the next boot (%s), expected '%s'",
                       change->target, boot.value == NULL ? "(not set)" : boot.value,
                       boot.file == NULL ? "no file" : boot.file,
                       change->after.persistent == NULL ? "(not set)" : change->after.persistent);
    proof.now = arena_printf(arena, "%s%s%s", running == NULL ? "" : "running value read back; ",
                             boot.file == NULL ? "no file sets it at the next boot"
                                               : "at the next boot it is set by ",
                             boot.file == NULL ? "" : boot.file);
    if (needs_listen(change->target) && change->after.runtime != NULL)
        proof.later = "effective once HAProxy listens anew: after a restart";
    *out_proof = proof;
    return 0;
}

/* What take_back needs to know. */
struct part {
    const char *key;
    const char *ours; /* as we wrote it; NULL: we took the line away */
    const char *old;  /* as it was; NULL: there was none */
};

static bool same_setting(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : sysctl_same_value(a, b);
}

static int take_back(void *context, struct span text, struct arena *arena, bool *out_ours,
                     struct span *out_text, struct err *err)
{
    const struct part *part = context;
    const char *now = sysctl_edit_value(text, part->key, arena);
    bool as_before = same_setting(now, part->old);

    *out_text = text;
    *out_ours = as_before || same_setting(now, part->ours);
    if (as_before || !*out_ours)
        return 0;
    return sysctl_edit_text(text, part->key, part->old, arena, out_text, NULL, err);
}

static int undo_runtime(struct stage *stage, const struct change *change, struct arena *arena,
                        struct undo_report *report, struct err *err)
{
    const struct host *host = stage_host(stage);
    const char *running;

    report->runtime = UNDONE_ALREADY;
    if (change->after.runtime == NULL || same(change->before.runtime, change->after.runtime) ||
        stage_running_is_theirs(stage, change))
        return 0;
    if (sysctl_read(host, change->target, arena, &running, err) < 0)
        return -1;
    running = canonical(change->target, running, arena);
    if (same(running, change->before.runtime))
        return 0;
    if (!same(running, change->after.runtime)) {
        report->runtime = UNDONE_LEFT;
        undo_report_left(
            report, arena,
            arena_printf(
                arena,
                "the running '%s' is '%s', neither '%s' as before nor '%s' as planned: it was left",
                change->target, running == NULL ? "(none)" : running, change->before.runtime,
                change->after.runtime));
        return 0;
    }
    report->runtime = UNDONE_RESTORED;
    return sysctl_write(host, change->target, change->before.runtime, err);
}

static int undo(struct stage *stage, const struct change *change, struct arena *arena,
                struct undo_report *out_report, struct err *err)
{
    struct undo_report report = {.persistent = UNDONE_ALREADY};
    const char *path = stage_recall(stage, change->address, "file");
    struct part part = {.key = change->target,
                        .ours = wanted(change),
                        .old = stage_recall(stage, change->address, "old")};
    struct err failure;

    (void)err;
    if (undo_runtime(stage, change, arena, &report, &failure) < 0) {
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
            arena_printf(arena, "'%s' does not set '%s' to '%s' any more: it was left as it is",
                         path, change->target, part.ours == NULL ? "(nothing)" : part.ours));
    }
    *out_report = report;
    return 0;
}

const struct remediation sysctl_dropin = {
    .kind = "sysctl.dropin",
    /* Ports are reserved before the range is widened over them. */
    .first_target = "net.ipv4.ip_local_reserved_ports",
    .summary = "a kernel setting, running and at the next boot",
    .example = "sysctl.dropin:net.core.somaxconn=4096",
    .check = check,
    .read = read_now,
    .plan = plan,
    .stage = stage,
    .commit = commit,
    .prove = prove,
    .undo = undo,
};
