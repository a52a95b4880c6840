#include "remediations/systemd_master.h"

#include <inttypes.h>
#include <string.h>

#include "remediations/host/haproxy_process.h"
#include "remediations/host/limits.h"

/* The process whose limit a new worker inherits; 0: none runs. */
static pid_t holder(const struct haproxy *haproxy)
{
    if (haproxy == NULL || !haproxy->running)
        return 0;
    return haproxy->master != 0 ? haproxy->master : haproxy->worker;
}

static const char *number_text(uint64_t number, struct arena *arena)
{
    return number == UINT64_MAX ? "infinity" : arena_printf(arena, "%" PRIu64, number);
}

static bool scan_number(const char *text, uint64_t *out_number)
{
    if (text != NULL && strcmp(text, "infinity") == 0) {
        *out_number = UINT64_MAX;
        return true;
    }
    return text != NULL && span_scan_u64(span_of(text), out_number);
}

int master_limit(const struct scene *scene, struct arena *arena, const char **out_limit,
                 struct err *err)
{
    uint64_t soft, hard;

    *out_limit = NULL;
    if (!scene->host->live || holder(scene->haproxy) == 0)
        return 0;
    if (limits_read(holder(scene->haproxy), &soft, &hard, err) < 0)
        return -1;
    *out_limit = number_text(hard, arena);
    return 0;
}

bool master_changes(const struct change *change)
{
    return change->before.runtime != NULL && change->after.runtime != NULL &&
           strcmp(change->before.runtime, change->after.runtime) != 0;
}

/* From 2.6.7 on HAProxy only raises its limit when it executes itself anew; before, it sets the one
 * of its start again. */
static bool keeps_raised_limit(const struct haproxy *haproxy)
{
    struct span rest = span_of(haproxy->version == NULL ? "" : haproxy->version);
    uint64_t patch = 0;

    if (haproxy->major != 2 || haproxy->minor != 6)
        return haproxy->major > 2 || (haproxy->major == 2 && haproxy->minor > 6);
    (void)span_cut(&rest, '.');
    (void)span_cut(&rest, '.');
    rest.len = rest.len == 0 ? 0 : strspn(rest.ptr, "0123456789");
    return span_scan_u64(rest, &patch) && patch >= 7;
}

/* Does it work out its maxconn from the limit that it is started with? */
static bool follows_limit(const struct scene *scene)
{
    return scene->cfg != NULL && !scene->cfg->global.maxconn.set &&
           scene->haproxy->argument_maxconn == 0;
}

/* Why the running HAProxy gets a higher limit only by a restart; NULL: a reload does. */
static const char *restart_reason(const struct haproxy *haproxy)
{
    if (haproxy->master == 0)
        return "HAProxy runs without a master: only a restart brings a new process";
    if (haproxy->major == 0)
        return "which version of HAProxy runs is not known, and before 2.6.7 only a restart makes "
               "this effective";
    if (!keeps_raised_limit(haproxy))
        return "HAProxy before 2.6.7 sets the limit of its start again when it reloads: only a "
               "restart makes this effective";
    if (!limits_may_raise())
        return "hamedic may not raise the limit of a running process (no CAP_SYS_RESOURCE): only "
               "a restart makes this effective";
    return NULL;
}

void master_plan(const struct scene *scene, uint64_t value, struct arena *arena,
                 struct change *change)
{
    const struct haproxy *haproxy = scene->haproxy;
    uint64_t hard;

    change->after.runtime = change->before.runtime;
    if (!scene->host->live)
        return;
    if (!scan_number(change->before.runtime, &hard)) {
        strings_add(&change->notes, arena, "HAProxy is not running: its next start has this limit");
        return;
    }
    if (hard >= value) {
        if (hard > value)
            strings_add(&change->notes, arena,
                        "the running HAProxy keeps its higher limit until its next start");
        return;
    }
    /* It would also raise its limit again by itself when this is taken back. */
    if (haproxy->can_raise_limit) {
        if (follows_limit(scene))
            change->impact = IMPACT_RESTART;
        strings_add(&change->notes, arena,
                    follows_limit(scene)
                        ? "it works out its maxconn from the limit that it is started with: only a "
                          "restart makes this effective"
                        : "this HAProxy may raise its own limit (CAP_SYS_RESOURCE), and does so "
                          "for the maxconn that it has: what runs needs no more");
        return;
    }
    const char *reason = restart_reason(haproxy);
    if (reason != NULL) {
        change->impact = IMPACT_RESTART;
        strings_add(&change->notes, arena, reason);
        return;
    }
    change->impact = IMPACT_RELOAD;
    change->after.runtime = number_text(value, arena);
    strings_add(&change->notes, arena,
                "no restart: the limit of the running master is raised, and the reload's new "
                "worker inherits it");
}

static void note_number(struct stage *stage, const struct change *change, const char *key,
                        uint64_t number)
{
    stage_note(stage, change->address, key, arena_printf(stage_arena(stage), "%" PRIu64, number));
}

static bool recall_number(const struct stage *stage, const struct change *change, const char *key,
                          uint64_t *out_number)
{
    const char *text = stage_recall(stage, change->address, key);

    return text != NULL && span_scan_u64(span_of(text), out_number);
}

/* A worker without a descriptor left cannot hand its listeners on: it needs some for the reload. */
static int note_worker(struct stage *stage, const struct change *change, struct err *err)
{
    const struct haproxy *haproxy = stage_haproxy(stage);
    uint64_t soft, hard, value;

    if (haproxy->worker == 0 || haproxy->worker == holder(haproxy) ||
        !scan_number(change->after.runtime, &value))
        return 0;
    if (limits_read(haproxy->worker, &soft, &hard, err) < 0)
        return -1;
    if (hard >= value)
        return 0;
    note_number(stage, change, "worker", (uint64_t)haproxy->worker);
    note_number(stage, change, "worker-start", haproxy->worker_start);
    note_number(stage, change, "worker-soft", soft);
    note_number(stage, change, "worker-hard", hard);
    return 0;
}

/* The worker that was noted, where it is still there; 0: none. */
static pid_t noted_worker(const struct stage *stage, const struct change *change)
{
    uint64_t pid, start;

    if (!recall_number(stage, change, "worker", &pid) || pid == 0 || pid > INT32_MAX ||
        !recall_number(stage, change, "worker-start", &start) || process_start((pid_t)pid) != start)
        return 0;
    return (pid_t)pid;
}

static int undo_worker(struct stage *stage, const struct change *change, uint64_t value,
                       struct err *err)
{
    pid_t worker = noted_worker(stage, change);
    uint64_t soft, hard, old_soft, old_hard;

    if (worker == 0 || !recall_number(stage, change, "worker-soft", &old_soft) ||
        !recall_number(stage, change, "worker-hard", &old_hard) ||
        limits_read(worker, &soft, &hard, err) < 0 || hard != value)
        return 0;
    return limits_set(worker, old_soft, old_hard, err);
}

int master_note(struct stage *stage, const struct change *change, struct err *err)
{
    const struct haproxy *haproxy = stage_haproxy(stage);
    uint64_t soft, hard;

    if (!master_changes(change))
        return 0;
    if (limits_read(holder(haproxy), &soft, &hard, err) < 0)
        return -1;
    note_number(stage, change, "soft", soft);
    note_number(stage, change, "hard", hard);
    note_number(stage, change, "start", haproxy->master_start);
    stage_want_reload(stage);
    return note_worker(stage, change, err);
}

int master_raise(struct stage *stage, const struct change *change, struct err *err)
{
    const struct haproxy *haproxy = stage_haproxy(stage);
    uint64_t value;

    if (!master_changes(change))
        return 0;
    if (!scan_number(change->after.runtime, &value))
        return err_set(err, ERR_INPUT, "'%s' is no limit", change->after.runtime);
    if (!haproxy_is_same_process(haproxy))
        return err_set(err, ERR_CHANGED, "HAProxy's master %d is not running any more",
                       (int)holder(haproxy));
    pid_t worker = noted_worker(stage, change);
    if (worker != 0 && limits_set(worker, value, value, err) < 0)
        return -1;
    return limits_set(holder(haproxy), value, value, err);
}

int master_prove(struct stage *stage, const struct change *change, struct err *err)
{
    uint64_t soft, hard, value;

    if (!master_changes(change))
        return 0;
    if (!scan_number(change->after.runtime, &value))
        return err_set(err, ERR_INPUT, "'%s' is no limit", change->after.runtime);
    if (limits_read(holder(stage_haproxy(stage)), &soft, &hard, err) < 0)
        return -1;
    /* HAProxy may have raised it further, to what its maxconn needs. */
    if (hard < value)
        return err_set(err, ERR_CHANGED,
                       "HAProxy's master has a limit of %" PRIu64 " file descriptors, expected %s",
                       hard, change->after.runtime);
    return 0;
}

int master_undo(struct stage *stage, const struct change *change, struct arena *arena,
                struct undo_report *report, struct err *err)
{
    const struct haproxy *haproxy = stage_haproxy(stage);
    uint64_t soft, hard, value, old_soft, old_hard, start;

    report->runtime = UNDONE_ALREADY;
    if (!recall_number(stage, change, "soft", &old_soft) ||
        !recall_number(stage, change, "hard", &old_hard) ||
        !recall_number(stage, change, "start", &start) ||
        !scan_number(change->after.runtime, &value) || holder(haproxy) == 0)
        return 0;
    if (undo_worker(stage, change, value, err) < 0 ||
        limits_read(holder(haproxy), &soft, &hard, err) < 0)
        return -1;
    /* A master that was started since has its limit from the drop-in, and keeps it when that is taken
     * away; any other limit of such a one is not ours. */
    if (hard == old_hard || (start != haproxy->master_start && hard != value))
        return 0;
    if (hard != value) {
        report->runtime = UNDONE_LEFT;
        undo_report_left(
            report, arena,
            arena_printf(arena,
                         "the limit of HAProxy's master is %s, neither %s as before nor %s as "
                         "planned: it was left",
                         number_text(hard, arena), number_text(old_hard, arena),
                         change->after.runtime));
        return 0;
    }
    report->runtime = UNDONE_RESTORED;
    return limits_set(holder(haproxy), old_soft, old_hard, err);
}
