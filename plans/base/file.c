#include "plans/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "plans/base/digest.h"

enum { READ_STEP = 64 * 1024 };

const char *file_kind_word(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return "a regular file";
    case S_IFLNK:
        return "a symbolic link";
    case S_IFDIR:
        return "a directory";
    case S_IFIFO:
        return "a named pipe";
    case S_IFSOCK:
        return "a socket";
    default:
        return "a device";
    }
}

static int check_regular(const char *name, const struct stat *st, struct err *err)
{
    if (S_ISREG(st->st_mode))
        return 0;
    return err_set(err, ERR_INPUT, "'%s' is %s, expected a regular file", name,
                   file_kind_word(st->st_mode));
}

int file_open(int dir, const char *name, int *out_fd, struct err *err)
{
    struct stat st;

    /* Looked at before it is opened, since opening alone does something to some devices. */
    if (TEMP_FAILURE_RETRY(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) < 0)
        return err_sys(err, errno, "cannot open '%s'", name);
    if (check_regular(name, &st, err) < 0)
        return -1;
    int fd CLEANUP_FD = (int)TEMP_FAILURE_RETRY(
        openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (fd < 0)
        return err_sys(err, errno, "cannot open '%s'", name);
    if (TEMP_FAILURE_RETRY(fstat(fd, &st)) < 0)
        return err_sys(err, errno, "cannot examine '%s'", name);
    if (check_regular(name, &st, err) < 0)
        return -1;
    *out_fd = take_fd(&fd);
    return 0;
}

int file_read_fd(int fd, const char *name, size_t max, struct arena *arena, struct span *out_bytes,
                 struct err *err)
{
    struct stat st;

    if (TEMP_FAILURE_RETRY(fstat(fd, &st)) < 0)
        return err_sys(err, errno, "cannot examine '%s'", name);
    if (st.st_size > 0 && (uintmax_t)st.st_size > max)
        return err_set(err, ERR_INPUT, "'%s' is too large: %jd bytes, expected at most %zu", name,
                       (intmax_t)st.st_size, max);

    /* Files in /proc and /sys tell size 0 or a page: read until the end, not until st_size. */
    size_t room = st.st_size > 0 ? (size_t)st.st_size + 1 : READ_STEP;
    char *bytes = arena_alloc(arena, room + 1);
    size_t len = 0;
    for (;;) {
        if (len == room) {
            char *grown = arena_alloc(arena, room * 2 + 1);
            memcpy(grown, bytes, len);
            bytes = grown;
            room *= 2;
        }
        ssize_t got = pread(fd, bytes + len, room - len, (off_t)len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, errno, "cannot read '%s'", name);
        if (got == 0)
            break;
        len += (size_t)got;
        if (len > max)
            return err_set(err, ERR_INPUT, "'%s' is too large: expected at most %zu bytes", name,
                           max);
    }
    bytes[len] = '\0';
    *out_bytes = (struct span){bytes, len};
    return 0;
}

int file_read(int dir, const char *name, size_t max, struct arena *arena, struct span *out_bytes,
              struct err *err)
{
    int fd CLEANUP_FD = -1;

    if (file_open(dir, name, &fd, err) < 0)
        return -1;
    return file_read_fd(fd, name, max, arena, out_bytes, err);
}

int file_write_all(int fd, const char *name, struct span bytes, struct err *err)
{
    size_t done = 0;

    while (done < bytes.len) {
        ssize_t put = write(fd, bytes.ptr + done, bytes.len - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_sys(err, errno, "cannot write '%s'", name);
        done += (size_t)put;
    }
    return 0;
}

/* Splits "a/b/c" into "a/b" and "c"; "c" alone has the directory ".". */
static const char *split_parent(const char *name, char *out_parent, size_t size, struct err *err)
{
    const char *slash = strrchr(name, '/');
    size_t len = slash == NULL ? 1 : (size_t)(slash - name);

    if (slash == name)
        len = 1;
    if (len >= size) {
        (void)err_set(err, ERR_INPUT, "path too long: '%s'", name);
        return NULL;
    }
    memcpy(out_parent, slash == NULL ? "." : name, len);
    out_parent[len] = '\0';
    return slash == NULL ? name : slash + 1;
}

int file_sync_parent(int dir, const char *name, struct err *err)
{
    char parent[4096];

    if (split_parent(name, parent, sizeof parent, err) == NULL)
        return -1;
    int fd CLEANUP_FD = openat(dir, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, errno, "cannot open directory '%s'", parent);
    if (fsync(fd) < 0)
        return err_sys(err, errno, "cannot sync directory '%s'", parent);
    return 0;
}

enum placing { PLACE_NEW, PLACE_OVER };

static int write_and_sync(int fd, const char *name, struct span bytes, mode_t mode, struct err *err)
{
    if (fchmod(fd, mode) < 0)
        return err_sys(err, errno, "cannot set the mode of '%s'", name);
    if (file_write_all(fd, name, bytes, err) < 0)
        return -1;
    if (fsync(fd) < 0)
        return err_sys(err, errno, "cannot sync '%s'", name);
    return 0;
}

static int place(int dir, const char *temporary, const char *name, enum placing placing,
                 struct err *err)
{
    /* link(2) fails where the name exists; that is what makes PLACE_NEW safe against a race. */
    if (placing == PLACE_NEW) {
        if (linkat(dir, temporary, dir, name, 0) < 0)
            return err_sys(err, errno, "cannot create '%s'", name);
        (void)unlinkat(dir, temporary, 0);
        return 0;
    }
    if (renameat(dir, temporary, dir, name) < 0)
        return err_sys(err, errno, "cannot replace '%s'", name);
    return 0;
}

static int put_durably(int dir, const char *name, struct span bytes, mode_t mode,
                       enum placing placing, struct err *err)
{
    char parent[4096], temporary[4096 + 64], random[17];
    const char *base = split_parent(name, parent, sizeof parent, err);

    if (base == NULL)
        return -1;
    if (digest_random_hex(8, random, err) < 0)
        return err_wrap(err, "cannot write '%s'", name);
    int len = snprintf(temporary, sizeof temporary, "%s/.%s.%s", parent, base, random);
    if (len < 0 || (size_t)len >= sizeof temporary)
        return err_set(err, ERR_INPUT, "path too long: '%s'", name);

    int fd CLEANUP_FD = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, errno, "cannot create '%s'", name);
    if (write_and_sync(fd, name, bytes, mode, err) < 0 ||
        place(dir, temporary, name, placing, err) < 0) {
        (void)unlinkat(dir, temporary, 0);
        return -1;
    }
    return file_sync_parent(dir, name, err);
}

int file_create(int dir, const char *name, struct span bytes, mode_t mode, struct err *err)
{
    return put_durably(dir, name, bytes, mode, PLACE_NEW, err);
}

int file_put(int dir, const char *name, struct span bytes, mode_t mode, struct err *err)
{
    return put_durably(dir, name, bytes, mode, PLACE_OVER, err);
}
