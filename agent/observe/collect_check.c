#include "agent/observe/collect.h"

/* A configuration with many names to resolve takes long; one that hangs must not hold up the rest
 * for ever. */
enum { CHECK_DEADLINE_MS = 10000 };

int collect_check(struct collection *collection, struct err *err)
{
    return haproxy_check(collection->host, collection->known->haproxy, NULL, 0, CHECK_DEADLINE_MS,
                         collection->arena, &collection->facts->check, err);
}
