#include <string.h>

#include "plans/base/escape.h"
#include "plans/base/text.h"
#include "remediations/host/haproxy_process.h"
#include "remediations/host/systemd.h"

enum { SHOWN_MAX = 200 };

static const char *working_directory(const struct process *process, struct arena *arena)
{
    const char *directory = process_link(process->pid, "cwd", arena);

    return directory == NULL ? "/" : directory;
}

static bool is_newer(const struct process *a, const struct process *b)
{
    return a->start != b->start ? a->start > b->start : a->pid > b->pid;
}

static void add_child(struct instance *instance, const struct process *child, struct arena *arena)
{
    ARENA_PUSH(arena, instance->children, instance->child_count) = child;
    for (size_t i = instance->child_count - 1; i > 0; i--) {
        if (!is_newer(child, instance->children[i - 1]))
            break;
        instance->children[i] = instance->children[i - 1];
        instance->children[i - 1] = child;
    }
}

static bool has_parent_among(const struct process *process, const struct process *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].pid == process->parent)
            return true;
    return false;
}

static size_t group_instances(const struct process *all, size_t count, struct arena *arena,
                              struct instance **out_instances)
{
    struct instance *instances = NULL;
    size_t instance_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (has_parent_among(&all[i], all, count))
            continue;
        struct instance *instance = &ARENA_PUSH(arena, instances, instance_count);
        instance->process = &all[i];
        haproxy_command_parse(&all[i].words, working_directory(&all[i], arena), true, arena,
                              &instance->command);
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < instance_count; j++)
            if (all[i].parent == instances[j].process->pid)
                add_child(&instances[j], &all[i], arena);
    *out_instances = instances;
    return instance_count;
}

/* Without a master a reload starts a second process with "-sf OLD": the old one is no instance of
 * its own. */
static bool is_replaced(const struct instance *old, const struct instance *all, size_t count,
                        struct arena *arena)
{
    const char *pid = arena_printf(arena, "%jd", (intmax_t)old->process->pid);

    for (size_t i = 0; i < count; i++)
        if (&all[i] != old && strings_have(&all[i].command.replaces, pid))
            return true;
    return false;
}

static bool same_strings(const struct strings *a, const struct strings *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->at[i], b->at[i]) != 0)
            return false;
    return true;
}

static bool is_in_pid_file(const struct host *host, const char *path,
                           const struct instance *instance, struct arena *arena)
{
    struct err err = {0};
    struct span bytes, line;
    bool exists = false;
    uint64_t pid;

    if (host_read(host, path, 4096, arena, &exists, &bytes, &err) < 0 || !exists)
        return false;
    while (span_next_line(&bytes, &line)) {
        if (!span_scan_u64(span_trim(line), &pid))
            continue;
        if (pid == (uint64_t)instance->process->pid)
            return true;
        for (size_t i = 0; i < instance->child_count; i++)
            if (pid == (uint64_t)instance->children[i]->pid)
                return true;
    }
    return false;
}

/* The unit whose main process this is; a service that merely has it among its processes (a shell's,
 * a test's) does not hold it. */
const char *haproxy_unit_of(const struct host *host, pid_t pid, struct arena *arena)
{
    struct systemd_unit unit = {0};
    const char *name = NULL;
    struct err err = {0};

    if (!systemd_runs(host) || systemd_unit_of(host, pid, arena, &name, &err) < 0 || name == NULL ||
        !span_ends_with(span_of(name), ".service") ||
        systemd_unit_state(host, name, arena, &unit, &err) < 0 || unit.main_pid != pid)
        return NULL;
    return name;
}

static bool settings_allow(const struct host *host, const struct instance *instance,
                           struct arena *arena)
{
    const struct host_settings *settings = &host->settings;

    if (settings->program != NULL && instance->process->program != NULL) {
        const char *real = NULL;
        struct err err = {0};
        if (host_real_path(host, settings->program, arena, &real, &err) < 0 || real == NULL ||
            strcmp(real, instance->process->program) != 0)
            return false;
    }
    if (settings->pid_file != NULL && !is_in_pid_file(host, settings->pid_file, instance, arena))
        return false;
    if (settings->config.count > 0 && !same_strings(&settings->config, &instance->command.config))
        return false;
    if (settings->master_socket != NULL &&
        (instance->command.master_socket == NULL ||
         strcmp(settings->master_socket, instance->command.master_socket) != 0))
        return false;
    if (settings->unit != NULL) {
        const char *unit = haproxy_unit_of(host, instance->process->pid, arena);
        return unit != NULL && strcmp(unit, settings->unit) == 0;
    }
    return true;
}

static int name_all(struct instance *const *chosen, size_t count, struct arena *arena,
                    struct err *err)
{
    struct text names = text_new(arena);

    for (size_t i = 0; i < count; i++) {
        struct text words = text_new(arena);
        for (size_t j = 0; j < chosen[i]->process->words.count; j++)
            text_addf(&words, "%s%s", j == 0 ? "" : " ", chosen[i]->process->words.at[j]);
        text_addf(&names, "%s%jd '%s'", i == 0 ? "" : ", ", (intmax_t)chosen[i]->process->pid,
                  escape_span(arena, text_span(&words), SHOWN_MAX));
    }
    return err_set(err, ERR_INPUT,
                   "%zu HAProxy instances run, and the settings do not say which is meant "
                   "(pid_file or unit in "
                   "hamedic.conf): %s",
                   count, text_string(&names));
}

/* NULL: none runs. */
static int choose(const struct host *host, struct instance *all, size_t count, struct arena *arena,
                  struct instance **out_instance, struct err *err)
{
    struct instance **chosen = NULL, *of_root = NULL;
    size_t chosen_count = 0, of_root_count = 0, live = 0;

    for (size_t i = 0; i < count; i++)
        live += !is_replaced(&all[i], all, count, arena);
    for (size_t i = 0; i < count; i++) {
        if (is_replaced(&all[i], all, count, arena) ||
            (live > 1 && !settings_allow(host, &all[i], arena)))
            continue;
        ARENA_PUSH(arena, chosen, chosen_count) = &all[i];
        if (all[i].process->uid == 0) {
            of_root = &all[i];
            of_root_count++;
        }
    }
    /* What a user started beside the host's own is that user's affair. */
    if (chosen_count > 1 && of_root_count != 1)
        return name_all(chosen, chosen_count, arena, err);
    *out_instance = chosen_count == 1 ? chosen[0] : of_root;
    if (*out_instance == NULL && live > 1)
        return err_set(err, ERR_INPUT,
                       "%zu HAProxy instances run, and none is the one of the settings", live);
    return 0;
}

int haproxy_instances(const struct host *host, struct arena *arena, struct instances *out_instances,
                      struct err *err)
{
    struct instances instances = {0};
    struct process *all = NULL;
    const char *program = NULL;
    size_t count = 0;

    if (host->settings.program != NULL &&
        host_real_path(host, host->settings.program, arena, &program, err) < 0)
        return -1;
    if (process_list_haproxy(program, arena, &all, &count, err) < 0)
        return -1;
    instances.count = group_instances(all, count, arena, &instances.all);
    if (choose(host, instances.all, instances.count, arena, &instances.chosen, err) < 0)
        return -1;
    *out_instances = instances;
    return 0;
}
