#include <stdlib.h>
#include <string.h>

#include "agent/observe/collect.h"

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* What clients ask for, where HAProxy listens, and the addresses of all servers, as the file and as
 * the running process have them, each once. */
static struct strings list_targets(const struct facts *known, struct arena *arena)
{
    struct strings all = {0}, each = {0};

    if (known->net.target != NULL)
        strings_add(&all, arena, known->net.target);
    for (size_t i = 0; known->cfg != NULL && i < known->cfg->proxy_count; i++) {
        const struct cfg_proxy *proxy = known->cfg->proxies[i];
        for (size_t b = 0; b < proxy->bind_count; b++)
            if (!proxy->binds[b].is_unix && proxy->binds[b].address != NULL)
                strings_add(&all, arena, proxy->binds[b].address);
        for (size_t s = 0; s < proxy->server_count; s++)
            if (!proxy->servers[s].is_unix && proxy->servers[s].address != NULL)
                strings_add(&all, arena, proxy->servers[s].address);
    }
    for (size_t i = 0; i < known->stat_count; i++) {
        const char *text = known->stats[i].address, *colon;
        if (text == NULL || (colon = strrchr(text, ':')) == NULL || colon - text < 2)
            continue;
        bool bracketed = text[0] == '[' && colon[-1] == ']';
        strings_add(&all, arena,
                    bracketed ? arena_copy(arena, text + 1, (size_t)(colon - text) - 2)
                              : arena_copy(arena, text, (size_t)(colon - text)));
    }
    if (all.count > 1)
        qsort(all.at, all.count, sizeof *all.at, compare);
    for (size_t i = 0; i < all.count; i++)
        if (i == 0 || strcmp(all.at[i - 1], all.at[i]) != 0)
            strings_add(&each, arena, all.at[i]);
    return each;
}

/* In the last wave: a neighbour that does not answer is known as such once somebody tried. */
int collect_links(struct collection *collection, struct err *err)
{
    struct strings targets = list_targets(collection->known, collection->arena);

    return links_read(collection->known->haproxy->worker, &targets, collection->arena,
                      &collection->facts->net.links, err);
}
