/* Who gives a kernel setting which value, also those that lose. */
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "remediations/host/sysctl_rules.h"

static const char old_file[] = "/etc/sysctl.conf";

/* The assignments found so far, and what is looked for. */
struct finder {
    const struct host *host;
    struct arena *arena;   /* of what is found */
    struct arena *scratch; /* each line takes some of it */
    const char *path;      /* the key, as a path below /proc/sys */
    struct sysctl_boot boot;
    struct sysctl_assignment *found;
    size_t count;
};

static bool mentions(struct span text, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i + len <= text.len; i++)
        if (strncasecmp(text.ptr + i, word, len) == 0)
            return true;
    return false;
}

static bool speaks_of_haproxy(const char *path, struct span text)
{
    static const char *const words[] = {"haproxy", "hamedic"};
    const char *slash = strrchr(path, '/');
    struct span name = span_of(slash == NULL ? path : slash + 1);

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (mentions(name, words[i]) || mentions(text, words[i]))
            return true;
    return false;
}

static int64_t changed_at(const struct host *host, const char *path)
{
    int fd CLEANUP_FD = -1;
    struct stat stat;
    struct err ignored;

    if (!host->live || host_open_path(host, path, O_PATH, &fd, &ignored) < 0 ||
        fstat(fd, &stat) < 0)
        return 0;
    return (int64_t)stat.st_mtim.tv_sec;
}

static bool is_an_administrators(const struct conf_file *file)
{
    return strncmp(file->path, "/etc/", 5) == 0 || strncmp(file->path, "/run/", 5) == 0;
}

/* The last assignment of a file is the one that it makes; lines that lose to it lose to nobody else. */
static bool last_of_file(struct finder *finder, struct span bytes, struct sysctl_line *out_line)
{
    struct sysctl_line line = {0};
    size_t position = 0;
    bool found = false;

    while (sysctl_rules_next(bytes, &position, finder->scratch, &line))
        if (line.assigns && strcmp(line.path, finder->path) == 0) {
            *out_line = line;
            found = true;
        }
    return found;
}

static void look_at_file(struct finder *finder, const struct conf_file *file, struct span bytes,
                         bool is_read)
{
    struct sysctl_line line;

    if (!last_of_file(finder, bytes, &line))
        return;
    struct sysctl_assignment found = {.file = arena_string(finder->arena, file->path),
                                      .real_file = arena_string(finder->arena, file->real),
                                      .line = line.line.number,
                                      .is_read = is_read};
    found.wins = is_read && finder->boot.value != NULL && finder->boot.file != NULL &&
                 strcmp(finder->boot.file, file->path) == 0 && finder->boot.line == found.line;
    if (!found.wins && !is_an_administrators(file))
        return;
    found.value = sysctl_rules_value(finder->arena, line.value);
    found.for_haproxy = speaks_of_haproxy(file->path, bytes);
    found.changed = changed_at(finder->host, file->real);
    ARENA_PUSH(finder->arena, finder->found, finder->count) = found;
}

/* The file that was there before sysctl.d, where nothing links to it any more. */
static int look_at_old_file(struct finder *finder, const struct conf_files *files, struct err *err)
{
    struct conf_file file = {.name = "sysctl.conf", .path = old_file};
    struct span bytes;
    bool exists;

    if (host_real_path(finder->host, old_file, finder->scratch, &file.real, err) < 0)
        return -1;
    if (file.real == NULL)
        return 0;
    for (size_t i = 0; i < files->count; i++)
        if (files->at[i].real != NULL && strcmp(files->at[i].real, file.real) == 0)
            return 0;
    if (host_read(finder->host, old_file, HOST_CONF_MAX, finder->scratch, &exists, &bytes, err) < 0)
        return -1;
    if (exists)
        look_at_file(finder, &file, bytes, false);
    return 0;
}

int sysctl_assignments(const struct host *host, const char *key, struct arena *arena,
                       struct sysctl_assignment **out_assignments, size_t *out_count,
                       struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct finder finder = {.host = host,
                            .arena = arena,
                            .scratch = scratch,
                            .path = sysctl_rules_path(scratch, span_of(key))};
    struct conf_files files;

    if (sysctl_at_boot(host, key, scratch, &finder.boot, err) < 0 ||
        sysctl_rules_files(host, NULL, scratch, &files, err) < 0 ||
        look_at_old_file(&finder, &files, err) < 0)
        return -1;
    for (size_t i = 0; i < files.count; i++) {
        struct span bytes;
        if (conf_file_bytes(host, &files.at[i], NULL, scratch, &bytes, err) < 0)
            return -1;
        if (files.at[i].real != NULL)
            look_at_file(&finder, &files.at[i], bytes, true);
    }
    *out_assignments = finder.found;
    *out_count = finder.count;
    return 0;
}
