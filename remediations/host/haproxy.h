/* host/haproxy: the HAProxy of this host: found by its process, else by its unit and files.
 * Use:     struct haproxy haproxy; haproxy_find(host, arena, &haproxy, err)
 * Shapes:  pids are of the agent's pid namespace; limits are numbers of descriptors (UINT64_MAX:
 *          unlimited). Paths are absolute: relative arguments were resolved against the process's
 *          working directory.
 * Owns:    everything lives in the arena.
 * Errors:  ERR_SYS; ERR_INPUT where several HAProxy masters run and the settings do not say which
 *          (all are named). A host without HAProxy is no error: running false, program NULL.
 * Source:  proc(5); HAProxy management.txt 3 (arguments), facts recorded from 2.4 to 3.5: a
 *          worker's command line shows "-sf PIDS" and "-x SOCKET" that the master added, which are
 *          not the operator's.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_HAPROXY_H
#define HAMEDIC_REMEDIATIONS_HOST_HAPROXY_H

#include <sys/types.h>

#include "remediations/host/host.h"

struct haproxy {
    bool running;
    pid_t master; /* 0: not in master-worker mode, or not running */
    pid_t worker; /* the newest worker, or the only process; 0: none */
    uint64_t
        master_start; /* starttime of the master (of the only process), in clock ticks since boot */
    uint64_t worker_start;
    pid_t *old_workers; /* still draining */
    size_t old_worker_count;

    const char *program; /* "/usr/sbin/haproxy"; NULL: none installed */
    const char *version; /* "2.6.12-1+deb12u4"; NULL unknown */
    unsigned major, minor;

    struct strings config;      /* the -f arguments in order: files and directories */
    struct strings arguments;   /* what else was given (-W, -n 400, -C dir, -m ...), to be repeated
                                   with -c; not -f -c -D -p -S -sf -st -x -q -V */
    uint64_t argument_maxconn;  /* -n; 0: not given */
    const char *directory;      /* working directory; "/" */
    struct strings environment; /* NAME=VALUE the configuration may use */

    const char
        *unit; /* systemd unit the process belongs to, or that the host's files define; else NULL */
    bool by_systemd; /* systemd runs here and holds this unit: reload and limits go through it */
    /* As haproxy_api.h takes them; NULL: none that can be asked from here. */
    const char *stats_socket;  /* from settings, else the configuration */
    const char *master_socket; /* from settings, else -S */
    bool has_master_api;       /* there is one, whether it can be asked or not */

    uint64_t limit_soft, limit_hard; /* RLIMIT_NOFILE of the master (only process) now */
    uint64_t worker_limit_soft;      /* of the worker now */
    bool can_raise_limit;            /* effective CAP_SYS_RESOURCE of the master */
    bool same_network;               /* its network namespace is the agent's */

    /* Who it was started as. Where that is not root, its program and configuration may be that
     * user's own, and haproxy_check runs them with that user's rights and no more. */
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    size_t group_count;
};

MUST_CHECK int haproxy_find(const struct host *host, struct arena *arena,
                            struct haproxy *out_haproxy, struct err *err);
/* Is this still the same master (or only process)? */
bool haproxy_is_same_process(const struct haproxy *haproxy);

/* `haproxy -c` with the operator's own arguments, working directory and environment. `staged` pairs
 * replace files of the configuration (also inside -f directories): [0] the path that is meant, [1]
 * the path to read. Never run in a tree. Deadline in milliseconds: ERR_SYS ETIMEDOUT and the
 * process is ended. */
struct haproxy_verdict {
    int exit_code;      /* 0 valid; 1 errors; 2 no listener; other: as it came */
    struct span output; /* at most 64 KiB of what it printed, escaped line by line; staged names
                           mapped back */
};
struct staged_file {
    const char *path;
    const char *staged_path;
};
MUST_CHECK int haproxy_check(const struct host *host, const struct haproxy *haproxy,
                             const struct staged_file *staged, size_t staged_count,
                             unsigned deadline_ms, struct arena *arena,
                             struct haproxy_verdict *out_verdict, struct err *err);
/* `haproxy -v` with the agent's rights. NULL: its answer names no version. */
MUST_CHECK int haproxy_program_version(const char *program, unsigned deadline_ms,
                                       struct arena *arena, const char **out_version,
                                       struct err *err);

/* Reloads through systemd where it holds the unit, else through the master (its socket from 2.7 on,
 * else SIGUSR2 by pidfd), and waits until a NEW worker serves. Fails with the reason, the old
 * worker still serving, where it does not come (systemd reports success for that). ERR_UNSUPPORTED
 * where there is no master. On success *haproxy is brought up to date. */
MUST_CHECK int haproxy_reload(const struct host *host, struct haproxy *haproxy,
                              unsigned deadline_ms, struct arena *arena, struct err *err);

/* Starts a HAProxy that does not run, through its systemd unit, also one that systemd has given up,
 * and waits until it serves. On success *haproxy is brought up to date. ERR_UNSUPPORTED where no
 * systemd holds its unit. */
MUST_CHECK int haproxy_start(const struct host *host, struct haproxy *haproxy, unsigned deadline_ms,
                             struct arena *arena, struct err *err);
/* ERR_UNSUPPORTED where haproxy_start could not start it. */
MUST_CHECK int haproxy_check_start(const struct host *host, const struct haproxy *haproxy,
                                   struct err *err);

/* ERR_UNSUPPORTED where HAProxy runs here and cannot be reloaded: it has no master. */
MUST_CHECK int haproxy_check_reload(const struct host *host, const struct haproxy *haproxy,
                                    struct err *err);

#endif
