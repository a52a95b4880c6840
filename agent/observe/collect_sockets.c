#include "agent/observe/collect.h"

int collect_sockets(struct collection *collection, struct err *err)
{
    const struct haproxy *haproxy = collection->known->haproxy;

    return sockets_read(collection->host, haproxy->worker, collection->arena,
                        &collection->facts->sockets, err);
}
