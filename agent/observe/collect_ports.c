/* Who holds the ports that the configuration wants: HAProxy itself, another process, or outgoing
 * connections. */
#include "agent/observe/collect.h"

/* Ports of TCP bind lines, each once. */
static size_t list_ports(const struct cfg *cfg, struct arena *arena, uint32_t **out_ports)
{
    unsigned char *seen = arena_alloc(arena, 65536 / 8);
    uint32_t *ports = NULL;
    size_t count = 0;

    for (size_t p = 0; p < cfg->proxy_count; p++) {
        const struct cfg_proxy *proxy = cfg->proxies[p];
        bool is_front = proxy->kind == CFG_FRONTEND || proxy->kind == CFG_LISTEN;

        for (size_t i = 0; is_front && !proxy->disabled && i < proxy->bind_count; i++) {
            const struct cfg_bind *bind = &proxy->binds[i];

            for (uint32_t port = bind->port_low; !bind->is_unix && port > 0 && port <= 65535 &&
                                                 port <= bind->port_high && count < PORT_FACTS_MAX;
                 port++) {
                if ((seen[port / 8] & (1U << port % 8)) != 0)
                    continue;
                seen[port / 8] |= (unsigned char)(1U << port % 8);
                ARENA_PUSH(arena, ports, count) = port;
            }
        }
    }
    *out_ports = ports;
    return count;
}

static bool has(const uint32_t *ports, size_t count, uint32_t port)
{
    for (size_t i = 0; i < count; i++)
        if (ports[i] == port)
            return true;
    return false;
}

static size_t list_own(const struct haproxy *haproxy, struct arena *arena, pid_t **out_own)
{
    pid_t *own = NULL;
    size_t count = 0;

    if (haproxy->worker != 0)
        ARENA_PUSH(arena, own, count) = haproxy->worker;
    if (haproxy->master != 0)
        ARENA_PUSH(arena, own, count) = haproxy->master;
    for (size_t i = 0; i < haproxy->old_worker_count; i++)
        ARENA_PUSH(arena, own, count) = haproxy->old_workers[i];
    *out_own = own;
    return count;
}

static int find_owners(struct collection *collection, struct port_facts *facts, struct err *err)
{
    struct arena *arena = collection->arena;
    struct port_owners owners = {0};
    uint64_t *inodes = arena_alloc(arena, (facts->listener_count + 1) * sizeof *inodes);
    pid_t *own = NULL;
    size_t own_count = list_own(collection->known->haproxy, arena, &own);

    for (size_t i = 0; i < facts->listener_count; i++)
        inodes[i] = facts->listeners[i].owner.inode;
    if (port_owner_find(own, own_count, inodes, facts->listener_count, arena, &owners, err) < 0)
        return -1;
    for (size_t i = 0; i < facts->listener_count; i++)
        facts->listeners[i].owner = owners.at[i];
    facts->complete = owners.complete;
    return 0;
}

/* Only of ports without a listener: those with one have connections that were accepted. */
static void find_holds(struct collection *collection, const uint32_t *ports, size_t count,
                       struct port_facts *facts)
{
    struct arena *arena = collection->arena;
    uint32_t *free_ports = NULL;
    size_t free_count = 0;
    struct err err = {0};

    for (size_t i = 0; i < count; i++) {
        bool listened = false;

        for (size_t k = 0; k < facts->listener_count; k++)
            listened = listened || facts->listeners[k].port == ports[i];
        if (!listened)
            ARENA_PUSH(arena, free_ports, free_count) = ports[i];
    }
    if (free_count > 0 && port_owner_connections(collection->known->haproxy->worker, free_ports,
                                                 free_count, arena, &facts->holds, &err) < 0)
        facts->holds_error = arena_string(arena, err.text);
}

int collect_ports(struct collection *collection, struct err *err)
{
    const struct facts *known = collection->known;
    struct arena *arena = collection->arena;
    struct port_facts facts = {.complete = true};
    uint32_t *ports = NULL;

    if (known->cfg == NULL)
        return err_set(err, ERR_UNSUPPORTED, "which ports are wanted is not known");
    if (!facts_have(known, SOURCE_SOCKETS))
        return err_set(err, ERR_UNSUPPORTED, "what listens is not known");
    size_t count = list_ports(known->cfg, arena, &ports);
    for (size_t i = 0; i < known->sockets.listener_count; i++) {
        const struct listener *listener = &known->sockets.listeners[i];

        if (has(ports, count, listener->port))
            ARENA_PUSH(arena, facts.listeners, facts.listener_count) = (struct port_listener){
                listener->port, listener->address, {.inode = listener->inode}};
    }
    if (find_owners(collection, &facts, err) < 0)
        return -1;
    find_holds(collection, ports, count, &facts);
    collection->facts->ports = facts;
    return 0;
}
