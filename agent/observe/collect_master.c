#include "agent/observe/collect.h"

enum { ANSWER_MAX = 1024 * 1024 };

int collect_open_master(struct collection *collection, struct err *err)
{
    const struct haproxy *haproxy = collection->known->haproxy;

    if (!haproxy->running || haproxy->master == 0)
        return err_set(err, ERR_UNSUPPORTED, "no HAProxy with a master runs here");
    if (haproxy->master_socket == NULL)
        return err_set(err, ERR_UNSUPPORTED, "HAProxy has no master socket (-S)");
    if (haproxy_api_open(haproxy->master_socket, &collection->opened[0], err) < 0)
        return -1;
    collection->opened_count = 1;
    return 0;
}

int collect_master(struct collection *collection, struct err *err)
{
    const char *path = collection->known->haproxy->master_socket;
    struct haproxy_proc proc = {0};
    struct span answer;

    if (haproxy_api_ask_open(collection->opened[0], path, "show proc", HAPROXY_API_DEADLINE_MS,
                             ANSWER_MAX, collection->arena, &answer, err) < 0 ||
        haproxy_proc_parse(answer, &proc, err) < 0)
        return -1;
    collection->facts->master = proc;
    return 0;
}
