/* host/systemd: the running systemd, over D-Bus. The only user of libsystemd.
 * Use:     systemd_runs(host) first; each call opens and closes a connection of its own.
 * Shapes:  every call has a deadline: 10 s, a daemon-reload 90 s, a reload what the caller says.
 * Errors:  ERR_UNSUPPORTED without libsystemd, in a tree, or where systemd is not PID 1
 *          (systemd_runs() is false then); ERR_SYS with systemd's own words.
 * Source:  org.freedesktop.systemd1(5), sd_booted(3), sd-bus(3). As root its own socket
 *          (/run/systemd/private) is asked first: it is there before D-Bus is, and without D-Bus.
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
    int64_t active_since; /* seconds since 1970; 0: never */
    /* What an older systemd does not tell is NULL, -1 or false. */
    const char *status_text;   /* what the service said of itself; "": nothing */
    const char *reload_result; /* of ExecReload= when it last ran; "success" also before that */
    int64_t restarts;          /* automatic ones since it was started by somebody */
    int exit_code;             /* how the main process ended, as si_code: CLD_EXITED; 0: it runs */
    int exit_status;           /* its exit status or signal */
    bool bounds_sys_resource;  /* CapabilityBoundingSet leaves CAP_SYS_RESOURCE out */
};

bool systemd_runs(const struct host *host);
MUST_CHECK int systemd_unit_state(const struct host *host, const char *unit, struct arena *arena,
                                  struct systemd_unit *out_unit, struct err *err);
/* The unit a process belongs to; NULL: none. */
MUST_CHECK int systemd_unit_of(const struct host *host, pid_t pid, struct arena *arena,
                               const char **out_unit, struct err *err);
MUST_CHECK int systemd_daemon_reload(const struct host *host, struct err *err);
/* Starts the job and waits for its end, at most deadline_ms. Success of the job is not success of
 * the reload. */
MUST_CHECK int systemd_reload_unit(const struct host *host, const char *unit, unsigned deadline_ms,
                                   struct err *err);
/* The same for a start; a unit that systemd has given up after too many starts is started too. */
MUST_CHECK int systemd_start_unit(const struct host *host, const char *unit, unsigned deadline_ms,
                                  struct err *err);

/* The same for a stop; a unit that does not run is stopped already. */
MUST_CHECK int systemd_stop_unit(const struct host *host, const char *unit, unsigned deadline_ms,
                                 struct err *err);
/* "enabled", "disabled", "static", "masked", ...; NULL: there is no such file. */
MUST_CHECK int systemd_unit_file_state(const struct host *host, const char *unit,
                                       struct arena *arena, const char **out_state,
                                       struct err *err);

#endif
