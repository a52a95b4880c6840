#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "plans/base/escape.h"
#include "plans/base/text.h"
#include "remediations/host/haproxy_process.h"

enum { LINE_MAX_SHOWN = 1024, SOCKETS_MAX = 64 };

/* The replacement for `path`, which may be a link to what is meant; NULL: none. */
static const struct staged_file *find_staged(const struct host *host, const char *path,
                                             const struct staged_file *staged, size_t staged_count,
                                             struct arena *arena)
{
    const char *real = NULL;
    struct err err = {0};

    if (staged_count > 0 && host_real_path(host, path, arena, &real, &err) < 0)
        real = NULL;
    for (size_t i = 0; i < staged_count; i++)
        if (strcmp(staged[i].path, path) == 0 ||
            (real != NULL && strcmp(staged[i].path, real) == 0))
            return &staged[i];
    return NULL;
}

static bool is_directory(const struct host *host, const char *path)
{
    struct err err = {0};
    struct stat st;
    int fd CLEANUP_FD = -1;

    return host_open_path(host, path, O_PATH, &fd, &err) == 0 && fstat(fd, &st) == 0 &&
           S_ISDIR(st.st_mode);
}

static bool is_regular(const struct host *host, const char *path)
{
    struct err err = {0};
    struct stat st;
    int fd CLEANUP_FD = -1;

    return host_open_path(host, path, O_PATH, &fd, &err) == 0 && fstat(fd, &st) == 0 &&
           S_ISREG(st.st_mode);
}

static void add_file(struct strings *argv, struct arena *arena, const char *path)
{
    strings_add(argv, arena, "-f");
    strings_add(argv, arena, path);
}

/* A directory stays one word, unless one of its files is replaced: then it stands as the files
 * HAProxy would read. */
static int add_directory(const struct host *host, const char *dir, const struct staged_file *staged,
                         size_t staged_count, struct arena *arena, struct strings *argv,
                         struct err *err)
{
    struct strings names = {0}, files = {0};
    bool replaced = false;

    if (host_list(host, dir, arena, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        const char *path = arena_printf(arena, "%s/%s", dir, names.at[i]);
        if (names.at[i][0] == '.' || !span_ends_with(span_of(names.at[i]), ".cfg") ||
            !is_regular(host, path))
            continue;
        const struct staged_file *other = find_staged(host, path, staged, staged_count, arena);
        replaced = replaced || other != NULL;
        strings_add(&files, arena, other == NULL ? path : other->staged_path);
    }
    if (!replaced)
        add_file(argv, arena, dir);
    for (size_t i = 0; replaced && i < files.count; i++)
        add_file(argv, arena, files.at[i]);
    return 0;
}

static int build_command(const struct host *host, const struct haproxy *haproxy,
                         const struct staged_file *staged, size_t staged_count, struct arena *arena,
                         struct strings *argv, struct err *err)
{
    strings_add(argv, arena, haproxy->program);
    for (size_t i = 0; i < haproxy->arguments.count; i++)
        strings_add(argv, arena, haproxy->arguments.at[i]);
    strings_add(argv, arena, "-c");
    for (size_t i = 0; i < haproxy->config.count; i++) {
        const char *path = haproxy->config.at[i];
        if (staged_count > 0 && is_directory(host, path)) {
            if (add_directory(host, path, staged, staged_count, arena, argv, err) < 0)
                return -1;
            continue;
        }
        const struct staged_file *other = find_staged(host, path, staged, staged_count, arena);
        add_file(argv, arena, other == NULL ? path : other->staged_path);
    }
    return 0;
}

/* A check without the staged bytes would prove nothing of them. */
static int check_all_used(const struct strings *argv, const struct staged_file *staged,
                          size_t staged_count, struct err *err)
{
    for (size_t i = 0; i < staged_count; i++)
        if (!strings_have(argv, staged[i].staged_path))
            return err_set(err, ERR_BUG, "'%s' is no part of HAProxy's configuration",
                           staged[i].path);
    return 0;
}

/* What the master keeps for itself would make `haproxy -c` a master that is being reloaded, or talk
 * to systemd. */
static bool is_private(const char *variable)
{
    static const char *const names[] = {
        "HAPROXY_MWORKER_REEXEC=",
        "HAPROXY_MWORKER_WAIT_ONLY=",
        "HAPROXY_PROCESSES=",
        "HAPROXY_LOAD_SUCCESS=",
        "NOTIFY_SOCKET=",
        "WATCHDOG_PID=",
        "WATCHDOG_USEC=",
        "LISTEN_FDS=",
        "LISTEN_PID=",
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static const char *const *build_environment(const struct haproxy *haproxy, struct arena *arena)
{
    struct strings kept = {0};

    for (size_t i = 0; i < haproxy->environment.count; i++)
        if (!is_private(haproxy->environment.at[i]))
            strings_add(&kept, arena, haproxy->environment.at[i]);
    ARENA_PUSH(arena, kept.at, kept.count) = NULL;
    return kept.at;
}

/* People know the file by its own name. */
static void add_line(struct text *text, struct span line, const struct staged_file *staged,
                     size_t staged_count)
{
    while (line.len > 0) {
        const struct staged_file *found = NULL;
        const char *at = NULL;
        for (size_t i = 0; i < staged_count; i++) {
            const char *here =
                memmem(line.ptr, line.len, staged[i].staged_path, strlen(staged[i].staged_path));
            if (here != NULL && (at == NULL || here < at)) {
                at = here;
                found = &staged[i];
            }
        }
        if (found == NULL) {
            text_add_span(text, line);
            return;
        }
        size_t before = (size_t)(at - line.ptr), skip = before + strlen(found->staged_path);
        text_add_span(text, (struct span){line.ptr, before});
        text_add(text, found->path);
        line = (struct span){line.ptr + skip, line.len - skip};
    }
}

static struct span show_output(struct span output, const struct staged_file *staged,
                               size_t staged_count, struct arena *arena)
{
    struct text shown = text_new(arena);
    struct span line;

    while (span_next_line(&output, &line)) {
        struct text mapped = text_new(arena);
        add_line(&mapped, line, staged, staged_count);
        text_add(&shown, escape_span(arena, text_span(&mapped), LINE_MAX_SHOWN));
        text_add(&shown, "\n");
    }
    return text_span(&shown);
}

/* "... : 'bind' : cannot use file descriptor '3' : Bad file descriptor." is said of each "bind fd@3": whoever starts
 * HAProxy hands it that socket, and nobody hands it to a check. */
static int *find_sockets(struct span output, struct arena *arena, size_t *out_count)
{
    static const char key[] = "cannot use file descriptor '";
    int *found = NULL;
    uint64_t number;

    *out_count = 0;
    while (*out_count < SOCKETS_MAX) {
        const char *at =
            output.len == 0 ? NULL : memmem(output.ptr, output.len, key, sizeof key - 1);
        if (at == NULL)
            return found;
        size_t skip = (size_t)(at - output.ptr) + sizeof key - 1;
        output = (struct span){output.ptr + skip, output.len - skip};
        if (span_scan_u64(span_cut(&output, '\''), &number) && number > 2 && number < 1024)
            ARENA_PUSH(arena, found, *out_count) = (int)number;
    }
    return found;
}

int haproxy_check(const struct host *host, const struct haproxy *haproxy,
                  const struct staged_file *staged, size_t staged_count, unsigned deadline_ms,
                  struct arena *arena, struct haproxy_verdict *out_verdict, struct err *err)
{
    struct strings argv = {0};
    struct span output;
    int code = 0;

    if (!host->live)
        return err_set(err, ERR_UNSUPPORTED,
                       "'haproxy -c' is not run on a tree: its paths are not this machine's");
    if (haproxy->program == NULL)
        return err_set(err, ERR_UNSUPPORTED, "no haproxy program is installed here");
    if (haproxy->config.count == 0)
        return err_set(err, ERR_UNSUPPORTED, "no configuration file of HAProxy is known here");
    if (build_command(host, haproxy, staged, staged_count, arena, &argv, err) < 0 ||
        check_all_used(&argv, staged, staged_count, err) < 0)
        return err_wrap(err, "cannot check the configuration");
    ARENA_PUSH(arena, argv.at, argv.count) = NULL;
    struct program_run run = {
        .argv = argv.at,
        .environment = build_environment(haproxy, arena),
        .directory = haproxy->directory == NULL ? "/" : haproxy->directory,
    };
    haproxy_run_as(haproxy, &run);
    if (haproxy_program_run(&run, deadline_ms, arena, &code, &output, err) < 0)
        return err_wrap(err, "cannot check the configuration");
    run.sockets = code == 0 ? NULL : find_sockets(output, arena, &run.socket_count);
    if (run.sockets != NULL &&
        haproxy_program_run(&run, deadline_ms, arena, &code, &output, err) < 0)
        return err_wrap(err, "cannot check the configuration");
    out_verdict->exit_code = code;
    out_verdict->output = show_output(output, staged, staged_count, arena);
    return 0;
}
