/* The only file that knows libsepol. It reads the policy once, takes out what the questions need,
 * and lets go of the rest: libsepol's answers (sepol_compute_av) come from one policy that is
 * global to the process, and its structures are not made for threads. */

/* libsepol up to 3.8 names a member `bool`: its headers come first, and under another name. */
#define bool boolean
#include <sepol/debug.h>
#include <sepol/handle.h>
#include <sepol/policydb.h>
#include <sepol/policydb/conditional.h>
#include <sepol/policydb/policydb.h>
#undef bool
#define bool _Bool

#include "remediations/host/selinux_policy_model.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "remediations/host/selinux.h"

#define LOADED_POLICY "/sys/fs/selinux/policy"
#define POLICY_MAX    ((size_t)64 * 1024 * 1024)

enum { BUSY_TRIES = 40, BUSY_PAUSE_NS = 50000000, SID_PORT = 9, TYPES_MAX = 65535 };

/* ---- libsepol's handles ---- */
static void handle_cleanup(sepol_handle_t **handle)
{
    if (*handle != NULL)
        sepol_handle_destroy(*handle);
}

static void file_cleanup(sepol_policy_file_t **file)
{
    if (*file != NULL)
        sepol_policy_file_free(*file);
}

static void database_cleanup(sepol_policydb_t **database)
{
    if (*database != NULL)
        sepol_policydb_free(*database);
}

struct message {
    char text[256]; /* the first one: the cause */
};

static void PRINTF_LIKE(3, 4)
    keep_message(void *context, sepol_handle_t *handle, const char *format, ...)
{
    struct message *message = context;
    va_list arguments;

    (void)handle;
    if (message->text[0] != '\0')
        return;
    va_start(arguments, format);
    (void)vsnprintf(message->text, sizeof message->text, format, arguments);
    va_end(arguments);
}

/* The structures below belong to the headers this was compiled with, and libsepol's versions do not
 * tell. Two values at the far end of struct policydb that libsepol itself writes show whether all
 * before them stands where we think. */
static bool has_our_layout(sepol_policydb_t *database)
{
    unsigned version = (unsigned)sepol_policy_kern_vers_max();

    for (unsigned at = version - 1; at <= version; at++)
        for (unsigned unknown = SEPOL_DENY_UNKNOWN; unknown <= SEPOL_ALLOW_UNKNOWN; unknown += 2)
            if (sepol_policydb_set_vers(database, at) < 0 ||
                sepol_policydb_set_handle_unknown(database, unknown) < 0 ||
                database->p.policyvers != at || database->p.handle_unknown != unknown)
                return false;
    return true;
}

/* ---- taking out: names ---- */
static void take_types(const policydb_t *from, struct selinux_policy *policy)
{
    const struct hashtab_val *table = from->p_types.table;

    policy->type_count = from->p_types.nprim;
    policy->words = policy->type_count / 64 + 1;
    policy->names = arena_alloc(policy->arena, (policy->type_count + 1) * sizeof *policy->names);
    policy->members =
        arena_alloc(policy->arena, (policy->type_count + 1) * sizeof *policy->members);
    for (uint32_t at = 0; at < policy->type_count; at++) {
        const type_datum_t *type = from->type_val_to_struct[at];
        if (type == NULL || type->flavor == TYPE_ATTRIB)
            continue;
        policy->names[at + 1] = arena_string(policy->arena, from->p_type_val_to_name[at]);
        if (type->bounds != 0)
            ARENA_PUSH(policy->arena, policy->bounds, policy->bound_count) =
                (struct model_bound){.type = at + 1, .by = type->bounds};
    }
    for (unsigned slot = 0; slot < table->size; slot++)
        for (const hashtab_node_t *node = table->htable[slot]; node != NULL; node = node->next) {
            const type_datum_t *type = node->datum;
            if (type->flavor == TYPE_ATTRIB || type->s.value > policy->type_count)
                continue;
            ARENA_PUSH(policy->arena, policy->by_name, policy->by_name_count) =
                (struct model_name){arena_string(policy->arena, node->key), type->s.value};
        }
}

static void take_booleans(const policydb_t *from, struct selinux_policy *policy)
{
    for (uint32_t at = 0; at < from->p_bools.nprim; at++)
        ARENA_PUSH(policy->arena, policy->booleans, policy->boolean_count) = (struct model_boolean){
            .name = arena_string(policy->arena, from->p_bool_val_to_name[at]),
            .on = from->bool_val_to_struct[at]->state != 0,
        };
}

/* ---- taking out: rules ---- */
struct port_class {
    uint32_t value; /* 0: the policy has no such class */
    uint32_t connect, bind;
};

static uint32_t permission(const class_datum_t *class, const char *name)
{
    const symtab_t *const tables[] = {
        &class->permissions, class->comdatum == NULL ? NULL : &class->comdatum->permissions};

    for (size_t at = 0; at < sizeof tables / sizeof tables[0]; at++) {
        const struct hashtab_val *table = tables[at] == NULL ? NULL : tables[at]->table;
        for (unsigned slot = 0; table != NULL && slot < table->size; slot++)
            for (const hashtab_node_t *node = table->htable[slot]; node != NULL;
                 node = node->next) {
                const perm_datum_t *found = node->datum;
                if (strcmp(node->key, name) == 0 && found->s.value >= 1 && found->s.value <= 32)
                    return UINT32_C(1) << (found->s.value - 1);
            }
    }
    return 0;
}

/* Whether the kernel denies what the policy has no permission for is the policy's own setting. */
static uint8_t checked_uses(const policydb_t *from, enum model_protocol protocol,
                            const struct port_class *class)
{
    unsigned uses =
        (class->connect != 0 ? SELINUX_CONNECT : 0U) | (class->bind != 0 ? SELINUX_BIND : 0U);

    if (from->handle_unknown != SEPOL_ALLOW_UNKNOWN)
        uses |= SELINUX_CONNECT | SELINUX_BIND;
    if (protocol == MODEL_UDP)
        uses &= ~(unsigned)SELINUX_CONNECT; /* the kernel asks nobody */
    return (uint8_t)uses;
}

static void find_classes(const policydb_t *from, struct selinux_policy *policy,
                         struct port_class classes[MODEL_PROTOCOLS])
{
    static const char *const names[MODEL_PROTOCOLS] = {[MODEL_TCP] = "tcp_socket",
                                                       [MODEL_UDP] = "udp_socket",
                                                       [MODEL_DCCP] = "dccp_socket",
                                                       [MODEL_SCTP] = "sctp_socket"};

    for (int protocol = 0; protocol < MODEL_PROTOCOLS; protocol++) {
        for (uint32_t at = 0; at < from->p_classes.nprim; at++) {
            const class_datum_t *class = from->class_val_to_struct[at];
            if (class != NULL && strcmp(from->p_class_val_to_name[at], names[protocol]) == 0)
                classes[protocol] = (struct port_class){at + 1, permission(class, "name_connect"),
                                                        permission(class, "name_bind")};
        }
        policy->checked[protocol] =
            checked_uses(from, (enum model_protocol)protocol, &classes[protocol]);
    }
}

static bool is_rule(const struct avtab_node *node, const struct selinux_policy *policy)
{
    return (node->key.specified & AVTAB_ALLOWED) != 0 && node->datum.data != 0 &&
           node->key.source_type >= 1 && node->key.source_type <= policy->type_count &&
           node->key.target_type >= 1 && node->key.target_type <= policy->type_count;
}

static void take_rule(const struct avtab_node *node,
                      const struct port_class classes[MODEL_PROTOCOLS],
                      struct selinux_policy *policy, struct model_rules *rules)
{
    for (int protocol = 0; protocol < MODEL_PROTOCOLS; protocol++) {
        const struct port_class *class = &classes[protocol];
        uint8_t uses = (uint8_t)(((node->datum.data & class->connect) != 0 ? SELINUX_CONNECT : 0) |
                                 ((node->datum.data & class->bind) != 0 ? SELINUX_BIND : 0));
        if (class->value == node->key.target_class && uses != 0)
            ARENA_PUSH(policy->arena, rules->at, rules->count) = (struct model_rule){
                .source = node->key.source_type,
                .target = node->key.target_type,
                .protocol = (uint8_t)protocol,
                .uses = uses,
            };
    }
}

static void take_branch(const cond_av_list_t *list,
                        const struct port_class classes[MODEL_PROTOCOLS],
                        struct selinux_policy *policy, struct model_branch *branch)
{
    uint32_t last = 0;

    for (; list != NULL; list = list->next) {
        const struct avtab_node *node = list->node;
        if (!is_rule(node, policy))
            continue;
        take_rule(node, classes, policy, &branch->rules);
        if (node->key.source_type == last)
            continue;
        last = node->key.source_type;
        ARENA_PUSH(policy->arena, branch->sources, branch->source_count) = last;
    }
}

static void take_terms(const cond_expr_t *expression, struct selinux_policy *policy,
                       struct model_condition *condition)
{
    static const enum model_operator operators[] = {
        [COND_BOOL] = MODEL_BOOLEAN, [COND_NOT] = MODEL_NOT, [COND_OR] = MODEL_OR,
        [COND_AND] = MODEL_AND,      [COND_XOR] = MODEL_XOR, [COND_EQ] = MODEL_EQ,
        [COND_NEQ] = MODEL_NE};

    for (; expression != NULL; expression = expression->next)
        ARENA_PUSH(policy->arena, condition->terms, condition->term_count) = (struct model_term){
            .operator= expression->expr_type <= COND_LAST ? operators[expression->expr_type]
                                                          : MODEL_AND,
            .boolean = expression->boolean - 1, /* 0 wraps, and is refused when it is settled */
        };
}

static void take_rules(const policydb_t *from, struct selinux_policy *policy)
{
    struct port_class classes[MODEL_PROTOCOLS] = {0};

    find_classes(from, policy, classes);
    for (uint32_t slot = 0; slot < from->te_avtab.nslot; slot++)
        for (const struct avtab_node *node = from->te_avtab.htable[slot]; node != NULL;
             node = node->next)
            if (is_rule(node, policy))
                take_rule(node, classes, policy, &policy->rules);
    for (const cond_node_t *node = from->cond_list; node != NULL; node = node->next) {
        struct model_condition condition = {0};
        take_terms(node->expr, policy, &condition);
        take_branch(node->false_list, classes, policy, &condition.branch[0]);
        take_branch(node->true_list, classes, policy, &condition.branch[1]);
        ARENA_PUSH(policy->arena, policy->conditions, policy->condition_count) = condition;
    }
}

/* ---- taking out: attributes ---- */
static void name_rules(const struct model_rules *rules, struct selinux_policy *policy)
{
    for (size_t at = 0; at < rules->count; at++) {
        const uint32_t values[] = {rules->at[at].source, rules->at[at].target};
        for (size_t i = 0; i < 2; i++)
            if (policy->names[values[i]] == NULL && policy->members[values[i]] == NULL)
                policy->members[values[i]] = model_set_new(policy, policy->arena);
    }
}

static void name_branch(const struct model_branch *branch, struct selinux_policy *policy)
{
    name_rules(&branch->rules, policy);
    for (size_t at = 0; at < branch->source_count; at++) {
        uint32_t value = branch->sources[at];
        if (policy->names[value] == NULL && policy->members[value] == NULL)
            policy->members[value] = model_set_new(policy, policy->arena);
    }
}

/* Which types have the attributes that rules name. The map has one set of attributes for each type,
 * itself among them. */
static void take_members(const policydb_t *from, struct selinux_policy *policy)
{
    uint32_t defined = 0;

    name_rules(&policy->rules, policy);
    for (size_t at = 0; at < policy->condition_count; at++)
        for (size_t branch = 0; branch < 2; branch++)
            name_branch(&policy->conditions[at].branch[branch], policy);
    for (uint32_t at = 0; at < policy->type_count && defined == 0; at++)
        if (policy->names[at + 1] == NULL && from->p_type_val_to_name[at] != NULL &&
            strcmp(from->p_type_val_to_name[at], "defined_port_type") == 0)
            defined = at + 1;
    if (defined != 0 && policy->members[defined] == NULL)
        policy->members[defined] = model_set_new(policy, policy->arena);
    policy->claimed = policy->members[defined];

    for (uint32_t at = 0; at < policy->type_count; at++) {
        ebitmap_node_t *node = NULL;
        unsigned bit;
        if (policy->names[at + 1] == NULL)
            continue;
        ebitmap_for_each_positive_bit(&from->type_attr_map[at], node, bit)
        {
            if (bit < policy->type_count && policy->members[bit + 1] != NULL)
                model_set_add(policy->members[bit + 1], at + 1);
        }
    }
}

static void take_permissive(const policydb_t *from, struct selinux_policy *policy)
{
    ebitmap_node_t *node = NULL;
    unsigned bit;

    policy->permissive = model_set_new(policy, policy->arena);
    ebitmap_for_each_positive_bit(&from->permissive_map, node, bit)
    {
        if (bit >= 1 && bit <= policy->type_count)
            model_set_add(policy->permissive, bit);
    }
}

/* ---- taking out: ports ---- */
static int protocol_of(uint8_t number)
{
    switch (number) {
    case IPPROTO_TCP:
        return MODEL_TCP;
    case IPPROTO_UDP:
        return MODEL_UDP;
    case IPPROTO_DCCP:
        return MODEL_DCCP;
    case IPPROTO_SCTP:
        return MODEL_SCTP;
    default:
        return -1;
    }
}

static void take_ports(const policydb_t *from, struct selinux_policy *policy)
{
    for (const ocontext_t *port = from->ocontexts[OCON_PORT]; port != NULL; port = port->next) {
        int protocol = protocol_of(port->u.port.protocol);
        if (protocol >= 0)
            ARENA_PUSH(policy->arena, policy->records, policy->record_count) =
                (struct model_record){
                    .low = port->u.port.low_port,
                    .high = port->u.port.high_port,
                    .protocol = (enum model_protocol)protocol,
                    .type = port->context[0].type,
                };
    }
    for (const ocontext_t *sid = from->ocontexts[OCON_ISID]; sid != NULL; sid = sid->next)
        if (sid->sid[0] == SID_PORT)
            policy->no_record = sid->context[0].type;
}

/* ---- reading ---- */
static int take_out(const policydb_t *from, struct selinux_policy *policy, struct err *err)
{
    if (from->target_platform != SEPOL_TARGET_SELINUX)
        return err_set(err, ERR_INPUT, "it is not a policy of Linux");
    if (from->p_types.nprim == 0 || from->p_types.nprim > TYPES_MAX || from->type_attr_map == NULL)
        return err_set(err, ERR_INPUT, "it has no types");
    take_types(from, policy);
    take_booleans(from, policy);
    take_rules(from, policy);
    take_members(from, policy);
    take_permissive(from, policy);
    take_ports(from, policy);
    return model_settle(policy, err);
}

static int read_image(struct span bytes, struct selinux_policy *policy, struct arena *arena,
                      struct err *err)
{
    sepol_handle_t *handle __attribute__((cleanup(handle_cleanup))) = sepol_handle_create();
    sepol_policy_file_t *file __attribute__((cleanup(file_cleanup))) = NULL;
    sepol_policydb_t *database __attribute__((cleanup(database_cleanup))) = NULL;
    struct message message = {""};

    if (handle == NULL || sepol_policy_file_create(&file) < 0 ||
        sepol_policydb_create(&database) < 0)
        arena_exhausted();
    sepol_msg_set_callback(handle, keep_message, &message);
    sepol_debug(0); /* what it says without a handle goes to standard error */
    if (!has_our_layout(database))
        return err_set(err, ERR_UNSUPPORTED,
                       "this hamedic was built for another version of libsepol: build it anew");
    sepol_policy_file_set_mem(file, arena_copy(arena, bytes.ptr, bytes.len), bytes.len);
    sepol_policy_file_set_handle(file, handle);
    if (sepol_policydb_read(database, file) < 0)
        return err_set(err, ERR_INPUT, "no policy that libsepol reads: %s",
                       message.text[0] != '\0' ? message.text : "cut off or damaged");
    if (database->p.policy_type != POLICY_KERN)
        return err_set(err, ERR_INPUT, "a module, not a whole policy");
    return take_out(&database->p, policy, err);
}

static int read_policy(const struct host *host, const char *path, struct arena *arena,
                       struct selinux_policy *policy, struct err *err)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    const struct timespec pause = {0, BUSY_PAUSE_NS};
    struct span bytes;
    bool exists = false;
    int result = -1;

    /* The kernel lets one process at a time have its policy open. */
    for (int tries = 0; tries < BUSY_TRIES; tries++) {
        result = host_read(host, path, POLICY_MAX, arena, &exists, &bytes, err);
        if (result == 0 || err->kind != ERR_SYS || err->sys != EBUSY)
            break;
        (void)nanosleep(&pause, NULL);
    }
    if (result < 0)
        return -1;
    if (!exists)
        return err_set(err, ERR_UNSUPPORTED, "there is no '%s'", path);
    (void)pthread_mutex_lock(&one_at_a_time);
    result = read_image(bytes, policy, arena, err);
    (void)pthread_mutex_unlock(&one_at_a_time);
    return result < 0 ? err_wrap(err, "SELinux policy '%s'", path) : 0;
}

/* The newest version among the installed ones that libsepol can read, as the boot chooses it. */
static int find_installed(const struct host *host, struct arena *arena, const char **out_path,
                          struct err *err)
{
    const uint64_t newest = (uint64_t)sepol_policy_kern_vers_max();
    const char *store = NULL;
    struct strings names;
    uint64_t best = 0;

    if (selinux_store_name(host, arena, &store, err) < 0)
        return -1;
    if (store == NULL)
        return err_set(err, ERR_UNSUPPORTED, "this host has no SELinux policy");
    const char *dir = arena_printf(arena, "/etc/selinux/%s/policy", store);
    if (host_list(host, dir, arena, &names, err) < 0)
        return -1;
    for (size_t at = 0; at < names.count; at++) {
        struct span name = span_of(names.at[at]);
        struct span rest = name;
        uint64_t version;
        if (span_is(span_cut(&rest, '.'), "policy") && span_scan_u64(rest, &version) &&
            version > best && version <= newest)
            best = version;
    }
    if (best == 0)
        return err_set(err, ERR_UNSUPPORTED, "'%s' has no policy of a version up to %u", dir,
                       (unsigned)newest);
    *out_path = arena_printf(arena, "%s/policy.%u", dir, (unsigned)best);
    return 0;
}

static int open_policy(const struct host *host, const char *path,
                       struct selinux_policy **out_policy, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct selinux_policy *policy = arena_alloc(arena, sizeof *policy);

    policy->arena = arena;
    if (read_policy(host, path, scratch, policy, err) < 0)
        return -1;
    *out_policy = policy;
    arena = NULL; /* the policy's own from here on */
    return 0;
}

int selinux_policy_open_installed(const struct host *host, struct selinux_policy **out_policy,
                                  struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    const char *path;

    if (find_installed(host, scratch, &path, err) < 0)
        return -1;
    return open_policy(host, path, out_policy, err);
}

int selinux_policy_open(const struct host *host, struct selinux_policy **out_policy,
                        struct err *err)
{
    if (selinux_mode(host) == SELINUX_OFF)
        return selinux_policy_open_installed(host, out_policy, err);
    return open_policy(host, LOADED_POLICY, out_policy, err);
}

/* ---- is the installed one loaded? ---- */

static int was_written_since_boot(const struct host *host, bool *out_was, struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct timespec now, since_boot;
    const char *path;
    struct stat st;
    int fd CLEANUP_FD = -1;

    if (find_installed(host, scratch, &path, err) < 0 ||
        host_open_path(host, path, O_PATH, &fd, err) < 0)
        return -1;
    if (fstat(fd, &st) < 0 || clock_gettime(CLOCK_REALTIME, &now) < 0 ||
        clock_gettime(CLOCK_BOOTTIME, &since_boot) < 0)
        return err_sys(err, errno, "cannot tell when '%s' was written", path);
    *out_was = st.st_ctim.tv_sec >= now.tv_sec - since_boot.tv_sec;
    return 0;
}

int selinux_policy_is_loaded(const struct host *host, bool *out_is, struct err *err)
{
    struct selinux_policy *loaded CLEANUP_SELINUX_POLICY = NULL;
    struct selinux_policy *installed CLEANUP_SELINUX_POLICY = NULL;
    bool written;

    *out_is = true;
    if (selinux_mode(host) == SELINUX_OFF)
        return 0;
    if (was_written_since_boot(host, &written, err) < 0)
        return -1;
    if (!written)
        return 0;
    if (selinux_policy_open(host, &loaded, err) < 0 ||
        selinux_policy_open_installed(host, &installed, err) < 0)
        return -1;
    *out_is = selinux_policy_is_like(loaded, installed);
    return 0;
}
