#include <stdlib.h>
#include <string.h>

#include <semanage/semanage.h>

#include "remediations/host/semanage_label.h"
#include "remediations/host/semanage_store.h"

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

/* ---- booleans ---- */
static int boolean_key(struct semanage *store, const char *name, semanage_bool_key_t **out_key,
                       struct err *err)
{
    store->said[0] = '\0';
    if (semanage_bool_key_create(store->handle, name, out_key) < 0)
        return semanage_store_fail(store, err, "cannot look a boolean up");
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
        (void)semanage_store_fail(store, err, "cannot query the policy store");
        return err_wrap(err, "SELinux boolean '%s'", name);
    }
    if (!known && semanage_store_require_present(store, err) < 0)
        return -1;
    now.known = known != 0;
    now.on = known && semanage_bool_get_value(record) == 1;
    now.is_local = is_local != 0;
    now.local_on = is_local && semanage_bool_get_value(local) == 1;
    *out_boolean = now;
    return 0;
}

int semanage_set_boolean(struct semanage *store, const char *name, bool on, bool run,
                         struct err *err)
{
    struct semanage_boolean now;
    semanage_bool_key_t *key CLEANUP(bool_key) = NULL;
    semanage_bool_t *record CLEANUP(bool) = NULL;

    if (semanage_store_require_transaction(store, err) < 0 ||
        semanage_get_boolean(store, name, &now, err) < 0)
        return -1;
    /* libsemanage stages an unknown one and drops it at commit, both with success. */
    if (!now.known)
        return err_set(err, ERR_INPUT, "the policy has no boolean '%s'", name);
    if (boolean_key(store, name, &key, err) < 0)
        return -1;
    if (semanage_bool_create(store->handle, &record) < 0 ||
        semanage_bool_set_name(store->handle, record, name) < 0)
        return semanage_store_fail(store, err, "cannot stage a boolean");
    semanage_bool_set_value(record, on);
    /* A reload of the policy keeps the running value: without set_active the change would wait for
     * a boot. */
    if (semanage_bool_modify_local(store->handle, key, record) < 0 ||
        (run && semanage_bool_set_active(store->handle, key, record) < 0)) {
        (void)semanage_store_fail(store, err, "cannot stage it");
        return err_wrap(err, "SELinux boolean '%s'", name);
    }
    ARENA_PUSH(store->arena, store->expected, store->expected_count) =
        (struct semanage_expectation){
            .boolean = arena_string(store->arena, name), .local = true, .on = on};
    return 0;
}

int semanage_unset_boolean(struct semanage *store, const char *name, struct err *err)
{
    struct semanage_boolean now;
    semanage_bool_key_t *key CLEANUP(bool_key) = NULL;

    if (semanage_store_require_transaction(store, err) < 0 ||
        semanage_get_boolean(store, name, &now, err) < 0)
        return -1;
    if (!now.is_local)
        return 0;
    if (boolean_key(store, name, &key, err) < 0)
        return -1;
    if (semanage_bool_del_local(store->handle, key) < 0) {
        (void)semanage_store_fail(store, err, "cannot take its local value away");
        return err_wrap(err, "SELinux boolean '%s'", name);
    }
    ARENA_PUSH(store->arena, store->expected, store->expected_count) =
        (struct semanage_expectation){.boolean = arena_string(store->arena, name), .local = false};
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
        return semanage_store_fail(store, err, "cannot list the policy's ports");
    take_records(records, count, arena, out_all);
    records = NULL;
    if (semanage_port_list_local(store->handle, &records, &count) < 0)
        return semanage_store_fail(store, err, "cannot list the local ports");
    take_records(records, count, arena, out_local);
    semanage_label_mark_local(out_all, out_local);
    return out_all->count == 0 ? semanage_store_require_present(store, err) : 0;
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
        return semanage_store_fail(store, err, "cannot make a port's context");
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
        return semanage_store_fail(store, err, "cannot look a port up");
    return 0;
}

int semanage_set_port(struct semanage *store, const char *protocol, uint32_t port, const char *type,
                      struct err *err)
{
    semanage_port_key_t *key CLEANUP(port_key) = NULL;
    semanage_port_t *record CLEANUP(port) = NULL;
    semanage_context_t *context CLEANUP(context) = NULL;
    int number = 0;

    if (semanage_store_require_transaction(store, err) < 0 ||
        parse_key(protocol, port, &number, err) < 0 ||
        check_label(store, protocol, port, type, err) < 0 ||
        port_key(store, protocol, port, &key, err) < 0 ||
        make_context(store, type, &context, err) < 0)
        return -1;
    if (semanage_port_create(store->handle, &record) < 0 ||
        semanage_port_set_con(store->handle, record, context) < 0)
        return semanage_store_fail(store, err, "cannot stage a port");
    semanage_port_set_proto(record, number);
    semanage_port_set_port(record, (int)port);
    if (semanage_port_modify_local(store->handle, key, record) < 0) {
        (void)semanage_store_fail(store, err, "cannot stage it");
        return err_wrap(err, "SELinux port '%s/%u'", protocol, port);
    }
    ARENA_PUSH(store->arena, store->expected, store->expected_count) =
        (struct semanage_expectation){.protocol = arena_string(store->arena, protocol),
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

    if (semanage_store_require_transaction(store, err) < 0 ||
        semanage_get_port(store, protocol, port, scratch, &now, err) < 0)
        return -1;
    /* libsemanage "deletes" what only the policy has, with success and no effect. */
    if (!now.is_local)
        return 0;
    if (port_key(store, protocol, port, &key, err) < 0)
        return -1;
    if (semanage_port_del_local(store->handle, key) < 0) {
        (void)semanage_store_fail(store, err, "cannot take its local label away");
        return err_wrap(err, "SELinux port '%s/%u'", protocol, port);
    }
    ARENA_PUSH(store->arena, store->expected, store->expected_count) =
        (struct semanage_expectation){
            .protocol = arena_string(store->arena, protocol), .port = port, .type = NULL};
    return 0;
}

/* ---- after a commit ---- */

int semanage_records_expect(struct semanage *store, const struct semanage_expectation *wanted,
                            struct err *err)
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
