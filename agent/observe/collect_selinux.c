#include <string.h>

#include "agent/observe/collect.h"
#include "remediations/host/semanage_condition.h"

enum { PORTS_MAX = 2048, PROTOCOLS = 2, PORTS = 65536 };
static const char *const protocols[PROTOCOLS] = {"tcp", "udp"};

/* What the configuration does with each port. */
struct wanted {
    uint8_t uses[PROTOCOLS][PORTS];
};

/* QUIC listens on UDP. */
static bool is_udp(const struct cfg_bind *bind)
{
    return bind->text != NULL &&
           (strncmp(bind->text, "quic", 4) == 0 || strncmp(bind->text, "udp", 3) == 0);
}

static void want(struct wanted *wanted, bool udp, uint32_t port, unsigned use)
{
    if (port > 0 && port < PORTS)
        wanted->uses[udp][port] = (uint8_t)(wanted->uses[udp][port] | use);
}

static void want_of(const struct cfg_proxy *proxy, struct wanted *wanted)
{
    for (size_t i = 0; i < proxy->bind_count; i++)
        for (uint32_t port = proxy->binds[i].port_low; port <= proxy->binds[i].port_high; port++)
            want(wanted, is_udp(&proxy->binds[i]), port, SELINUX_BIND);
    for (size_t i = 0; i < proxy->server_count; i++) {
        if (proxy->servers[i].is_unix)
            continue;
        want(wanted, false, proxy->servers[i].port, SELINUX_CONNECT);
        want(wanted, false, proxy->servers[i].check_port, SELINUX_CONNECT);
    }
}

static void list_ports(struct collection *collection, struct selinux_facts *selinux)
{
    const struct cfg *cfg = collection->known->cfg;
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct wanted *wanted = arena_alloc(scratch, sizeof *wanted);

    for (size_t p = 0; cfg != NULL && p < cfg->proxy_count; p++)
        if (!cfg->proxies[p]->disabled)
            want_of(cfg->proxies[p], wanted);
    for (size_t protocol = 0; protocol < PROTOCOLS; protocol++)
        for (uint32_t port = 1; port < PORTS && selinux->port_count < PORTS_MAX; port++)
            if (wanted->uses[protocol][port] != 0)
                ARENA_PUSH(collection->arena, selinux->ports, selinux->port_count) =
                    (struct selinux_port_fact){.protocol = protocols[protocol],
                                               .port = port,
                                               .wanted = wanted->uses[protocol][port]};
}

/* ---- the policy ---- */

struct asking {
    struct collection *collection;
    const struct selinux_policy *policy;
    struct selinux_domain domain;
    struct selinux_facts *selinux;
};

static int find_cure(const struct asking *asking, const struct selinux_port_fact *fact,
                     unsigned uses, struct selinux_cure *out_cure, struct err *err)
{
    struct arena *arena = asking->collection->arena;
    const char *domain = asking->domain.type;
    /* Another label takes away what the present one gives. */
    unsigned kept = fact->allowed & fact->wanted;

    if (selinux_policy_types_for(asking->policy, domain, fact->protocol, fact->type, uses | kept,
                                 arena, &out_cure->types, err) < 0)
        return -1;
    if (fact->type == NULL)
        return 0;
    if (selinux_policy_booleans_for(asking->policy, domain, fact->type, fact->protocol, uses, arena,
                                    &out_cure->booleans, &out_cure->boolean_count, err) < 0)
        return -1;
    /* Names of the policy do not outlive it. */
    for (size_t i = 0; i < out_cure->boolean_count; i++)
        out_cure->booleans[i].name = arena_string(arena, out_cure->booleans[i].name);
    return 0;
}

/* Ports of one type have one answer. */
static const struct selinux_port_fact *twin_of(const struct selinux_facts *selinux, size_t index)
{
    const struct selinux_port_fact *fact = &selinux->ports[index];

    for (size_t i = 0; i < index; i++) {
        const struct selinux_port_fact *other = &selinux->ports[i];
        bool same_type = fact->type == NULL || other->type == NULL
                             ? fact->type == other->type
                             : strcmp(fact->type, other->type) == 0;
        if (same_type && other->wanted == fact->wanted &&
            strcmp(other->protocol, fact->protocol) == 0)
            return other;
    }
    return NULL;
}

static int ask_port(const struct asking *asking, size_t index, struct err *err)
{
    struct selinux_facts *selinux = asking->selinux;
    struct selinux_port_fact *fact = &selinux->ports[index];
    struct selinux_answer answer = {0};
    const char *type = selinux_policy_port_type(asking->policy, fact->protocol, fact->port);

    fact->type = type != NULL ? arena_string(asking->collection->arena, type) : NULL;
    const struct selinux_port_fact *twin = twin_of(selinux, index);
    if (twin != NULL) {
        fact->allowed = twin->allowed;
        memcpy(fact->cures, twin->cures, sizeof fact->cures);
        return 0;
    }
    if (selinux_ask(asking->collection->host, &asking->domain, fact->type, fact->protocol, &answer,
                    err) < 0)
        return -1;
    fact->allowed = answer.allowed;
    selinux->domain_permissive = selinux->domain_permissive || answer.permissive;
    for (unsigned uses = 1; uses < SELINUX_CURES; uses++)
        if ((uses & ~fact->wanted) == 0 && (uses & fact->allowed) == 0 &&
            find_cure(asking, fact, uses, &fact->cures[uses], err) < 0)
            return -1;
    return 0;
}

/* ---- booleans ---- */

static bool is_listed(const struct selinux_facts *selinux, const char *name)
{
    for (size_t i = 0; i < selinux->boolean_count; i++)
        if (strcmp(selinux->booleans[i].name, name) == 0)
            return true;
    return false;
}

/* "haproxy_connect_any" belongs to haproxy_t. */
static bool is_of_domain(const char *boolean, const char *domain)
{
    size_t len = strlen(domain);

    return len > 1 && strcmp(domain + len - 2, "_t") == 0 && strncmp(boolean, domain, len - 1) == 0;
}

/* Those that would cure something, and those that bear the domain's name: on or off. */
static int list_booleans(const struct asking *asking, struct err *err)
{
    struct selinux_facts *selinux = asking->selinux;
    struct arena *arena = asking->collection->arena;
    struct strings names = {0};

    for (size_t p = 0; p < selinux->port_count; p++)
        for (size_t c = 0; c < SELINUX_CURES; c++) {
            const struct selinux_cure *cure = &selinux->ports[p].cures[c];
            for (size_t i = 0; i < cure->boolean_count; i++)
                if (!is_listed(selinux, cure->booleans[i].name))
                    ARENA_PUSH(arena, selinux->booleans, selinux->boolean_count) =
                        (struct selinux_boolean_fact){.name = cure->booleans[i].name};
        }
    if (selinux_boolean_names(asking->collection->host, arena, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.count; i++)
        if (is_of_domain(names.at[i], selinux->domain) && !is_listed(selinux, names.at[i]))
            ARENA_PUSH(arena, selinux->booleans, selinux->boolean_count) =
                (struct selinux_boolean_fact){.name = names.at[i]};
    for (size_t i = 0; i < selinux->boolean_count; i++) {
        struct selinux_boolean_effect effect = {0};
        if (selinux_policy_boolean_effect(asking->policy, selinux->booleans[i].name,
                                          selinux->domain, arena, &effect, err) < 0)
            return -1;
        selinux->booleans[i].other_domains = effect.other_domains;
    }
    return 0;
}

/* Both sides of each; one that either does not know is taken out. */
static int read_booleans(struct collection *collection, struct selinux_facts *selinux,
                         struct semanage *store, struct err *err)
{
    size_t kept = 0;

    for (size_t i = 0; i < selinux->boolean_count; i++) {
        struct selinux_boolean_fact boolean = selinux->booleans[i];
        struct semanage_boolean persistent = {0};
        bool known = false;

        if (selinux_boolean_running(collection->host, boolean.name, &known, &boolean.running, err) <
                0 ||
            semanage_get_boolean(store, boolean.name, &persistent, err) < 0)
            return -1;
        boolean.persistent = persistent.on;
        if (known && persistent.known)
            selinux->booleans[kept++] = boolean;
    }
    selinux->boolean_count = kept;
    return 0;
}

static int ask_store(struct collection *collection, struct selinux_facts *selinux, struct err *err)
{
    struct semanage *store = NULL;

    if (selinux->store != SEMANAGE_SOUND)
        return err_set(err, ERR_UNSUPPORTED, "the policy store is not sound");
    if (semanage_open(collection->host, &store, err) < 0)
        return -1;
    int result = read_booleans(collection, selinux, store, err);
    semanage_close(store);
    return result;
}

static int ask_policy(struct collection *collection, struct selinux_facts *selinux, struct err *err)
{
    const struct haproxy *haproxy = collection->known->haproxy;
    struct selinux_policy *policy CLEANUP_SELINUX_POLICY = NULL;
    struct asking asking = {.collection = collection, .selinux = selinux};

    if (haproxy->program == NULL)
        return err_set(err, ERR_UNSUPPORTED, "no HAProxy is known here");
    if (selinux_domain(collection->host, haproxy->worker, haproxy->program, collection->arena,
                       &asking.domain, err) < 0 ||
        selinux_policy_open(collection->host, &policy, err) < 0)
        return -1;
    asking.policy = policy;
    selinux->domain = asking.domain.type;
    selinux->domain_permissive = selinux_policy_is_permissive(policy, asking.domain.type);
    for (size_t i = 0; i < selinux->port_count; i++)
        if (ask_port(&asking, i, err) < 0)
            return -1;
    return list_booleans(&asking, err);
}

/* What can be known is: a store that is damaged MUST be told even where nothing else answers. */
int collect_selinux(struct collection *collection, struct err *err)
{
    struct arena *arena = collection->arena;
    struct selinux_facts selinux = {.mode = selinux_mode(collection->host), .store = SEMANAGE_NONE};
    struct semanage_paths paths = {0};

    if (collection->host->live && selinux.mode == SELINUX_OFF) {
        collection->facts->selinux = selinux;
        return 0;
    }
    if (semanage_condition_paths(collection->host, arena, &paths, err) < 0 ||
        semanage_check(collection->host, arena, &selinux.store, err) < 0)
        return -1;
    selinux.store_path = paths.store;
    selinux.installed = paths.installed;
    if (selinux.mode != SELINUX_OFF) {
        struct err unknown;
        bool loaded = true;
        if (selinux.store == SEMANAGE_SOUND &&
            selinux_policy_is_loaded(collection->host, &loaded, &unknown) == 0)
            selinux.not_loaded = !loaded;
        list_ports(collection, &selinux);
        if (ask_policy(collection, &selinux, err) < 0) {
            selinux.unasked = arena_string(arena, err->text);
            selinux.port_count = selinux.boolean_count = 0;
        } else if (ask_store(collection, &selinux, err) < 0) {
            selinux.unread = arena_string(arena, err->text);
            selinux.boolean_count = 0;
        }
    }
    *err = (struct err){0};
    collection->facts->selinux = selinux;
    return 0;
}
