#include "remediations/stage_internal.h"

#include <inttypes.h>
#include <string.h>

#include "remediations/host/selinux_policy.h"
#include "remediations/host/systemd.h"

enum { RELOAD_DEADLINE_MS = 60000 };

/* A commit to the policy store is announced with the number of the store it begins on, and its end
 * too: what is found half done later is ours only between the two. */
#define STORE_OPENED "selinux-store "
#define STORE_STANDS "selinux-store-stands"
/* In journals of earlier versions: it may be ours, and cannot be told. */
#define STORE_OPENED_UNNUMBERED "selinux-store"

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

static void mark_commit(struct stage *stage, struct span number)
{
    struct commit_numbers *commits = &stage->store_commits;
    uint64_t begun_on = 0;

    if (span_scan_u64(number, &begun_on))
        ARENA_PUSH(stage->arena, commits->at, commits->count) = begun_on;
}

void stage_mark_announced(struct stage *stage, const char *what)
{
    if (strcmp(what, "reload") == 0)
        stage->announced_reload = true;
    else if (strcmp(what, "start") == 0)
        stage->announced_start = true;
    else if (strcmp(what, "daemon-reload") == 0)
        stage->announced_daemon_reload = true;
    else if (strncmp(what, STORE_OPENED, sizeof STORE_OPENED - 1) == 0) {
        stage->announced_store = true;
        mark_commit(stage, span_of(what + sizeof STORE_OPENED - 1));
    } else if (strcmp(what, STORE_OPENED_UNNUMBERED) == 0) {
        stage->announced_store = true;
    } else if (strcmp(what, STORE_STANDS) == 0) {
        stage->store_commits.count = 0;
    }
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

int stage_check_running(struct stage *stage, const struct change *change, const char *now,
                        struct err *err)
{
    const char *planned = change->before.runtime;

    if (now == NULL || planned == NULL ? now == planned : strcmp(now, planned) == 0)
        return 0;
    stage_note(stage, change->address, "running", "theirs");
    return err_set(err, ERR_CHANGED,
                   "somebody changed the running value meanwhile: it was %s when it was planned, "
                   "and is %s",
                   planned == NULL ? "none" : planned, now == NULL ? "none" : now);
}

bool stage_running_is_theirs(const struct stage *stage, const struct change *change)
{
    return stage_recall(stage, change->address, "running") != NULL;
}

/* ---- SELinux ---- */

static int announce_commit(struct stage *stage, uint64_t begun_on, struct err *err)
{
    return stage_say(stage, arena_printf(stage->arena, STORE_OPENED "%" PRIu64, begun_on), err);
}

/* What a commit of ours left half done is put right, before libsemanage is asked anything. It is
 * ours where the journal says that we began a commit on that very store and not that it ended; all
 * else is left as it stands, and named. */
static int repair_store(struct stage *stage, struct err *err)
{
    const struct semanage_commits ours = {stage->store_commits.at, stage->store_commits.count};
    const struct host *host = stage->settings.host;
    struct semanage_state state;

    if (semanage_look(host, stage->arena, &state, err) < 0)
        return -1;
    if (state.condition != SEMANAGE_NO_ACTIVE && state.condition != SEMANAGE_NOT_INSTALLED)
        return 0;
    /* Building the policy anew is a commit, too. */
    if (ours.count > 0 && state.condition == SEMANAGE_NOT_INSTALLED &&
        announce_commit(stage, state.number, err) < 0)
        return -1;
    return semanage_repair(host, &ours, err);
}

/* Loading ours would bring what somebody else installed and did not load. */
static int require_loaded(const struct stage *stage, struct err *err)
{
    bool loaded;

    if (stage->undoing)
        return 0;
    if (selinux_policy_is_loaded(stage->settings.host, &loaded, err) < 0)
        return -1;
    if (!loaded)
        return err_set(err, ERR_CHANGED,
                       "the kernel holds an older SELinux policy than the installed one: no "
                       "SELinux change is made before it is loaded (load_policy)");
    return 0;
}

int stage_store(struct stage *stage, struct semanage **out_store, struct err *err)
{
    if (stage->store == NULL) {
        if (repair_store(stage, err) < 0 || require_loaded(stage, err) < 0 ||
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

bool stage_store_is_untouched(const struct stage *stage)
{
    return !stage->announced_store;
}

/* What a commit that failed left half done is ours as well. */
static int give_up_store(struct stage *stage, struct err *err)
{
    struct err second;

    semanage_close(stage->store);
    stage->store = NULL;
    return repair_store(stage, &second) < 0 ? err_wrap(err, "%s; before that", second.text) : -1;
}

static int commit_store_now(struct stage *stage, struct err *err)
{
    if (!stage->store_begun)
        return 0;
    bool any = semanage_staged_count(stage->store) > 0;
    if (any && announce_commit(stage, semanage_begun_on(stage->store), err) < 0)
        return -1;
    stage->store_begun = false;
    if (semanage_commit_staged(stage->store, err) < 0)
        return any ? give_up_store(stage, err) : -1;
    if (!any)
        return 0;
    stage->store_stands = true;
    return stage_say(stage, STORE_STANDS, err);
}

int stage_commit_store(struct stage *stage, struct err *err)
{
    return stage->undoing ? 0 : commit_store_now(stage, err);
}

/* Once a commit of ours was begun, its undo ends on disk and in the kernel, even where nothing was
 * left to take back: an undo before this one may have been killed between installing and loading. */
static int undo_store(struct stage *stage, struct err *err)
{
    if (commit_store_now(stage, err) < 0)
        return -1;
    if (!stage->announced_store || stage->store_stands || stage->store == NULL)
        return 0;
    return semanage_settle(stage->settings.host, err);
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

/* A master that is told to load what it cannot load keeps its worker, but stays a master that
 * failed: no reload at all is better. */
static int check_restored(struct stage *stage, struct err *err)
{
    const struct haproxy *haproxy = stage->settings.haproxy;
    struct haproxy_verdict verdict = {0};

    if (!stage->undoing || haproxy->program == NULL || haproxy->config.count == 0)
        return 0;
    if (haproxy_check(stage->settings.host, haproxy, NULL, 0, RELOAD_DEADLINE_MS, stage->arena,
                      &verdict, err) < 0)
        return err_wrap(err, "cannot check the restored configuration, HAProxy is not reloaded");
    if (verdict.exit_code != 0)
        return err_set(
            err, ERR_INPUT,
            "haproxy -c refuses the configuration as it stands now (exit %d), HAProxy is "
            "not reloaded and runs on as it is: %.*s",
            verdict.exit_code, (int)verdict.output.len,
            verdict.output.ptr == NULL ? "" : verdict.output.ptr);
    return 0;
}

static int reload(struct stage *stage, struct err *err)
{
    if (!stage->settings.host->live || !stage->settings.haproxy->running)
        return 0;
    if (check_restored(stage, err) < 0)
        return -1;
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
    stage->store_stands = false;
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
    int done = undo_store(stage, err);

    /* Each is tried whatever became of the others, and all that failed is told. */
    if (stage->announced_daemon_reload && systemd_runs(stage->settings.host) &&
        systemd_daemon_reload(stage->settings.host, &failure) < 0)
        done = add_failure(done, &failure, err);
    if (stage_undo_reloads(stage) && reload(stage, &failure) < 0)
        done = add_failure(done, &failure, err);
    return done;
}
