#include "remediations/host/haproxy_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plans/base/clock.h"
#include "plans/base/escape.h"

enum { PROC_FILE_MAX = 4 * 1024 * 1024, NAME_MAX_SHOWN = 64, STAT_START = 19, STAT_PARENT = 1 };

struct span process_file(pid_t pid, const char *name, struct arena *arena)
{
    struct err err = {0};
    struct span bytes = {NULL, 0};
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%jd/%s", (intmax_t)pid, name);
    int fd CLEANUP_FD = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || file_read_fd(fd, path, PROC_FILE_MAX, arena, &bytes, &err) < 0)
        return (struct span){NULL, 0};
    return bytes;
}

const char *process_link(pid_t pid, const char *name, struct arena *arena)
{
    char path[64], target[PATH_MAX];

    (void)snprintf(path, sizeof path, "/proc/%jd/%s", (intmax_t)pid, name);
    ssize_t len = readlink(path, target, sizeof target);
    if (len <= 0 || (size_t)len == sizeof target)
        return NULL;
    return arena_copy(arena, target, (size_t)len);
}

struct strings process_strings(struct span bytes, struct arena *arena)
{
    struct strings strings = {0};

    while (bytes.len > 0) {
        struct span word = span_cut(&bytes, '\0');
        strings_add(&strings, arena, arena_copy(arena, word.ptr, word.len));
    }
    return strings;
}

struct span process_field(struct span text, const char *key)
{
    struct span line;

    while (span_next_line(&text, &line)) {
        if (!span_starts_with(line, key))
            continue;
        size_t skip = strlen(key);
        return span_trim((struct span){line.ptr + skip, line.len - skip});
    }
    return (struct span){NULL, 0};
}

bool process_capabilities(pid_t pid, struct arena *arena, uint64_t *out_mask)
{
    struct span digits = process_field(process_file(pid, "status", arena), "CapEff:");
    uint64_t mask = 0;

    if (digits.len == 0 || digits.len > 16)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        char digit = digits.ptr[i];
        mask = mask * 16 + (uint64_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    *out_mask = mask;
    return true;
}

/* "PID (NAME) STATE PPID ...": the name may hold blanks and parentheses. */
static bool read_stat(pid_t pid, struct arena *arena, pid_t *out_parent, uint64_t *out_start)
{
    struct span stat = process_file(pid, "stat", arena);
    const char *name_end = stat.len == 0 ? NULL : memrchr(stat.ptr, ')', stat.len);
    uint64_t parent = 0, start = 0;

    if (name_end == NULL)
        return false;
    struct span rest = {name_end + 1, stat.len - (size_t)(name_end - stat.ptr) - 1};
    rest = span_trim(rest);
    for (int i = 0; i <= STAT_START; i++) {
        struct span word = span_cut(&rest, ' ');
        if (i == STAT_PARENT && !span_scan_u64(word, &parent))
            return false;
        if (i == STAT_START && !span_scan_u64(word, &start))
            return false;
    }
    *out_parent = (pid_t)parent;
    *out_start = start;
    return start != 0;
}

uint64_t process_start(pid_t pid)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    pid_t parent;
    uint64_t start = 0;

    return read_stat(pid, scratch, &parent, &start) ? start : 0;
}

static uint64_t first_number(struct span *words)
{
    uint64_t value = UINT64_MAX;
    size_t len = 0;

    *words = span_trim(*words);
    if (words->len == 0)
        return value;
    while (len < words->len && words->ptr[len] != '\t' && words->ptr[len] != ' ')
        len++;
    if (!span_scan_u64((struct span){words->ptr, len}, &value))
        value = UINT64_MAX;
    *words = (struct span){words->ptr + len, words->len - len};
    return value;
}

/* One number in "NSpid:": the process is in the namespace that /proc shows and in none below. */
static bool read_status(pid_t pid, struct arena *arena, struct process *process)
{
    struct span status = process_file(pid, "status", arena);
    struct span uid = process_field(status, "Uid:"), gid = process_field(status, "Gid:");
    struct span groups = process_field(status, "Groups:"), ids = process_field(status, "NSpid:");
    uint64_t number;

    process->uid = (uid_t)first_number(&uid);
    process->gid = (gid_t)first_number(&gid);
    while ((number = first_number(&groups)) != UINT64_MAX)
        ARENA_PUSH(arena, process->groups, process->group_count) = (gid_t)number;
    (void)first_number(&ids);
    return status.len > 0 && span_trim(ids).len == 0;
}

static const char *read_program(pid_t pid, struct arena *arena)
{
    const char *program = process_link(pid, "exe", arena);
    const char *deleted = " (deleted)";

    if (program != NULL && span_ends_with(span_of(program), deleted))
        program = arena_copy(arena, program, strlen(program) - strlen(deleted));
    return program;
}

bool process_read(pid_t pid, struct arena *arena, struct process *out_process)
{
    struct process process = {.pid = pid};

    if (!read_stat(pid, arena, &process.parent, &process.start) ||
        !read_status(pid, arena, &process))
        return false;
    process.name = escape_span(arena, span_trim(process_file(pid, "comm", arena)), NAME_MAX_SHOWN);
    process.program = read_program(pid, arena);
    process.words = process_strings(process_file(pid, "cmdline", arena), arena);
    /* The number may have become another process's in the meantime. */
    if (process_start(pid) != process.start)
        return false;
    *out_process = process;
    return true;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* "haproxy", "haproxy-2.8", "haproxy24"; not "haproxy_exporter". */
static bool is_haproxy_name(const char *name)
{
    static const char plain[] = "haproxy";

    if (strncmp(name, plain, sizeof plain - 1) != 0)
        return false;
    const char *rest = name + sizeof plain - 1;
    if (rest[0] == '\0')
        return true;
    if (strchr("-_.", rest[0]) != NULL)
        rest++;
    return rest[0] != '\0' && strspn(rest, "0123456789.") == strlen(rest);
}

static bool is_haproxy(const struct process *process, const char *program, struct arena *arena)
{
    struct haproxy_command command;

    if (process->words.count == 0)
        return false;
    if (process->program != NULL) {
        if (!is_haproxy_name(base_name(process->program)) &&
            (program == NULL || strcmp(process->program, program) != 0))
            return false;
    } else if (!is_haproxy_name(process->name) ||
               !is_haproxy_name(base_name(process->words.at[0]))) {
        return false;
    }
    haproxy_command_parse(&process->words, "/", true, arena, &command);
    return command.serves;
}

static bool shows_our_namespace(void)
{
    char path[PATH_MAX];
    uint64_t self = 0;
    ssize_t len = readlink("/proc/self", path, sizeof path);

    return len > 0 && span_scan_u64((struct span){path, (size_t)len}, &self) &&
           self == (uint64_t)getpid();
}

int process_list_haproxy(const char *program, struct arena *arena, struct process **out_processes,
                         size_t *out_count, struct err *err)
{
    struct process *processes = NULL;
    size_t count = 0;

    if (!shows_our_namespace())
        return err_set(err, ERR_UNSUPPORTED,
                       "cannot look for HAProxy: /proc shows the processes "
                       "of another pid namespace");
    DIR *proc = opendir("/proc");
    if (proc == NULL)
        return err_sys(err, errno, "cannot open '/proc'");
    /* This stream is ours alone, and readdir_r is deprecated. */
    /* cppcheck-suppress readdirCalled */
    for (const struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        struct arena *scratch CLEANUP_ARENA = arena_new();
        struct process process;
        uint64_t pid = 0;
        if (!span_scan_u64(span_of(entry->d_name), &pid) || pid > INT32_MAX)
            continue;
        /* Most processes are something else: read those into memory that goes away at once. */
        if (!process_read((pid_t)pid, scratch, &process) || !is_haproxy(&process, program, scratch))
            continue;
        if (process_read((pid_t)pid, arena, &process))
            ARENA_PUSH(arena, processes, count) = process;
    }
    (void)closedir(proc);
    *out_processes = processes;
    *out_count = count;
    return 0;
}

int64_t haproxy_told_failures(const struct haproxy *haproxy, struct arena *arena)
{
    static const char name[] = "HAPROXY_PROCESSES=", key[] = "failedreloads=";
    struct strings variables;
    int64_t failed = -1;

    if (haproxy->master == 0 ||
        (haproxy->major != 2 && !(haproxy->major == 3 && haproxy->minor == 0)))
        return -1;
    variables = process_strings(process_file(haproxy->master, "environ", arena), arena);
    for (size_t i = 0; i < variables.count; i++) {
        if (strncmp(variables.at[i], name, sizeof name - 1) != 0)
            continue;
        const char *master = strstr(variables.at[i], "|type=m;");
        const char *count = master == NULL ? NULL : strstr(master, key);
        if (count == NULL)
            continue;
        count += sizeof key - 1;
        if (!span_scan_i64((struct span){count, strspn(count, "0123456789")}, &failed))
            failed = -1;
    }
    return failed;
}

int64_t process_started(uint64_t start)
{
    int64_t ticks = sysconf(_SC_CLK_TCK);

    if (start == 0 || ticks <= 0)
        return 0;
    int64_t booted = clock_ms(CLOCK_REALTIME) - clock_ms(CLOCK_BOOTTIME);
    return (booted + (int64_t)start * 1000 / ticks) / 1000;
}
