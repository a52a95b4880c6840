#include "remediations/host/haproxy.h"
#include "remediations/host/systemd.h"

int haproxy_check_start(const struct host *host, const struct haproxy *haproxy, struct err *err)
{
    if (!host->live)
        return err_set(err, ERR_UNSUPPORTED, "nothing is started in a tree");
    if (!systemd_runs(host))
        return err_set(err, ERR_UNSUPPORTED,
                       "systemd does not run here, so that nobody can start it");
    if (haproxy->unit == NULL)
        return err_set(err, ERR_UNSUPPORTED, "no systemd unit of HAProxy is known here");
    return 0;
}

int haproxy_start(const struct host *host, struct haproxy *haproxy, unsigned deadline_ms,
                  struct arena *arena, struct err *err)
{
    struct haproxy fresh;

    if (haproxy_check_start(host, haproxy, err) < 0)
        return -1;
    if (systemd_start_unit(host, haproxy->unit, deadline_ms, err) < 0)
        return err_wrap(err, "cannot start HAProxy");
    if (haproxy_find(host, arena, &fresh, err) < 0)
        return -1;
    if (!fresh.running || fresh.worker == 0)
        return err_set(err, ERR_SYS, "'%s' was started, but no HAProxy runs", haproxy->unit);
    *haproxy = fresh;
    return 0;
}
