#include "remediations/host/semanage_store.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <semanage/semanage.h>

#include "plans/base/file.h"
#include "remediations/host/selinux.h"

/* libsemanage works out its paths once in the life of a process and keeps them: a second root or
 * store would silently be the first one. */
static char fixed_store[PATH_MAX * 2];

/* ---- what libsemanage says ---- */
PRINTF_LIKE(3, 4)
static void hear(void *context, semanage_handle_t *handle, const char *format, ...)
{
    struct semanage *store = context;
    va_list args;

    if (semanage_msg_get_level(handle) != SEMANAGE_MSG_ERR || store->said[0] != '\0')
        return;
    va_start(args, format);
    (void)vsnprintf(store->said, sizeof store->said, format, args);
    va_end(args);
    size_t len = strlen(store->said);
    while (len > 0 && strchr(" .\n", store->said[len - 1]) != NULL)
        store->said[--len] = '\0';
}

int semanage_store_fail(struct semanage *store, struct err *err, const char *what)
{
    const char *said = store->said[0] != '\0' ? store->said : "libsemanage gives no reason";

    return err_set(err, ERR_SYS, "%s: %s", what, said);
}

int semanage_store_require_transaction(const struct semanage *store, struct err *err)
{
    return store->begun ? 0 : err_set(err, ERR_BUG, "no policy store transaction is open");
}

/* ---- opening ---- */
static void disconnect(struct semanage *store)
{
    if (store->handle == NULL)
        return;
    if (semanage_is_connected(store->handle)) /* else it ends the process */
        (void)semanage_disconnect(store->handle);
    semanage_handle_destroy(store->handle);
    store->handle = NULL;
    store->begun = false;
}

static int connect_store(struct semanage *store, struct err *err)
{
    disconnect(store);
    store->said[0] = '\0';
    store->handle = semanage_handle_create();
    if (store->handle == NULL)
        return err_set(err, ERR_SYS, "cannot start libsemanage");
    semanage_msg_set_callback(store->handle, hear, store);
    semanage_select_store(store->handle, arena_string(store->arena, store->paths.name),
                          SEMANAGE_CON_DIRECT);
    semanage_set_store_root(store->handle, store->paths.root);
    semanage_set_create_store(store->handle, 0);
    /* A boolean or a port changes no module and no file context: neither recompiling (minutes) nor
     * validating the contexts (setfiles) could find anything. */
    semanage_set_rebuild(store->handle, 0);
    semanage_set_check_ext_changes(store->handle, 0);
    semanage_set_check_contexts(store->handle, 0);
    /* Live, libsemanage's default is right: it reloads exactly where SELinux is enabled. */
    if (!store->host->live)
        semanage_set_reload(store->handle, 0);
    if (semanage_is_managed(store->handle) != 1)
        return err_set(err, ERR_UNSUPPORTED, "'%s' is no policy store that libsemanage manages",
                       store->paths.store);
    if (semanage_connect(store->handle) < 0)
        return semanage_store_fail(store, err, "cannot connect to the policy store");
    return 0;
}

static int fix_root(struct semanage *store, struct err *err)
{
    char root[PATH_MAX];
    char wanted[sizeof fixed_store];

    if (semanage_condition_root(store->host, root, sizeof root, err) < 0)
        return -1;
    int len = snprintf(wanted, sizeof wanted, "%s:%s", root, store->paths.store);
    if (len < 0 || (size_t)len >= sizeof wanted)
        return err_set(err, ERR_INPUT, "the path of the policy store is too long");
    if (fixed_store[0] != '\0') {
        if (strcmp(fixed_store, wanted) == 0)
            return 0;
        return err_set(err, ERR_BUG, "libsemanage works on '%s' in this process, not on '%s'",
                       fixed_store, wanted);
    }
    /* MUST come before the first handle is made. */
    if (root[0] != '\0' && semanage_set_root(root) < 0)
        return err_set(err, ERR_SYS, "cannot turn libsemanage to the tree '%s'", root);
    memcpy(fixed_store, wanted, (size_t)len + 1);
    return 0;
}

static struct semanage *store_new(const struct host *host)
{
    struct arena *arena = arena_new();
    struct semanage *store = arena_alloc(arena, sizeof *store);

    store->arena = arena;
    store->host = host;
    return store;
}

void semanage_close(struct semanage *store)
{
    if (store == NULL)
        return;
    disconnect(store);
    arena_free(store->arena);
}

static inline void store_cleanup(struct semanage **store)
{
    semanage_close(*store);
}
#define CLEANUP_STORE __attribute__((cleanup(store_cleanup)))

static int require_condition(const struct semanage *store, enum semanage_condition condition,
                             struct err *err)
{
    return semanage_condition_require_sound(&store->paths, condition, err);
}

int semanage_store_require_present(const struct semanage *store, struct err *err)
{
    struct semanage_state state;

    if (semanage_condition_look(store->host, &store->paths, &state, err) < 0)
        return -1;
    return state.condition == SEMANAGE_NOT_INSTALLED
               ? 0
               : require_condition(store, state.condition, err);
}

/* `repairing`: a store whose policy is not installed is opened too. */
static int open_store(const struct host *host, bool repairing, struct semanage **out_store,
                      struct err *err)
{
    struct semanage *store CLEANUP_STORE = store_new(host);
    enum semanage_condition condition = SEMANAGE_NONE;

    if (semanage_condition_paths(host, store->arena, &store->paths, err) < 0 ||
        semanage_check(host, store->arena, &condition, err) < 0)
        return -1;
    if (!(repairing && condition == SEMANAGE_NOT_INSTALLED) &&
        require_condition(store, condition, err) < 0)
        return -1;
    if (semanage_condition_guard(host, &store->paths, err) < 0 || fix_root(store, err) < 0 ||
        connect_store(store, err) < 0)
        return -1;
    *out_store = store;
    store = NULL;
    return 0;
}

int semanage_open(const struct host *host, struct semanage **out_store, struct err *err)
{
    return open_store(host, false, out_store, err);
}

/* ---- the transaction ---- */
static int begin(struct semanage *store, struct semanage_state *out_state, struct err *err)
{
    if (store->begun)
        return err_set(err, ERR_BUG, "a policy store transaction is open already");
    if (store->handle == NULL)
        return err_set(err, ERR_SYS, "the policy store was lost when its last commit failed");
    store->said[0] = '\0';
    store->expected = NULL;
    store->expected_count = 0;
    if (semanage_begin_transaction(store->handle) < 0) {
        const char *holder =
            semanage_condition_lock_holder(store->host, &store->paths, store->arena);
        if (holder == NULL && strstr(store->said, "transaction lock") != NULL)
            holder = "gone by now";
        if (holder != NULL)
            return err_sys(err, EBUSY, "another program holds the policy store's lock: %s", holder);
        return semanage_store_fail(store, err, "cannot begin a policy store transaction");
    }
    store->begun = true;
    if (semanage_condition_look(store->host, &store->paths, out_state, err) < 0) {
        semanage_abandon(store);
        return -1;
    }
    store->begun_on = out_state->number;
    return 0;
}

int semanage_begin(struct semanage *store, struct err *err)
{
    struct semanage_state state;

    if (begin(store, &state, err) < 0)
        return -1;
    /* Somebody's commit may have ended half-way since the store was opened: ours would finish it
     * unseen. */
    if (require_condition(store, state.condition, err) < 0) {
        semanage_abandon(store);
        return -1;
    }
    return 0;
}

size_t semanage_staged_count(const struct semanage *store)
{
    return store->expected_count;
}

uint64_t semanage_begun_on(const struct semanage *store)
{
    return store->begun_on;
}

/* Only a sound store is opened again. */
static int reconnect(struct semanage *store, struct err *err)
{
    enum semanage_condition condition = SEMANAGE_NONE;

    if (semanage_check(store->host, store->arena, &condition, err) < 0 ||
        require_condition(store, condition, err) < 0)
        return -1;
    return connect_store(store, err);
}

/* On disk, and each record read back through a handle that knows nothing of the commit. */
static int finish(struct semanage *store, struct err *err)
{
    if (semanage_condition_sync(store->host, &store->paths, err) < 0 || reconnect(store, err) < 0)
        return -1;
    for (size_t at = 0; at < store->expected_count; at++)
        if (semanage_records_expect(store, &store->expected[at], err) < 0)
            return -1;
    return 0;
}

/* A commit that failed may leave what a crash would leave. */
static int end_failed(struct semanage *store, struct err *err)
{
    struct err second = {0};

    disconnect(store);
    if (reconnect(store, &second) == 0)
        return -1;
    disconnect(store);
    return err_wrap(err, "%s; before that", second.text);
}

int semanage_commit_staged(struct semanage *store, struct err *err)
{
    if (semanage_store_require_transaction(store, err) < 0)
        return -1;
    if (store->expected_count == 0) {
        semanage_abandon(store);
        return 0;
    }
    store->said[0] = '\0';
    int number = semanage_commit(store->handle);
    store->begun = false;
    if (number < 0) {
        (void)semanage_store_fail(store, err, "libsemanage did not commit");
        return end_failed(store, err);
    }
    if (number == 0)
        return err_set(err, ERR_SYS,
                       "libsemanage installed nothing although %zu changes were staged",
                       store->expected_count);
    return finish(store, err);
}

void semanage_abandon(struct semanage *store)
{
    struct err ignored = {0};

    if (!store->begun)
        return;
    disconnect(store);
    if (connect_store(store, &ignored) < 0)
        disconnect(store);
}

/* ---- repair ---- */
/* A commit without a change repairs nothing, and what was half done may have been the last local
 * record's removal: only building the policy anew covers every case. */
static int build_again(struct semanage *store, struct err *err)
{
    semanage_set_rebuild(store->handle, 1);
    store->said[0] = '\0';
    int number = semanage_commit(store->handle);
    store->begun = false;
    return number < 0 ? semanage_store_fail(store, err, "libsemanage did not commit")
                      : finish(store, err);
}

static int install_again(const struct host *host, const struct semanage_commits *ours,
                         struct err *err)
{
    struct semanage *store CLEANUP_STORE = NULL;
    struct semanage_state state;

    if (open_store(host, true, &store, err) < 0 || begin(store, &state, err) < 0)
        return -1;
    /* Under the lock: another program's commit may have healed it, or ended half-way itself. */
    if (state.condition == SEMANAGE_NOT_INSTALLED &&
        semanage_condition_require_ours(&store->paths, &state, ours, err) == 0)
        return build_again(store, err);
    int result = state.condition == SEMANAGE_NOT_INSTALLED
                     ? -1
                     : require_condition(store, state.condition, err);
    semanage_abandon(store);
    return result;
}

int semanage_repair(const struct host *host, const struct semanage_commits *ours, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct semanage_paths paths;
    struct semanage_state state;

    if (semanage_condition_paths(host, scratch, &paths, err) < 0 ||
        semanage_look(host, scratch, &state, err) < 0)
        return -1;
    if (state.condition == SEMANAGE_NO_ACTIVE && (semanage_condition_restore(host, ours, err) < 0 ||
                                                  semanage_look(host, scratch, &state, err) < 0))
        return -1;
    if (state.condition != SEMANAGE_NOT_INSTALLED)
        return 0;
    if (semanage_condition_require_ours(&paths, &state, ours, err) < 0)
        return -1;
    return install_again(host, ours, err) < 0 ? err_wrap(err, "cannot repair the policy store") : 0;
}

int semanage_settle(const struct host *host, struct err *err)
{
    struct semanage *store CLEANUP_STORE = NULL;

    if (open_store(host, false, &store, err) < 0 ||
        semanage_condition_sync(host, &store->paths, err) < 0)
        return -1;
    if (!host->live || selinux_mode(host) == SELINUX_OFF)
        return 0;
    store->said[0] = '\0';
    return semanage_reload_policy(store->handle) < 0
               ? semanage_store_fail(store, err, "cannot load the installed policy")
               : 0;
}
