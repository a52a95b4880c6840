#include "remediations/stage_internal.h"

#include <string.h>

#include "remediations/host/systemd.h"

enum { RELOAD_DEADLINE_MS = 60000 };

int stage_new(const struct stage_settings *settings, struct stage **out_stage, struct err *err)
{
    if (strlen(settings->id) >= PLAN_ID_SIZE)
        return err_set(err, ERR_BUG, "transaction id '%s' is too long", settings->id);
    struct arena *arena = arena_new();
    struct stage *stage = arena_alloc(arena, sizeof *stage);
    stage->settings = *settings;
    stage->arena = arena;
    *out_stage = stage;
    return 0;
}

void stage_free(struct stage *stage)
{
    if (stage == NULL)
        return;
    if (stage->store != NULL)
        semanage_close(stage->store);
    arena_free(stage->arena);
}

struct arena *stage_arena(struct stage *stage)
{
    return stage->arena;
}

const struct host *stage_host(const struct stage *stage)
{
    return stage->settings.host;
}

struct haproxy *stage_haproxy(struct stage *stage)
{
    return stage->settings.haproxy;
}

int stage_say(struct stage *stage, const char *what, struct err *err)
{
    if (stage->settings.announce != NULL &&
        stage->settings.announce(stage->settings.context, what, err) < 0)
        return -1;
    stage_mark_announced(stage, what);
    return 0;
}

void stage_mark_announced(struct stage *stage, const char *what)
{
    if (strcmp(what, "reload") == 0)
        stage->announced_reload = true;
    else if (strcmp(what, "start") == 0)
        stage->announced_start = true;
    else if (strcmp(what, "daemon-reload") == 0)
        stage->announced_daemon_reload = true;
    else if (strcmp(what, "selinux-store") == 0)
        stage->announced_store = true;
}

/* ---- notes ---- */

void stage_note(struct stage *stage, const char *address, const char *key, const char *value)
{
    ARENA_PUSH(stage->arena, stage->notes, stage->note_count) = (struct stage_memo){
        arena_string(stage->arena, address),
        arena_string(stage->arena, key),
        arena_string(stage->arena, value),
    };
}

const char *stage_recall(const struct stage *stage, const char *address, const char *key)
{
    for (size_t i = stage->note_count; i-- > 0;)
        if (strcmp(stage->notes[i].address, address) == 0 && strcmp(stage->notes[i].key, key) == 0)
            return stage->notes[i].value;
    return NULL;
}

/* ---- SELinux ---- */

/* A store that a commit left half done is put right only where our own journal says that the commit
 * was ours. */
static int check_store(struct stage *stage, struct err *err)
{
    enum semanage_condition condition;

    if (semanage_check(stage->settings.host, stage->arena, &condition, err) < 0)
        return -1;
    if (condition != SEMANAGE_NO_ACTIVE && condition != SEMANAGE_NOT_INSTALLED)
        return 0;
    if (!stage->undoing || !stage->announced_store)
        return err_set(err, ERR_CHANGED,
                       "the SELinux policy store is damaged (%s): no SELinux change is made until "
                       "a person has repaired it",
                       condition == SEMANAGE_NO_ACTIVE ? "its 'active' directory is missing"
                                                       : "the installed policy is not the store's");
    return semanage_repair(stage->settings.host, err);
}

int stage_store(struct stage *stage, struct semanage **out_store, struct err *err)
{
    if (stage->store == NULL) {
        if (check_store(stage, err) < 0 ||
            semanage_open(stage->settings.host, &stage->store, err) < 0)
            return -1;
    }
    if (!stage->store_begun) {
        if (semanage_begin(stage->store, err) < 0)
            return -1;
        stage->store_begun = true;
    }
    *out_store = stage->store;
    return 0;
}

static int commit_store_now(struct stage *stage, struct err *err)
{
    if (!stage->store_begun)
        return 0;
    if (stage_say(stage, "selinux-store", err) < 0)
        return -1;
    stage->store_begun = false;
    return semanage_commit_staged(stage->store, err);
}

int stage_commit_store(struct stage *stage, struct err *err)
{
    return stage->undoing ? 0 : commit_store_now(stage, err);
}

/* ---- the service ---- */

void stage_want_reload(struct stage *stage)
{
    stage->want_reload = true;
}

void stage_want_daemon_reload(struct stage *stage)
{
    stage->want_daemon_reload = true;
}

void stage_expect_limit(struct stage *stage, uint64_t limit)
{
    stage->expected_limit = limit;
}

int stage_daemon_reload(struct stage *stage, struct err *err)
{
    if (!stage->want_daemon_reload || stage->daemon_reloaded || stage->undoing ||
        !systemd_runs(stage->settings.host))
        return 0;
    if (stage_say(stage, "daemon-reload", err) < 0 ||
        systemd_daemon_reload(stage->settings.host, err) < 0)
        return -1;
    stage->daemon_reloaded = true;
    return 0;
}

int stage_check_reload(const struct stage *stage, struct err *err)
{
    if (!stage->want_reload)
        return 0;
    return haproxy_check_reload(stage->settings.host, stage->settings.haproxy, err);
}

static int reload(struct stage *stage, struct err *err)
{
    if (!stage->settings.host->live || !stage->settings.haproxy->running)
        return 0;
    return haproxy_reload(stage->settings.host, stage->settings.haproxy, RELOAD_DEADLINE_MS,
                          stage->arena, err);
}

int stage_finish(struct stage *stage, struct err *err)
{
    const struct stage_settings *settings = &stage->settings;
    struct err cannot;

    if (!stage->want_reload)
        return 0;
    /* What did not run is not stopped by an undo: it is announced by another name than a reload. */
    if (settings->host->live && !settings->haproxy->running &&
        haproxy_check_start(settings->host, settings->haproxy, &cannot) == 0)
        return stage_say(stage, "start", err) < 0
                   ? -1
                   : haproxy_start(settings->host, settings->haproxy, RELOAD_DEADLINE_MS,
                                   stage->arena, err);
    if (stage_say(stage, "reload", err) < 0)
        return -1;
    return reload(stage, err);
}

void stage_undo_begin(struct stage *stage)
{
    stage->undoing = true;
    stage->store_begun = false;
    /* A commit that failed may have left it unusable: it is opened anew, and repaired before that
     * where it was ours. */
    semanage_close(stage->store);
    stage->store = NULL;
}

bool stage_undo_reloads(const struct stage *stage)
{
    return stage->announced_reload && stage->settings.was_in_step;
}

bool stage_undo_leaves_active(const struct stage *stage)
{
    return stage->announced_reload && !stage->settings.was_in_step;
}

bool stage_undo_leaves_started(const struct stage *stage)
{
    return stage->announced_start && stage->settings.haproxy->running;
}

static int add_failure(int done, const struct err *failure, struct err *err)
{
    if (done < 0)
        return err_wrap(err, "%s; before that", failure->text);
    *err = *failure;
    return -1;
}

int stage_undo_finish(struct stage *stage, struct err *err)
{
    struct err failure;
    int done = commit_store_now(stage, err);

    /* Each is tried whatever became of the others, and all that failed is told. */
    if (stage->announced_daemon_reload && systemd_runs(stage->settings.host) &&
        systemd_daemon_reload(stage->settings.host, &failure) < 0)
        done = add_failure(done, &failure, err);
    if (stage_undo_reloads(stage) && reload(stage, &failure) < 0)
        done = add_failure(done, &failure, err);
    return done;
}
