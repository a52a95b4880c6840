#include <string.h>

#include "agent/observe/collect.h"

/* What stands in front of more ports and servers than these is not asked. */
enum { QUESTIONS_MAX = 1024 };

struct asking {
    struct arena *arena;
    struct firewall_question *questions;
    size_t count;
};

static void add(struct asking *asking, enum firewall_way way, const char *address, uint32_t port)
{
    if (address == NULL || port == 0 || port > UINT16_MAX || asking->count >= QUESTIONS_MAX)
        return;
    for (size_t i = 0; i < asking->count; i++)
        if (asking->questions[i].way == way && asking->questions[i].port == port &&
            strcmp(asking->questions[i].address, address) == 0)
            return;
    ARENA_PUSH(asking->arena, asking->questions, asking->count) =
        (struct firewall_question){way, address, port};
}

int collect_firewall(struct collection *collection, struct err *err)
{
    const struct facts *known = collection->known;
    const struct cfg *cfg = known->cfg;
    struct asking asking = {.arena = collection->arena};

    add(&asking, FIREWALL_IN, known->net.target, known->net.target_port);
    for (size_t i = 0; cfg != NULL && i < cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = cfg->proxies[i];
        for (size_t b = 0; b < proxy->bind_count; b++)
            if (!proxy->binds[b].is_unix)
                add(&asking, FIREWALL_IN, proxy->binds[b].address, proxy->binds[b].port_low);
    }
    for (size_t i = 0; cfg != NULL && i < cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = cfg->proxies[i];
        for (size_t s = 0; s < proxy->server_count; s++)
            if (!proxy->servers[s].is_unix)
                add(&asking, FIREWALL_OUT, proxy->servers[s].address, proxy->servers[s].port);
    }
    return firewall_ask(collection->host, known->haproxy->worker, asking.questions, asking.count,
                        collection->arena, &collection->facts->net.firewall, err);
}
