#include "agent/logs/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <dirent.h>

#include "agent/logs/clock.h"
#include "plans/base/escape.h"

#define LOG_PATH   "/var/log/haproxy.log"
#define LOG_FOLDER "/var/log/haproxy"

enum {
    NAMES_MAX = 100000,
    ROUNDS = 3, /* a rotation meanwhile moves names; two in a row do not happen */
    DATE_DIGITS = 8,
    INDEX_DIGITS = 4,
    LATE = 3600 * 1000, /* a log's own clock may be ahead of the file system's */
};

/* ---- names ---- */

static bool cut_suffix(struct span *name, const char *suffix)
{
    if (!span_ends_with(*name, suffix))
        return false;
    name->len -= strlen(suffix);
    return true;
}

/* What logrotate puts between: ".1", "-20261128", ".2026-11-28", "-20261128-1795846372". */
static bool is_mark(struct span mark, size_t digits_least, size_t digits_most)
{
    size_t digits = 0;

    if (mark.len < 2 || mark.len > 32 || (mark.ptr[0] != '.' && mark.ptr[0] != '-'))
        return false;
    for (size_t i = 1; i < mark.len; i++) {
        bool digit = mark.ptr[i] >= '0' && mark.ptr[i] <= '9';
        if (!digit && strchr("-_.:T", mark.ptr[i]) == NULL)
            return false;
        digits += digit;
    }
    return digits >= digits_least && digits <= digits_most;
}

bool log_files_is_rotated(const char *base, const char *name)
{
    struct span rest = span_of(name), stem = span_of(base);

    if (!cut_suffix(&rest, ".gz") && !cut_suffix(&rest, ".zst") && !cut_suffix(&rest, ".xz"))
        (void)cut_suffix(&rest, ".zstd");
    if (span_starts_with(rest, base)) {
        struct span mark = {rest.ptr + stem.len, rest.len - stem.len};
        return is_mark(mark, 1, 32);
    }
    /* `extension .log`: NAME.1.log. A log NAME-2.log is another log. */
    if (!cut_suffix(&stem, ".log") || !cut_suffix(&rest, ".log") || rest.len <= stem.len ||
        memcmp(rest.ptr, stem.ptr, stem.len) != 0)
        return false;
    struct span mark = {rest.ptr + stem.len, rest.len - stem.len};
    return is_mark(mark, DATE_DIGITS, 32) || (mark.ptr[0] == '.' && is_mark(mark, 1, INDEX_DIGITS));
}

/* ---- opening ---- */

static bool is_open(const struct log_files *files, const struct stat *st)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->at[i].device == st->st_dev && files->at[i].inode == st->st_ino)
            return true;
    return false;
}

static int64_t modified(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

static int add_file(int dir, const char *name, const char *shown, bool is_rotated,
                    struct arena *arena, struct log_files *files, struct err *err)
{
    struct stat st;
    int fd CLEANUP_FD = -1;

    if (file_open(dir, name, &fd, err) < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot examine '%s'", name);
    if (is_open(files, &st))
        return 0;
    if (files->count == LOG_FILES_MAX)
        return err_set(err, ERR_INPUT, "more than %d files", LOG_FILES_MAX);
    ARENA_PUSH(arena, files->at, files->count) = (struct log_file){
        .name = shown,
        .fd = take_fd(&fd),
        .size = (uint64_t)st.st_size,
        .modified = modified(&st),
        .is_rotated = is_rotated,
        .device = st.st_dev,
        .inode = st.st_ino,
    };
    return 0;
}

struct place {
    int dir;
    const char *folder; /* with '/', or "" */
    const char *name;
};

static int open_folder(const struct host *host, const char *path, struct arena *arena,
                       struct place *out_place, struct err *err)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    const char *folder = arena_copy(arena, path, len);
    const char *opened = len == 0 ? "." : folder;
    int dir = -1;

    if (path[len] == '\0')
        return err_set(err, ERR_INPUT, "'%s' is no path of a file", path);
    if (host != NULL) {
        if (host_open_path(host, opened, O_RDONLY | O_DIRECTORY, &dir, err) < 0)
            return -1;
    } else {
        dir = open(opened, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            return err_sys(err, errno, "cannot open '%s'", path);
    }
    *out_place = (struct place){dir, folder, arena_string(arena, path + len)};
    return 0;
}

/* A log is often a link to a larger disk: root's or our own are followed, and it is rotated where
 * they lead. */
static int follow_link(const struct host *host, const char *path, struct arena *arena,
                       struct place *place, struct err *err)
{
    const char *real = NULL;
    struct stat st;

    if (fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(st.st_mode))
        return 0;
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return err_set(err, ERR_INPUT, "'%s' is a link of uid %u, which is not followed", path,
                       st.st_uid);
    if (host != NULL) {
        if (host_real_path(host, path, arena, &real, err) < 0)
            return -1;
    } else {
        char *resolved = realpath(path, NULL);
        real = resolved == NULL ? NULL : arena_string(arena, resolved);
        free(resolved);
    }
    if (real == NULL)
        return err_sys(err, ENOENT, "cannot open '%s'", path);
    (void)close(place->dir);
    place->dir = -1;
    return open_folder(host, real, arena, place, err);
}

/* ---- the rotated ones ---- */

static void dir_cleanup(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}

static int list_rotated(const struct place *place, struct arena *arena, struct strings *out_names,
                        struct err *err)
{
    struct strings names = {0};
    int fd CLEANUP_FD = openat(place->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir __attribute__((cleanup(dir_cleanup))) = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (dir == NULL)
        return err_sys(err, errno, "cannot list '%s'",
                       place->folder[0] == '\0' ? "." : place->folder);
    (void)take_fd(&fd); /* closedir closes it */
    for (size_t seen = 0; seen < NAMES_MAX && (entry = readdir(dir)) != NULL; seen++)
        if (log_files_is_rotated(place->name, entry->d_name))
            strings_add(&names, arena, entry->d_name);
    *out_names = names;
    return 0;
}

static void add_note(const struct place *place, const char *name, const char *why,
                     struct arena *arena, struct log_files *files)
{
    const char *note = arena_printf(arena, "%s%s: %s", escape_string(arena, place->folder),
                                    escape_string(arena, name), why);

    for (size_t i = 0; i < files->notes.count; i++)
        if (strcmp(files->notes.at[i], note) == 0)
            return;
    strings_add(&files->notes, arena, note);
}

/* Whether `since` reaches it: nothing was written after it was modified. */
static bool is_reached(const struct stat *st, int64_t since, int64_t now)
{
    return since != LOG_NO_TIME && (since > now || modified(st) + LATE >= since);
}

static void add_rotated(const struct place *place, const struct strings *names, int64_t since,
                        struct arena *arena, struct log_files *files)
{
    int64_t now = (int64_t)time(NULL) * 1000;
    size_t unread = 0;

    for (size_t i = 0; i < names->count; i++) {
        struct err err = {0};
        struct stat st;
        if (fstatat(place->dir, names->at[i], &st, AT_SYMLINK_NOFOLLOW) < 0 || is_open(files, &st))
            continue;
        if (S_ISREG(st.st_mode) && !is_reached(&st, since, now)) {
            unread++;
            continue;
        }
        if (since == LOG_NO_TIME)
            continue;
        const char *shown = arena_printf(arena, "%s%s", place->folder, names->at[i]);
        if (add_file(place->dir, names->at[i], shown, true, arena, files, &err) < 0)
            add_note(place, names->at[i], err.text, arena, files);
    }
    files->unread += unread;
}

static int compare_files(const void *a, const void *b)
{
    const struct log_file *left = a, *right = b;

    if (left->is_rotated != right->is_rotated)
        return left->is_rotated ? 1 : -1;
    if (left->modified != right->modified)
        return left->modified < right->modified ? 1 : -1;
    return strcmp(left->name, right->name);
}

int log_files_open(const struct host *host, const char *path, int64_t since, struct arena *arena,
                   struct log_files *files, struct err *err)
{
    struct place place = {.dir = -1};
    struct strings names = {0};
    size_t before = files->count, unread = files->unread;
    struct err first = {0};

    if (open_folder(host, path, arena, &place, err) < 0)
        return -1;
    int opened = follow_link(host, path, arena, &place, err);
    int dir CLEANUP_FD = place.dir;
    if (opened < 0)
        return -1;
    /* The log first: what it is rotated to meanwhile is found among the others by its inode; and
     * the new one takes its place, and is found the next time round. */
    for (int round = 0; round < ROUNDS; round++) {
        struct err *to = round == 0 ? &first : &(struct err){0};
        size_t count = files->count;
        files->unread = unread;
        opened = add_file(dir, place.name, arena_string(arena, path), false, arena, files, to);
        if (list_rotated(&place, arena, &names, err) < 0)
            return -1;
        add_rotated(&place, &names, since, arena, files);
        if (round > 0 && files->count == count)
            break;
    }
    if (opened < 0 && (files->count == before || first.kind != ERR_SYS || first.sys != ENOENT)) {
        *err = first;
        return strcmp(path, place.name) == 0 ? -1 : err_wrap(err, "'%s'", path);
    }
    if (files->count > before)
        qsort(files->at + before, files->count - before, sizeof *files->at, compare_files);
    return 0;
}

void log_files_close(struct log_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        (void)close(files->at[i].fd);
    files->count = 0;
}

/* ---- where they are ---- */

static int add_existing(const struct host *host, const char *path, struct arena *arena,
                        struct strings *paths, struct err *err)
{
    const char *real = NULL;

    if (host_real_path(host, path, arena, &real, err) < 0)
        return -1;
    if (real != NULL)
        strings_add(paths, arena, path);
    return 0;
}

static bool is_rotated_of_any(const struct strings *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (log_files_is_rotated(names->at[i], name))
            return true;
    return false;
}

int log_files_find(const struct host *host, struct arena *arena, struct strings *out_paths,
                   struct err *err)
{
    struct strings paths = {0}, names = {0};

    if (host->settings.logs.count > 0) {
        *out_paths = host->settings.logs;
        return 0;
    }
    if (add_existing(host, LOG_PATH, arena, &paths, err) < 0 ||
        host_list(host, LOG_FOLDER, arena, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.count && paths.count < LOG_FILES_MAX; i++)
        if (span_ends_with(span_of(names.at[i]), ".log") && !is_rotated_of_any(&names, names.at[i]))
            strings_add(&paths, arena, arena_printf(arena, LOG_FOLDER "/%s", names.at[i]));
    *out_paths = paths;
    return 0;
}
