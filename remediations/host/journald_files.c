/* The part of host/journald that needs no library: where its files stand. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plans/base/file.h"
#include "remediations/host/journald.h"

static const char *const directories[] = {"/var/log/journal", "/run/log/journal"};

/* "system.journal", "system@....journal": journald's own files of the system, and those it rotated;
 * a '~' behind marks one that was not closed well. */
static bool is_of_system(const char *name)
{
    struct span span = span_of(name);

    return span_starts_with(span, "system") &&
           (span_ends_with(span, ".journal") || span_ends_with(span, ".journal~"));
}

static void keep(struct journald_files *files, int fd, int64_t written)
{
    size_t oldest = 0;

    if (files->count < JOURNALD_FILES_MAX) {
        files->fd[files->count] = fd;
        files->written[files->count++] = written;
        return;
    }
    for (size_t i = 1; i < files->count; i++)
        if (files->written[i] < files->written[oldest])
            oldest = i;
    if (files->written[oldest] >= written) {
        (void)close(fd);
        return;
    }
    (void)close(files->fd[oldest]);
    files->fd[oldest] = fd;
    files->written[oldest] = written;
}

/* *out_refused: there are files, and they may not be opened. */
static void open_all(int dir_fd, struct journald_files *files, bool *out_refused)
{
    DIR *dir = fdopendir(dir_fd);
    struct stat st;

    if (dir == NULL) {
        (void)close(dir_fd);
        return;
    }
    /* This stream is ours alone, and readdir_r is deprecated. */
    /* cppcheck-suppress readdirCalled */
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (!is_of_system(entry->d_name))
            continue;
        int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0) {
            *out_refused = *out_refused || errno == EACCES || errno == EPERM;
        } else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
            (void)close(fd);
        } else {
            keep(files, fd, (int64_t)st.st_mtim.tv_sec);
        }
    }
    (void)closedir(dir);
}

static int open_directory(const struct host *host, const char *path, struct journald_files *files,
                          bool *out_refused, struct err *err)
{
    int fd CLEANUP_FD = -1;

    if (host_open_path(host, path, O_RDONLY | O_DIRECTORY, &fd, err) < 0) {
        if (err->kind != ERR_SYS)
            return -1;
        *out_refused = *out_refused || err->sys == EACCES || err->sys == EPERM;
        *err = (struct err){0};
        return 0;
    }
    open_all(take_fd(&fd), files, out_refused);
    return 0;
}

static int open_of_host(const struct host *host, struct journald_files *files, bool *out_refused,
                        struct err *err)
{
    struct arena *scratch CLEANUP_ARENA = arena_new();
    struct span text = {"", 0};
    bool exists = false;

    if (host_read(host, "/etc/machine-id", 256, scratch, &exists, &text, err) < 0)
        return -1;
    text = span_trim(text);
    if (!exists || text.len != 32 || strspn(text.ptr, "0123456789abcdef") < 32)
        return 0;
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        if (open_directory(
                host, arena_printf(scratch, "%s/%.*s", directories[i], (int)text.len, text.ptr),
                files, out_refused, err) < 0)
            return -1;
    return 0;
}

int journald_open(const struct host *host, const char *directory, struct journald_files *out_files,
                  struct err *err)
{
    struct journald_files files = {.count = 0};
    bool refused = false;

    if (!host->live)
        return err_set(err, ERR_UNSUPPORTED, "a tree has no journal of its own");
    if (directory == NULL ? open_of_host(host, &files, &refused, err) < 0
                          : open_directory(host, directory, &files, &refused, err) < 0) {
        journald_close(&files);
        return -1;
    }
    if (files.count == 0 && refused)
        return err_sys(err, EACCES, "cannot read the journal");
    if (files.count == 0)
        return err_set(err, ERR_UNSUPPORTED, "this host keeps no journal");
    *out_files = files;
    return 0;
}

void journald_close(struct journald_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        (void)close(files->fd[i]);
    files->count = 0;
}
