/* host/systemd: the running systemd, over D-Bus. The only user of libsystemd.
 * Without libsystemd, or where systemd is not PID 1: systemd_runs() is false, all else ERR_UNSUPPORTED.
 * Source:  org.freedesktop.systemd1(5), sd_booted(3).
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SYSTEMD_H
#define HAMEDIC_REMEDIATIONS_HOST_SYSTEMD_H

#include "remediations/host/host.h"

struct systemd_unit {
    bool loaded;
    const char *active_state; /* "active", "failed", ... */
    const char *sub_state;
    const char *result; /* "success", "exit-code", ... */
    pid_t main_pid;
    uint64_t limit_soft, limit_hard; /* LimitNOFILE as loaded */
    bool needs_daemon_reload;
};

bool systemd_runs(const struct host *host);
MUST_CHECK int systemd_unit_state(const struct host *host, const char *unit, struct arena *arena,
                                  struct systemd_unit *out_unit, struct err *err);
/* The unit a process belongs to; NULL: none. */
MUST_CHECK int systemd_unit_of(const struct host *host, pid_t pid, struct arena *arena,
                               const char **out_unit, struct err *err);
MUST_CHECK int systemd_daemon_reload(const struct host *host, struct err *err);
/* Starts the job and waits for its end, at most deadline_ms. Success of the job is not success of the reload. */
MUST_CHECK int systemd_reload_unit(const struct host *host, const char *unit, unsigned deadline_ms,
                                   struct err *err);

#endif
