#include "remediations/host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>

#include <dirent.h>

#include "plans/base/digest.h"
#include "plans/base/escape.h"

enum {
    HOST_NAMES_MAX = 100000,
    HOST_ID_DIGITS = 32,
    OPEN_TRIES = 200,
    OPEN_PAUSE_NS = 1000000,
    ACL_MAX = 4096
};

int host_open(const char *root, struct host **out_host, struct err *err)
{
    const char *path = root == NULL ? "/" : root;
    int fd CLEANUP_FD = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return err_sys(err, errno, "cannot open the root '%s'", path);
    struct arena *arena = arena_new();
    struct host *host = arena_alloc(arena, sizeof *host);
    host->arena = arena;
    host->root = take_fd(&fd);
    host->live = root == NULL;
    host->root_path = arena_string(arena, path);
    *out_host = host;
    return 0;
}

bool host_is_own_root(const struct host *host)
{
    struct stat own, root;

    return stat("/", &own) == 0 && fstat(host->root, &root) == 0 && own.st_dev == root.st_dev &&
           own.st_ino == root.st_ino;
}

void host_close(struct host *host)
{
    (void)close(host->root);
    arena_free(host->arena);
}

/* openat2 with everything resolved inside the root: ".." and absolute links cannot leave it. */
static int open_in_root(const struct host *host, const char *path, int flags, uint64_t resolve)
{
    /* With O_PATH nothing is opened, and openat2 refuses flags that say how. */
    int more = (flags & O_PATH) != 0 ? 0 : O_NOCTTY | O_NONBLOCK;
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC | more),
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
    };

    /* EAGAIN: something was renamed or mounted somewhere while a ".." was resolved, and the kernel
     * could not be sure that it stayed inside the root (openat2(2)). glibc 2.36 has no wrapper. */
    for (int tries = 0;; tries++) {
        const struct timespec pause = {0, OPEN_PAUSE_NS};
        int fd = (int)syscall(SYS_openat2, host->root, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN || tries == OPEN_TRIES)
            return fd;
        if (tries >= OPEN_TRIES / 2)
            (void)nanosleep(&pause, NULL);
    }
}

int host_open_path(const struct host *host, const char *path, int flags, int *out_fd,
                   struct err *err)
{
    int fd = open_in_root(host, path, flags, 0);

    if (fd < 0)
        return err_sys(err, errno, "cannot open '%s'", path);
    *out_fd = fd;
    return 0;
}

int host_read(const struct host *host, const char *path, size_t max, struct arena *arena,
              bool *out_exists, struct span *out_bytes, struct err *err)
{
    struct stat st;
    int fd CLEANUP_FD = open_in_root(host, path, O_RDONLY, 0);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        *out_exists = false;
        *out_bytes = (struct span){NULL, 0};
        return 0;
    }
    if (fd < 0)
        return err_sys(err, errno, "cannot open '%s'", path);
    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot examine '%s'", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INPUT, "'%s' is not a regular file", path);
    if (file_read_fd(fd, path, max, arena, out_bytes, err) < 0)
        return -1;
    *out_exists = true;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void dir_cleanup(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}

int host_list(const struct host *host, const char *path, struct arena *arena,
              struct strings *out_names, struct err *err)
{
    struct strings names = {0};
    int fd CLEANUP_FD = open_in_root(host, path, O_RDONLY | O_DIRECTORY, 0);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        *out_names = names;
        return 0;
    }
    if (fd < 0)
        return err_sys(err, errno, "cannot open directory '%s'", path);
    DIR *dir __attribute__((cleanup(dir_cleanup))) = fdopendir(fd);
    if (dir == NULL)
        return err_sys(err, errno, "cannot read directory '%s'", path);
    (void)take_fd(&fd); /* closedir closes it */

    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0)
            return err_sys(err, errno, "cannot read directory '%s'", path);
        if (entry == NULL)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (names.count == HOST_NAMES_MAX)
            return err_set(err, ERR_INPUT, "directory '%s' has more than %d entries", path,
                           HOST_NAMES_MAX);
        strings_add(&names, arena, entry->d_name);
    }
    if (names.count > 1)
        qsort(names.at, names.count, sizeof *names.at, compare_names);
    *out_names = names;
    return 0;
}

int host_real_path(const struct host *host, const char *path, struct arena *arena,
                   const char **out_path, struct err *err)
{
    char link[64], real[PATH_MAX], root[PATH_MAX];
    int fd CLEANUP_FD = open_in_root(host, path, O_PATH, 0);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        *out_path = NULL;
        return 0;
    }
    if (fd < 0)
        return err_sys(err, errno, "cannot open '%s'", path);

    /* The kernel names an open file in /proc/self/fd; cut the root's own name off its front. */
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, real, sizeof real - 1);
    if (len < 0)
        return err_sys(err, errno, "cannot resolve '%s'", path);
    real[len] = '\0';
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", host->root);
    ssize_t root_len = readlink(link, root, sizeof root - 1);
    if (root_len < 0)
        return err_sys(err, errno, "cannot resolve the root");
    root[root_len] = '\0';
    if (root_len == 1)
        root_len = 0; /* "/" */
    if (strncmp(real, root, (size_t)root_len) != 0 || real[root_len] != '/')
        return err_set(err, ERR_DENIED, "'%s' leads out of the root '%s'", path, host->root_path);
    *out_path = arena_string(arena, real + root_len);
    return 0;
}

/* Somebody else than root whom an access list lets write. Where there is a list, the group's bits of
 * the mode are its mask, and say nothing of who is in it. linux/posix_acl_xattr.h: a version, then
 * entries of tag, permissions and id, in the little-endian order. */
static bool acl_lets_others_write(int fd)
{
    enum { HEADER = 4, ENTRY = 8, TAG_USER = 2, TAG_GROUP = 8, MAY_WRITE = 2 };
    unsigned char acl[ACL_MAX];
    ssize_t len = fgetxattr(fd, "system.posix_acl_access", acl, sizeof acl);

    if (len < 0)
        return errno == ERANGE; /* a list of hundreds is not root's alone */
    for (const unsigned char *entry = acl + HEADER; entry + ENTRY <= acl + len; entry += ENTRY) {
        bool is_root = (entry[4] | entry[5] | entry[6] | entry[7]) == 0;
        if ((entry[0] == TAG_USER || entry[0] == TAG_GROUP) && !is_root &&
            (entry[2] & MAY_WRITE) != 0)
            return true;
    }
    return false;
}

static int check_directory(int fd, const char *path, size_t shown, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot examine directory '%.*s'", (int)shown, path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return err_set(err, ERR_DENIED, "directory '%.*s' belongs to uid %u, expected root",
                       (int)shown, path, st.st_uid);
    /* A sticky directory such as /tmp is no place for configuration either. */
    if ((st.st_mode & S_IWOTH) != 0 || ((st.st_mode & S_IWGRP) != 0 && st.st_gid != 0))
        return err_set(err, ERR_DENIED,
                       "directory '%.*s' may be written by others than root (mode %04o)",
                       (int)shown, path, st.st_mode & 07777u);
    if ((st.st_mode & S_IWGRP) != 0 && acl_lets_others_write(fd))
        return err_set(err, ERR_DENIED,
                       "directory '%.*s' may be written by others than root (its access list)",
                       (int)shown, path);
    return 0;
}

/* One step down, without following a link; `make` as in host_open_parent. */
static int open_step(int dir, const char *path, const char *name, size_t shown, bool make,
                     int *out_fd, struct err *err)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd CLEANUP_FD = openat(dir, name, flags);

    if (fd < 0 && errno == ENOENT && make) {
        if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
            return err_sys(err, errno, "cannot make directory '%.*s'", (int)shown, path);
        if (fsync(dir) < 0)
            return err_sys(err, errno, "cannot sync the directory above '%.*s'", (int)shown, path);
        fd = openat(dir, name, flags);
    }
    if (fd < 0 && errno == ENOTDIR)
        return err_set(err, ERR_DENIED, "'%.*s' is not a directory (or is a link)", (int)shown,
                       path);
    if (fd < 0)
        return err_sys(err, errno, "cannot open directory '%.*s'", (int)shown, path);
    if (check_directory(fd, path, shown, err) < 0)
        return -1;
    *out_fd = take_fd(&fd);
    return 0;
}

int host_open_parent(const struct host *host, const char *path, bool make, int *out_dir,
                     const char **out_name, struct err *err)
{
    const char *slash = strrchr(path, '/');

    if (path[0] != '/' || slash[1] == '\0')
        return err_set(err, ERR_INPUT, "'%s' is no absolute path of a file", path);
    int dir CLEANUP_FD = fcntl(host->root, F_DUPFD_CLOEXEC, 0);
    if (dir < 0)
        return err_sys(err, errno, "cannot use the root '%s'", host->root_path);
    if (check_directory(dir, "/", 1, err) < 0)
        return -1;

    struct span rest = {path + 1, slash > path ? (size_t)(slash - path - 1) : 0};
    while (rest.len > 0) {
        char name[NAME_MAX + 1];
        struct span part = span_cut(&rest, '/');
        if (part.len == 0 || span_is(part, "."))
            continue;
        if (part.len > NAME_MAX || span_is(part, ".."))
            return err_set(err, ERR_INPUT, "'%s': expected a plain path without '..'", path);
        memcpy(name, part.ptr, part.len);
        name[part.len] = '\0';
        int next CLEANUP_FD = -1;
        if (open_step(dir, path, name, (size_t)(part.ptr + part.len - path), make, &next, err) < 0)
            return -1;
        (void)close(dir);
        dir = take_fd(&next);
    }
    *out_dir = take_fd(&dir);
    *out_name = slash + 1;
    return 0;
}

int host_machine(const struct host *host, struct arena *arena, const char **out_hash,
                 struct err *err)
{
    /* The machine-id itself is confidential (machine-id(5)); the key separates our hash from
     * others'. */
    static const char key[] = "hamedic host identity 1";
    struct span bytes;
    bool exists;

    if (host_read(host, "/etc/machine-id", 256, arena, &exists, &bytes, err) < 0)
        return -1;
    bytes = span_trim(bytes);
    if (!exists || bytes.len == 0 || span_is(bytes, "uninitialized")) {
        *out_hash = NULL;
        return 0;
    }
    struct digest digest = digest_keyed(span_of(key), bytes);
    *out_hash = arena_copy(arena, digest.hex, HOST_ID_DIGITS);
    return 0;
}

const char *host_name(const struct host *host, struct arena *arena)
{
    char name[256] = "";
    struct err ignored;
    struct span bytes;
    bool exists = false;

    if (host->live) {
        if (gethostname(name, sizeof name - 1) == 0 && name[0] != '\0')
            return escape_string(arena, name);
        return "localhost";
    }
    if (host_read(host, "/etc/hostname", sizeof name, arena, &exists, &bytes, &ignored) == 0 &&
        exists && span_trim(bytes).len > 0)
        return escape_span(arena, span_trim(bytes), sizeof name);
    return "localhost";
}
