#include "agent/observe/collect.h"

int collect_unit(struct collection *collection, struct err *err)
{
    const struct host *host = collection->host;
    const char *name = collection->known->haproxy->unit;
    struct systemd_unit running = {0};
    struct unit unit = {0};

    if (name == NULL)
        return err_set(err, ERR_UNSUPPORTED, "no systemd unit of HAProxy is known here");
    if (unit_read(host, name, collection->arena, &unit, err) < 0)
        return -1;
    if (systemd_runs(host) && systemd_unit_state(host, name, collection->arena, &running, err) < 0)
        return -1;
    if (!unit.exists && !running.loaded)
        return err_set(err, ERR_UNSUPPORTED, "there is no unit '%s'", name);
    collection->facts->unit = unit;
    collection->facts->systemd_unit = running;
    return 0;
}
