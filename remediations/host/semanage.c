#include "remediations/host/semanage.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <semanage/semanage.h>

#include "plans/base/file.h"
#include "remediations/host/selinux.h"
#include "remediations/host/semanage_condition.h"
#include "remediations/host/semanage_label.h"

/* libsemanage works out its paths once in the life of a process and keeps them: a second root or
 * store would silently be the first one. */
static char fixed_store[PATH_MAX * 2];

/* What a commit has to have done, asked of a fresh handle afterwards. */
struct expectation {
    const char *boolean; /* NULL: it is about a port */
    const char *protocol;
    uint32_t port;
    const char *type; /* NULL: no local record */
    bool local;
    bool on;
};

struct semanage {
    struct arena *arena;
    const struct host *host;
    struct semanage_paths paths;
    semanage_handle_t *handle;
    bool begun;
    uint64_t begun_on;
    struct expectation *expected;
    size_t expected_count;
    char said[ERR_TEXT_SIZE]; /* libsemanage's own words: the first error since they were last
                                 cleared */
};

static inline void bool_key_cleanup(semanage_bool_key_t **key)
{
    semanage_bool_key_free(*key);
}
static inline void bool_cleanup(semanage_bool_t **record)
{
    semanage_bool_free(*record);
}
static inline void port_key_cleanup(semanage_port_key_t **key)
{
    semanage_port_key_free(*key);
}
static inline void port_cleanup(semanage_port_t **record)
{
    semanage_port_free(*record);
}
static inline void context_cleanup(semanage_context_t **context)
{
    semanage_context_free(*context);
}
#define CLEANUP(what) __attribute__((cleanup(what##_cleanup)))

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

static int fail(struct semanage *store, struct err *err, const char *what)
{
    const char *said = store->said[0] != '\0' ? store->said : "libsemanage gives no reason";

    return err_set(err, ERR_SYS, "%s: %s", what, said);
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
        return fail(store, err, "cannot connect to the policy store");
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

static int require_condition(const struct semanage *store, enum semanage_condition condition,
                             struct err *err)
{
    return semanage_condition_require_sound(&store->paths, condition, err);
}

/* Of a store that lost its `active` since it was opened libsemanage says that it is empty, and calls
 * that a success. */
static int require_present(const struct semanage *store, struct err *err)
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
    struct semanage *store CLEANUP(store) = store_new(host);
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

/* ---- booleans ---- */
static int boolean_key(struct semanage *store, const char *name, semanage_bool_key_t **out_key,
                       struct err *err)
{
    store->said[0] = '\0';
    if (semanage_bool_key_create(store->handle, name, out_key) < 0)
        return fail(store, err, "cannot look a boolean up");
    return 0;
}

int semanage_get_boolean(struct semanage *store, const char *name,
                         struct semanage_boolean *out_boolean, struct err *err)
{
    struct semanage_boolean now = {0};
    semanage_bool_key_t *key CLEANUP(bool_key) = NULL;
    semanage_bool_t *record CLEANUP(bool) = NULL;
    semanage_bool_t *local CLEANUP(bool) = NULL;
    int known = 0, is_local = 0;

    if (boolean_key(store, name, &key, err) < 0)
        return -1;
    if (semanage_bool_exists(store->handle, key, &known) < 0 ||
        semanage_bool_exists_local(store->handle, key, &is_local) < 0 ||
        (known && semanage_bool_query(store->handle, key, &record) < 0) ||
        (is_local && semanage_bool_query_local(store->handle, key, &local) < 0)) {
        (void)fail(store, err, "cannot query the policy store");
        return err_wrap(err, "SELinux boolean '%s'", name);
    }
    if (!known && require_present(store, err) < 0)
        return -1;
    now.known = known != 0;
    now.on = known && semanage_bool_get_value(record) == 1;
    now.is_local = is_local != 0;
    now.local_on = is_local && semanage_bool_get_value(local) == 1;
    *out_boolean = now;
    return 0;
}

static int require_transaction(const struct semanage *store, struct err *err)
{
    return store->begun ? 0 : err_set(err, ERR_BUG, "no policy store transaction is open");
}

int semanage_set_boolean(struct semanage *store, const char *name, bool on, bool run,
                         struct err *err)
{
    struct semanage_boolean now;
    semanage_bool_key_t *key CLEANUP(bool_key) = NULL;
    semanage_bool_t *record CLEANUP(bool) = NULL;

    if (require_transaction(store, err) < 0 || semanage_get_boolean(store, name, &now, err) < 0)
        return -1;
    /* libsemanage stages an unknown one and drops it at commit, both with success. */
    if (!now.known)
        return err_set(err, ERR_INPUT, "the policy has no boolean '%s'", name);
    if (boolean_key(store, name, &key, err) < 0)
        return -1;
    if (semanage_bool_create(store->handle, &record) < 0 ||
        semanage_bool_set_name(store->handle, record, name) < 0)
        return fail(store, err, "cannot stage a boolean");
    semanage_bool_set_value(record, on);
    /* A reload of the policy keeps the running value: without set_active the change would wait for
     * a boot. */
    if (semanage_bool_modify_local(store->handle, key, record) < 0 ||
        (run && semanage_bool_set_active(store->handle, key, record) < 0)) {
        (void)fail(store, err, "cannot stage it");
        return err_wrap(err, "SELinux boolean '%s'", name);
    }
    ARENA_PUSH(store->arena, store->expected, store->expected_count) =
        (struct expectation){.boolean = arena_string(store->arena, name), .local = true, .on = on};
    return 0;
}

int semanage_unset_boolean(struct semanage *store, const char *name, struct err *err)
{
    struct semanage_boolean now;
    semanage_bool_key_t *key CLEANUP(bool_key) = NULL;

    if (require_transaction(store, err) < 0 || semanage_get_boolean(store, name, &now, err) < 0)
        return -1;
    if (!now.is_local)
        return 0;
    if (boolean_key(store, name, &key, err) < 0)
        return -1;
    if (semanage_bool_del_local(store->handle, key) < 0) {
        (void)fail(store, err, "cannot take its local value away");
        return err_wrap(err, "SELinux boolean '%s'", name);
    }
    ARENA_PUSH(store->arena, store->expected, store->expected_count) =
        (struct expectation){.boolean = arena_string(store->arena, name), .local = false};
    return 0;
}

/* ---- ports ---- */
static int parse_key(const char *protocol, uint32_t port, int *out_protocol, struct err *err)
{
    bool is_tcp = false;

    if (semanage_label_check(protocol, port, &is_tcp, err) < 0)
        return -1;
    *out_protocol = is_tcp ? SEMANAGE_PROTO_TCP : SEMANAGE_PROTO_UDP;
    return 0;
}

static void take_records(semanage_port_t **records, unsigned count, struct arena *arena,
                         struct port_records *out_records)
{
    struct port_records taken = {0};

    for (unsigned at = 0; at < count; at++) {
        const semanage_port_t *from = records[at];
        const char *type = semanage_context_get_type(semanage_port_get_con(from));
        ARENA_PUSH(arena, taken.at, taken.count) = (struct port_record){
            .low = (uint32_t)semanage_port_get_low(from),
            .high = (uint32_t)semanage_port_get_high(from),
            .protocol = semanage_port_get_proto(from),
            .type = arena_string(arena, type != NULL ? type : ""),
        };
        semanage_port_free(records[at]);
    }
    free(records);
    *out_records = taken;
}

/* All records in the order in which the kernel looks: the first that covers a port names its type.
 */
static int list_ports(struct semanage *store, struct arena *arena, struct port_records *out_all,
                      struct port_records *out_local, struct err *err)
{
    semanage_port_t **records = NULL;
    unsigned count = 0;

    store->said[0] = '\0';
    if (semanage_port_list(store->handle, &records, &count) < 0)
        return fail(store, err, "cannot list the policy's ports");
    take_records(records, count, arena, out_all);
    records = NULL;
    if (semanage_port_list_local(store->handle, &records, &count) < 0)
        return fail(store, err, "cannot list the local ports");
    take_records(records, count, arena, out_local);
    semanage_label_mark_local(out_all, out_local);
    return out_all->count == 0 ? require_present(store, err) : 0;
}

int semanage_get_port(struct semanage *store, const char *protocol, uint32_t port,
                      struct arena *arena, struct semanage_port_label *out_port, struct err *err)
{
    struct port_records all, local;
    int number = 0;

    if (parse_key(protocol, port, &number, err) < 0 ||
        list_ports(store, arena, &all, &local, err) < 0)
        return -1;
    *out_port = semanage_label_find(&all, &local, number, port);
    return 0;
}

int semanage_is_port_type(struct semanage *store, const char *type, bool *out_is, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct port_records all, local;

    if (list_ports(store, scratch, &all, &local, err) < 0)
        return -1;
    *out_is = semanage_label_is_given(&all, type);
    return 0;
}

static int make_context(struct semanage *store, const char *type, semanage_context_t **out_context,
                        struct err *err)
{
    semanage_context_t *context CLEANUP(context) = NULL;
    semanage_handle_t *handle = store->handle;

    if (semanage_context_create(handle, &context) < 0 ||
        semanage_context_set_user(handle, context, "system_u") < 0 ||
        semanage_context_set_role(handle, context, "object_r") < 0 ||
        semanage_context_set_type(handle, context, type) < 0 ||
        (semanage_mls_enabled(handle) == 1 && semanage_context_set_mls(handle, context, "s0") < 0))
        return fail(store, err, "cannot make a port's context");
    *out_context = context;
    context = NULL;
    return 0;
}

static int check_label(struct semanage *store, const char *protocol, uint32_t port,
                       const char *type, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct semanage_port_label now;
    bool is_type = false;

    if (semanage_get_port(store, protocol, port, scratch, &now, err) < 0 ||
        semanage_is_port_type(store, type, &is_type, err) < 0)
        return -1;
    if (!is_type)
        return err_set(err, ERR_INPUT, "'%s' is no type that the policy gives to a port", type);
    if (now.local_range_type != NULL)
        return err_set(err, ERR_INPUT, "%s/%u lies in the local port range %u-%u (%s)", protocol,
                       port, now.local_low, now.local_high, now.local_range_type);
    return 0;
}

static int port_key(struct semanage *store, const char *protocol, uint32_t port,
                    semanage_port_key_t **out_key, struct err *err)
{
    int number = 0;

    if (parse_key(protocol, port, &number, err) < 0)
        return -1;
    store->said[0] = '\0';
    if (semanage_port_key_create(store->handle, (int)port, (int)port, number, out_key) < 0)
        return fail(store, err, "cannot look a port up");
    return 0;
}

int semanage_set_port(struct semanage *store, const char *protocol, uint32_t port, const char *type,
                      struct err *err)
{
    semanage_port_key_t *key CLEANUP(port_key) = NULL;
    semanage_port_t *record CLEANUP(port) = NULL;
    semanage_context_t *context CLEANUP(context) = NULL;
    int number = 0;

    if (require_transaction(store, err) < 0 || parse_key(protocol, port, &number, err) < 0 ||
        check_label(store, protocol, port, type, err) < 0 ||
        port_key(store, protocol, port, &key, err) < 0 ||
        make_context(store, type, &context, err) < 0)
        return -1;
    if (semanage_port_create(store->handle, &record) < 0 ||
        semanage_port_set_con(store->handle, record, context) < 0)
        return fail(store, err, "cannot stage a port");
    semanage_port_set_proto(record, number);
    semanage_port_set_port(record, (int)port);
    if (semanage_port_modify_local(store->handle, key, record) < 0) {
        (void)fail(store, err, "cannot stage it");
        return err_wrap(err, "SELinux port '%s/%u'", protocol, port);
    }
    ARENA_PUSH(store->arena, store->expected, store->expected_count) =
        (struct expectation){.protocol = arena_string(store->arena, protocol),
                             .port = port,
                             .type = arena_string(store->arena, type)};
    return 0;
}

int semanage_unset_port(struct semanage *store, const char *protocol, uint32_t port,
                        struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    semanage_port_key_t *key CLEANUP(port_key) = NULL;
    struct semanage_port_label now;

    if (require_transaction(store, err) < 0 ||
        semanage_get_port(store, protocol, port, scratch, &now, err) < 0)
        return -1;
    /* libsemanage "deletes" what only the policy has, with success and no effect. */
    if (!now.is_local)
        return 0;
    if (port_key(store, protocol, port, &key, err) < 0)
        return -1;
    if (semanage_port_del_local(store->handle, key) < 0) {
        (void)fail(store, err, "cannot take its local label away");
        return err_wrap(err, "SELinux port '%s/%u'", protocol, port);
    }
    ARENA_PUSH(store->arena, store->expected, store->expected_count) = (struct expectation){
        .protocol = arena_string(store->arena, protocol), .port = port, .type = NULL};
    return 0;
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
        return fail(store, err, "cannot begin a policy store transaction");
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

static int expect(struct semanage *store, const struct expectation *wanted, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();

    if (wanted->boolean != NULL) {
        struct semanage_boolean now;
        if (semanage_get_boolean(store, wanted->boolean, &now, err) < 0)
            return -1;
        if (now.is_local != wanted->local ||
            (wanted->local && (now.local_on != wanted->on || now.on != wanted->on)))
            return err_set(err, ERR_SYS,
                           "the policy store took the commit, but boolean '%s' is not as staged",
                           wanted->boolean);
        return 0;
    }
    struct semanage_port_label now;
    if (semanage_get_port(store, wanted->protocol, wanted->port, scratch, &now, err) < 0)
        return -1;
    if (now.is_local != (wanted->type != NULL) ||
        (wanted->type != NULL && (now.type == NULL || strcmp(now.type, wanted->type) != 0)))
        return err_set(err, ERR_SYS,
                       "the policy store took the commit, but port %s/%u is not as staged",
                       wanted->protocol, wanted->port);
    return 0;
}

/* Reads everything back: installed files first, then each record through a handle that knows
 * nothing of the commit. */
/* Only a sound store is opened again. */
static int reconnect(struct semanage *store, struct err *err)
{
    enum semanage_condition condition = SEMANAGE_NONE;

    if (semanage_check(store->host, store->arena, &condition, err) < 0 ||
        require_condition(store, condition, err) < 0)
        return -1;
    return connect_store(store, err);
}

/* On disk, and read back. */
static int finish(struct semanage *store, struct err *err)
{
    if (semanage_condition_sync(store->host, &store->paths, err) < 0 || reconnect(store, err) < 0)
        return -1;
    for (size_t at = 0; at < store->expected_count; at++)
        if (expect(store, &store->expected[at], err) < 0)
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
    if (require_transaction(store, err) < 0)
        return -1;
    if (store->expected_count == 0) {
        semanage_abandon(store);
        return 0;
    }
    store->said[0] = '\0';
    int number = semanage_commit(store->handle);
    store->begun = false;
    if (number < 0) {
        (void)fail(store, err, "libsemanage did not commit");
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
    return number < 0 ? fail(store, err, "libsemanage did not commit") : finish(store, err);
}

static int install_again(const struct host *host, const struct semanage_commits *ours,
                         struct err *err)
{
    struct semanage *store CLEANUP(store) = NULL;
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
    struct semanage *store CLEANUP(store) = NULL;

    if (open_store(host, false, &store, err) < 0 ||
        semanage_condition_sync(host, &store->paths, err) < 0)
        return -1;
    if (!host->live || selinux_mode(host) == SELINUX_OFF)
        return 0;
    store->said[0] = '\0';
    return semanage_reload_policy(store->handle) < 0
               ? fail(store, err, "cannot load the installed policy")
               : 0;
}
