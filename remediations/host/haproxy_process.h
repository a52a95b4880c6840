/* host/haproxy_process: processes in /proc, as far as finding HAProxy needs them.
 * Use:     process_list(host, arena, &processes) ; process_read(host, pid, arena, &process)
 * Shapes:  only processes of the agent's own pid namespace: in a container's namespace the same
 *          number is another process's. Live hosts only.
 * Owns:    everything lives in the arena.
 * Errors:  a process may end at any moment, and may not be ours to look at: what could not be read
 *          is NULL or empty, and a process that is gone is told by false.
 * Source:  proc(5). Field 22 of stat is the start time; a process keeps it through execve(2).
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_HAPROXY_PROCESS_H
#define HAMEDIC_REMEDIATIONS_HOST_HAPROXY_PROCESS_H

#include "remediations/host/haproxy.h"

struct process {
    pid_t pid, parent;
    uint64_t start;
    uid_t uid; /* real */
    gid_t gid;
    gid_t *groups;
    size_t group_count;
    const char *name;     /* comm, escaped */
    const char *program;  /* exe, " (deleted)" taken off; NULL: not readable */
    struct strings words; /* the command line as it is, injected arguments and all */
};

/* False: no such process (any more). */
bool process_read(pid_t pid, struct arena *arena, struct process *out_process);
/* All HAProxy processes that serve (not those that run "-c" or "-v"). `program` is one more name it
 * may have, or NULL. */
MUST_CHECK int process_list_haproxy(const char *program, struct arena *arena,
                                    struct process **out_processes, size_t *out_count,
                                    struct err *err);
/* Start time in clock ticks since boot; 0: no such process. */
uint64_t process_start(pid_t pid);
/* Such a start time in seconds since 1970, as the clock is set now. 0: not known. */
int64_t process_started(uint64_t start);
/* The whole of /proc/PID/NAME; empty where it cannot be read. */
struct span process_file(pid_t pid, const char *name, struct arena *arena);
/* Where /proc/PID/NAME points; NULL where it cannot be read. */
const char *process_link(pid_t pid, const char *name, struct arena *arena);
/* The NUL-ended strings of a file such as cmdline or environ. */
struct strings process_strings(struct span bytes, struct arena *arena);
/* The part of a line of `text` behind `key`, blanks trimmed; empty where there is none. */
struct span process_field(struct span text, const char *key);

/* The effective ones; false: not known. */
bool process_capabilities(pid_t pid, struct arena *arena, uint64_t *out_mask);

/* A command line, taken apart the way HAProxy does it. Paths are made absolute. */
struct haproxy_command {
    bool serves;        /* false: "-c", "-v", "-cc": it checks something and ends */
    bool master_worker; /* -W, -Ws */
    struct strings config;
    struct strings arguments;  /* as in struct haproxy */
    uint64_t maxconn;          /* -n; 0: not given */
    const char *directory;     /* -C in effect, else `directory` */
    bool has_master_api;       /* -S */
    const char *master_socket; /* as haproxy_api.h takes it; NULL: not one that can be asked */
    const char *pid_file;
    struct strings replaces; /* pids after -sf and -st */
};
/* `words` with [0] the program; `directory` is the absolute working directory; `inside`: -C was
 * already followed when `directory` was read. */
void haproxy_command_parse(const struct strings *words, const char *directory, bool inside,
                           struct arena *arena, struct haproxy_command *out_command);

/* A process that no other HAProxy process started: a master, or the only process of an instance. */
struct instance {
    const struct process *process;
    struct haproxy_command command;
    const struct process **children; /* newest first */
    size_t child_count;
};
struct instances {
    struct instance *all;
    size_t count;
    struct instance *chosen; /* NULL: none runs */
};
/* Which instances run, and which one is meant: ERR_INPUT names them all where that is not clear. */
MUST_CHECK int haproxy_instances(const struct host *host, struct arena *arena,
                                 struct instances *out_instances, struct err *err);
/* The systemd unit whose main process this is; NULL: none. */
const char *haproxy_unit_of(const struct host *host, pid_t pid, struct arena *arena);

/* What haproxy_find does, in two steps for who needs the parsed configuration too: the process,
 * unit and files; then, once the configuration was read, which stats socket to ask (`cfg` NULL:
 * what the settings say). */
struct cfg;
MUST_CHECK int haproxy_locate(const struct host *host, struct arena *arena,
                              struct haproxy *out_haproxy, struct err *err);
void haproxy_choose_stats_socket(const struct host *host, const struct cfg *cfg,
                                 struct haproxy *haproxy);
/* Where the configuration cannot be read: what the running one told; left as it is where none of these sockets takes
 * connections. The path lives in `arena`. */
void haproxy_choose_told_socket(const struct host *host, struct arena *arena,
                                struct haproxy *haproxy);

/* Reloads that failed since the last one that worked, as the running master counts them: it hands
 * the number on in its environment when it executes itself anew (2.5 to 3.0):
 * "HAPROXY_PROCESSES=|type=m;fd=-1;pid=1;reloads=1;failedreloads=1;...". -1: not told; from 3.1 on
 * the number stands there only once the next reload has begun. */
int64_t haproxy_told_failures(const struct haproxy *haproxy, struct arena *arena);

/* Runs a program without a shell; both its outputs together, at most `max` bytes, the rest read and
 * dropped. */
struct program_run {
    const char *const *argv; /* NULL-ended; [0] is the path */
    const char *const *environment;
    const char *directory;
    bool as_user; /* give up root for the credentials below */
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    size_t group_count;
    const int *sockets; /* numbers above 2 that it finds open, each as an unbound TCP socket */
    size_t socket_count;
};
#define PROGRAM_OUTPUT_MAX ((size_t)64 * 1024)
MUST_CHECK int haproxy_program_run(const struct program_run *run, unsigned deadline_ms,
                                   struct arena *arena, int *out_exit, struct span *out_output,
                                   struct err *err);
/* `haproxy -v` with run->argv[0] and the credentials of `run`. NULL: its answer names no version.
 */
MUST_CHECK int haproxy_version_run(const struct program_run *run, unsigned deadline_ms,
                                   struct arena *arena, const char **out_version, struct err *err);
/* Fills in the credentials: what was not started as root is not run as root. */
void haproxy_run_as(const struct haproxy *haproxy, struct program_run *run);

#endif
