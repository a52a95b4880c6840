/* Stands in for systemd.c where hamedic was built without libsystemd. */
#include "remediations/host/systemd.h"

static int unsupported(struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED, "this hamedic was built without libsystemd");
}

bool systemd_runs(const struct host *host)
{
    (void)host;
    return false;
}

int systemd_unit_state(const struct host *host, const char *unit, struct arena *arena,
                       struct systemd_unit *out_unit, struct err *err)
{
    (void)host;
    (void)unit;
    (void)arena;
    (void)out_unit;
    return unsupported(err);
}

int systemd_unit_of(const struct host *host, pid_t pid, struct arena *arena, const char **out_unit,
                    struct err *err)
{
    (void)host;
    (void)pid;
    (void)arena;
    (void)out_unit;
    return unsupported(err);
}

int systemd_daemon_reload(const struct host *host, struct err *err)
{
    (void)host;
    return unsupported(err);
}

int systemd_start_unit(const struct host *host, const char *unit, unsigned deadline_ms,
                       struct err *err)
{
    (void)host;
    (void)unit;
    (void)deadline_ms;
    return unsupported(err);
}

int systemd_reload_unit(const struct host *host, const char *unit, unsigned deadline_ms,
                        struct err *err)
{
    (void)host;
    (void)unit;
    (void)deadline_ms;
    return unsupported(err);
}

int systemd_stop_unit(const struct host *host, const char *unit, unsigned deadline_ms,
                      struct err *err)
{
    (void)host;
    (void)unit;
    (void)deadline_ms;
    return unsupported(err);
}

int systemd_unit_file_state(const struct host *host, const char *unit, struct arena *arena,
                            const char **out_state, struct err *err)
{
    (void)host;
    (void)unit;
    (void)arena;
    (void)out_state;
    return unsupported(err);
}
