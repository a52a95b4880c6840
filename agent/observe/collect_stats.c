#include "agent/observe/collect.h"

int collect_open_stats(struct collection *collection, struct err *err)
{
    const struct haproxy *haproxy = collection->known->haproxy;

    if (!haproxy->running)
        return err_set(err, ERR_UNSUPPORTED, "no HAProxy runs here");
    if (haproxy->stats_socket == NULL && collection->known->cfg != NULL &&
        collection->known->cfg->global.stats_socket_count > 0)
        return err_set(err, ERR_UNSUPPORTED,
                       "HAProxy's 'stats socket %s' is none that can be asked from here",
                       collection->known->cfg->global.stats_sockets[0].text);
    if (haproxy->stats_socket == NULL)
        return err_set(err, ERR_UNSUPPORTED,
                       collection->known->cfg != NULL
                           ? "HAProxy has no stats socket"
                           : "no configuration was read that names a stats socket");
    if (haproxy_api_open(haproxy->stats_socket, &collection->opened[0], err) < 0)
        return -1;
    collection->opened_count = 1;
    return 0;
}

/* Does a server wait for its name to be resolved while HAProxy runs? */
static bool has_names(const struct cfg *cfg)
{
    for (size_t i = 0; cfg != NULL && i < cfg->proxy_count; i++)
        for (size_t k = 0; k < cfg->proxies[i]->server_count; k++)
            if (cfg_contact_of(&cfg->proxies[i]->servers[k])->resolvers != NULL)
                return true;
    return false;
}

int collect_stats(struct collection *collection, struct err *err)
{
    const char *path = collection->known->haproxy->stats_socket;
    struct facts *facts = collection->facts;
    struct haproxy_info info = {0};
    struct haproxy_stat *stats = NULL;
    bool names = has_names(collection->known->cfg);
    const char *question = names ? "show info;show stat;show resolvers" : "show info;show stat";
    struct span answer;
    size_t count = 0;

    if (haproxy_api_ask_open(collection->opened[0], path, question, HAPROXY_API_DEADLINE_MS,
                             HAPROXY_API_ANSWER_MAX, collection->arena, &answer, err) < 0 ||
        haproxy_info_parse(answer, collection->arena, &info, err) < 0 ||
        haproxy_stat_parse(answer, collection->arena, &stats, &count, err) < 0)
        return -1;
    if (names)
        haproxy_resolvers_parse(answer, collection->arena, &facts->resolvers,
                                &facts->resolver_count);
    facts->info = info;
    facts->stats = stats;
    facts->stat_count = count;
    return 0;
}
