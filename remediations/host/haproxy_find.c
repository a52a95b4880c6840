#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "remediations/host/haproxy_api.h"
#include "remediations/host/haproxy_cfg.h"
#include "remediations/host/haproxy_endpoint.h"
#include "remediations/host/haproxy_process.h"
#include "remediations/host/systemd.h"
#include "remediations/host/unit_files.h"

enum {
    VERSION_DEADLINE_MS = 5000,
    TRIES = 3,
    SYS_RESOURCE = 24,
    GROUPS_MAX = 64,
    CONNECTS_RANK = 8
};

static const char default_unit[] = "haproxy.service";
static const char default_config[] = "/etc/haproxy/haproxy.cfg";

/* ---- what is known of the chosen one ---- */

static uint64_t limit_number(struct span word)
{
    uint64_t value = 0;

    if (span_is(word, "unlimited"))
        return UINT64_MAX;
    return span_scan_u64(word, &value) ? value : 0;
}

/* "Max open files            1024                 524288               files" */
static void read_limits(pid_t pid, struct arena *arena, uint64_t *out_soft, uint64_t *out_hard)
{
    struct span line = process_field(process_file(pid, "limits", arena), "Max open files");

    *out_soft = limit_number(span_cut(&line, ' '));
    line = span_trim(line);
    *out_hard = limit_number(span_cut(&line, ' '));
}

static bool has_sys_resource(pid_t pid, struct arena *arena)
{
    uint64_t mask = 0;

    return process_capabilities(pid, arena, &mask) && (mask >> SYS_RESOURCE & 1) != 0;
}

static bool is_same_network(pid_t pid, struct arena *arena)
{
    const char *theirs = process_link(pid, "ns/net", arena);
    const char *ours = process_link(getpid(), "ns/net", arena);

    return theirs == NULL || ours == NULL || strcmp(theirs, ours) == 0;
}

static const char *find_variable(const struct strings *environment, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < environment->count; i++)
        if (strncmp(environment->at[i], name, len) == 0 && environment->at[i][len] == '=')
            return environment->at[i] + len + 1;
    return NULL;
}

static bool exists(const struct host *host, const char *path, struct arena *arena)
{
    const char *real = NULL;
    struct err err = {0};

    return host_real_path(host, path, arena, &real, &err) == 0 && real != NULL;
}

/* A process without a master goes into its chroot, and its working directory with it: relative
 * names were meant against the directory that it was started in. Of others the file itself is not
 * looked at here: it may hang, and is another source's. */
static void leave_chroot(const struct host *host, const struct instance *instance,
                         const struct strings *environment, struct arena *arena,
                         struct haproxy_command *command)
{
    struct haproxy_command again;
    const char *directory = find_variable(environment, "PWD");
    const char *root = process_link(instance->process->pid, "root", arena);

    if ((root != NULL && strcmp(root, "/") == 0) || command->config.count == 0 ||
        exists(host, command->config.at[0], arena) || directory == NULL || directory[0] != '/')
        return;
    haproxy_command_parse(&instance->process->words, directory, false, arena, &again);
    if (exists(host, again.config.at[0], arena))
        *command = again;
}

static void take_command(struct haproxy *haproxy, const struct haproxy_command *command)
{
    haproxy->config = command->config;
    haproxy->arguments = command->arguments;
    haproxy->argument_maxconn = command->maxconn;
    haproxy->directory = command->directory;
    haproxy->master_socket = command->master_socket;
    haproxy->has_master_api = command->has_master_api;
}

static void fill_from_instance(const struct host *host, struct instance *instance,
                               struct arena *arena, struct haproxy *haproxy)
{
    const struct process *process = instance->process;
    bool has_master = instance->child_count > 0 || instance->command.master_worker;
    uint64_t hard;

    haproxy->running = true;
    haproxy->master = has_master ? process->pid : 0;
    haproxy->master_start = process->start;
    haproxy->uid = process->uid;
    haproxy->gid = process->gid;
    haproxy->groups = process->groups;
    haproxy->group_count = process->group_count;
    haproxy->program = process->program;
    haproxy->environment = process_strings(process_file(process->pid, "environ", arena), arena);
    leave_chroot(host, instance, &haproxy->environment, arena, &instance->command);
    take_command(haproxy, &instance->command);
    read_limits(process->pid, arena, &haproxy->limit_soft, &haproxy->limit_hard);
    haproxy->can_raise_limit = has_sys_resource(process->pid, arena);
    haproxy->same_network = is_same_network(process->pid, arena);
    if (haproxy->master_socket != NULL && !haproxy->same_network &&
        !haproxy_endpoint_is_path(haproxy->master_socket))
        haproxy->master_socket =
            NULL; /* an address of another network namespace is somebody else's here */
    haproxy->unit = haproxy_unit_of(host, process->pid, arena);
    haproxy->by_systemd = haproxy->unit != NULL;

    const struct process *worker = has_master ? NULL : process;
    if (instance->child_count > 0)
        worker = instance->children[0];
    for (size_t i = 1; i < instance->child_count; i++)
        ARENA_PUSH(arena, haproxy->old_workers, haproxy->old_worker_count) =
            instance->children[i]->pid;
    if (worker != NULL) {
        haproxy->worker = worker->pid;
        haproxy->worker_start = worker->start;
        read_limits(worker->pid, arena, &haproxy->worker_limit_soft, &hard);
    }
}

static void add_replaced(const struct instances *instances, struct arena *arena,
                         struct haproxy *haproxy)
{
    for (size_t i = 0; i < instances->count; i++) {
        pid_t pid = instances->all[i].process->pid;
        if (&instances->all[i] != instances->chosen &&
            strings_have(&instances->chosen->command.replaces,
                         arena_printf(arena, "%jd", (intmax_t)pid)))
            ARENA_PUSH(arena, haproxy->old_workers, haproxy->old_worker_count) = pid;
    }
}

/* *out_gone: it ended while it was looked at. */
static int find_running(const struct host *host, struct arena *arena, struct haproxy *haproxy,
                        bool *out_gone, struct err *err)
{
    struct instances instances;

    *out_gone = false;
    if (haproxy_instances(host, arena, &instances, err) < 0)
        return -1;
    if (instances.chosen == NULL)
        return 0;
    fill_from_instance(host, instances.chosen, arena, haproxy);
    add_replaced(&instances, arena, haproxy);
    *out_gone = !haproxy_is_same_process(haproxy);
    return 0;
}

/* ---- not running: what its unit and files say ---- */

/* The user of a unit, so that nothing of that user's is run as root. An unknown one can start
 * nothing. */
static void take_user(const char *name, struct arena *arena, struct haproxy *haproxy)
{
    char room[4096];
    struct passwd user, *found = NULL;
    int groups = GROUPS_MAX;

    if (name == NULL)
        return;
    haproxy->uid = (uid_t)-2;
    haproxy->gid = (gid_t)-2;
    if (getpwnam_r(name, &user, room, sizeof room, &found) != 0 || found == NULL)
        return;
    haproxy->uid = user.pw_uid;
    haproxy->gid = user.pw_gid;
    haproxy->groups = arena_alloc(arena, GROUPS_MAX * sizeof *haproxy->groups);
    if (getgrouplist(name, user.pw_gid, haproxy->groups, &groups) < 0)
        groups = 0;
    haproxy->group_count = (size_t)groups;
}

static const char *find_program(const struct host *host, struct arena *arena)
{
    static const char *const places[] = {"/usr/sbin/haproxy", "/usr/local/sbin/haproxy",
                                         "/usr/bin/haproxy", "/usr/local/bin/haproxy",
                                         "/sbin/haproxy"};

    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (exists(host, places[i], arena))
            return places[i];
    return NULL;
}

static int find_files(const struct host *host, struct arena *arena, struct haproxy *haproxy,
                      struct err *err)
{
    const char *name = host->settings.unit == NULL ? default_unit : host->settings.unit;
    struct haproxy_command command = {.directory = "/"};
    struct unit unit = {0};

    if (unit_read(host, name, arena, &unit, err) < 0)
        return err_wrap(err, "cannot find HAProxy");
    if (unit.exists) {
        haproxy->unit = name;
        haproxy->by_systemd = systemd_runs(host);
        haproxy->environment = unit.environment;
        haproxy->can_raise_limit = unit.user == NULL && !unit.bounds_sys_resource;
        haproxy_command_parse(&unit.exec_start, "/", false, arena, &command);
        if (unit.exec_start.count > 0 && exists(host, unit.exec_start.at[0], arena))
            haproxy->program = unit.exec_start.at[0];
        if (host->live)
            take_user(unit.user, arena, haproxy);
    }
    take_command(haproxy, &command);
    haproxy->same_network = true;
    return 0;
}

static void apply_settings(const struct host *host, struct arena *arena, struct haproxy *haproxy)
{
    const struct host_settings *settings = &host->settings;

    if (settings->program != NULL)
        haproxy->program = settings->program;
    if (haproxy->program == NULL)
        haproxy->program = find_program(host, arena);
    if (settings->config.count > 0)
        haproxy->config = settings->config;
    if (haproxy->config.count == 0 && exists(host, default_config, arena))
        strings_add(&haproxy->config, arena, default_config);
    if (settings->master_socket != NULL) {
        haproxy->master_socket = settings->master_socket;
        haproxy->has_master_api = true;
    }
    if (haproxy->directory == NULL)
        haproxy->directory = "/";
    haproxy->stats_socket = settings->stats_socket;
}

void haproxy_run_as(const struct haproxy *haproxy, struct program_run *run)
{
    run->as_user = geteuid() == 0 && haproxy->uid != 0;
    run->uid = haproxy->uid;
    run->gid = haproxy->gid;
    run->groups = haproxy->groups;
    run->group_count = haproxy->group_count;
}

static void read_version(const struct host *host, struct arena *arena, struct haproxy *haproxy)
{
    const char *const argv[] = {haproxy->program, NULL};
    struct program_run run = {.argv = argv};
    struct err err = {0};
    uint64_t major = 0, minor = 0;

    if (!host->live || haproxy->program == NULL)
        return;
    haproxy_run_as(haproxy, &run);
    if (haproxy_version_run(&run, VERSION_DEADLINE_MS, arena, &haproxy->version, &err) < 0 ||
        haproxy->version == NULL)
        return;
    struct span rest = span_of(haproxy->version);
    struct span first = span_cut(&rest, '.');
    size_t digits = 0;
    while (digits < rest.len && rest.ptr[digits] >= '0' && rest.ptr[digits] <= '9')
        digits++;
    if (span_scan_u64(first, &major) && span_scan_u64((struct span){rest.ptr, digits}, &minor) &&
        major < 100 && minor < 100) {
        haproxy->major = (unsigned)major;
        haproxy->minor = (unsigned)minor;
    }
}

int haproxy_locate(const struct host *host, struct arena *arena, struct haproxy *out_haproxy,
                   struct err *err)
{
    struct haproxy haproxy = {0};
    bool gone = host->live;

    for (int i = 0; gone && i < TRIES; i++) {
        haproxy = (struct haproxy){0};
        if (find_running(host, arena, &haproxy, &gone, err) < 0)
            return -1;
    }
    if (gone)
        return err_set(err, ERR_CHANGED,
                       "HAProxy was restarted again and again while it was "
                       "looked at");
    if (!haproxy.running && find_files(host, arena, &haproxy, err) < 0)
        return -1;
    apply_settings(host, arena, &haproxy);
    read_version(host, arena, &haproxy);
    *out_haproxy = haproxy;
    return 0;
}

bool haproxy_is_same_process(const struct haproxy *haproxy)
{
    pid_t pid = haproxy->master != 0 ? haproxy->master : haproxy->worker;

    return haproxy->running && pid != 0 && process_start(pid) == haproxy->master_start;
}

/* ---- the stats socket ---- */

static int level_rank(const char *level)
{
    return strcmp(level, "admin") == 0 ? 2 : strcmp(level, "operator") == 0;
}

/* A master that executed itself anew has it in its environment (seen with 2.6): the sockets that HAProxy
 * opened, whatever has become of the file since. "unix@/run/a.sock;unix@/run/b.sock;sockpair@4" */
void haproxy_choose_told_socket(const struct host *host, struct arena *arena,
                                struct haproxy *haproxy)
{
    static const char prefix[] = "unix@/";
    const char *told = find_variable(&haproxy->environment, "HAPROXY_CLI");
    struct span rest = span_of(told != NULL ? told : "");

    if (host->settings.stats_socket != NULL || !haproxy->running)
        return;
    while (rest.len > 0) {
        struct span one = span_cut(&rest, ';');

        if (!span_starts_with(one, prefix))
            continue;
        const char *path =
            arena_copy(arena, one.ptr + sizeof prefix - 2, one.len - (sizeof prefix - 2));
        if (haproxy_api_connects(path)) {
            haproxy->stats_socket = path;
            return;
        }
    }
}

/* An address of another network namespace is somebody else's here. */
static bool can_be_asked(const struct haproxy *haproxy, const struct cfg_stats_socket *socket)
{
    return socket->path != NULL ||
           (socket->endpoint != NULL && (!haproxy->running || haproxy->same_network));
}

void haproxy_choose_stats_socket(const struct host *host, const struct cfg *cfg,
                                 struct haproxy *haproxy)
{
    const char *best = NULL;
    int best_rank = -1;
    size_t endpoints = 0;

    if (host->settings.stats_socket != NULL || cfg == NULL)
        return;
    for (size_t i = 0; i < cfg->global.stats_socket_count; i++)
        endpoints += can_be_asked(haproxy, &cfg->global.stats_sockets[i]);
    for (size_t i = 0; i < cfg->global.stats_socket_count; i++) {
        const struct cfg_stats_socket *socket = &cfg->global.stats_sockets[i];
        int rank = can_be_asked(haproxy, socket) ? level_rank(socket->level) * 2 : -1;

        /* One that takes connections beats one that does not, then the higher level, then a path:
         * only who may open that can take its place. */
        if (rank >= 0 && socket->path != NULL)
            rank++;
        if (rank >= 0 && endpoints > 1 && haproxy->running &&
            haproxy_api_connects(socket->endpoint))
            rank += CONNECTS_RANK;
        if (rank > best_rank) {
            best = socket->endpoint;
            best_rank = rank;
        }
    }
    haproxy->stats_socket = best;
}

int haproxy_find(const struct host *host, struct arena *arena, struct haproxy *out_haproxy,
                 struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct err unreadable = {0};
    struct cfg *cfg = NULL;

    if (haproxy_locate(host, arena, out_haproxy, err) < 0)
        return -1;
    /* A configuration that cannot be read is for who needs it to complain of. */
    if (host->settings.stats_socket == NULL && out_haproxy->config.count > 0 &&
        cfg_load_without_servers(host, out_haproxy, scratch, &cfg, &unreadable) == 0)
        haproxy_choose_stats_socket(host, cfg, out_haproxy);
    if (cfg != NULL && out_haproxy->stats_socket != NULL)
        out_haproxy->stats_socket = arena_string(arena, out_haproxy->stats_socket);
    return 0;
}
