/* What stands under a name: its bytes, and what else makes it that file. A look that a signal interrupts
 * is made again: between an exchange and the look at what came out nobody knows whose file it is. */
#include "plans/base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#include <linux/fs.h>

#include "plans/base/file.h"

enum { ATTRIBUTE_LIST_MAX = 64 * 1024 };

/* What a copy must carry along. */
static bool xattr_is_carried(const char *name)
{
    return strcmp(name, "security.selinux") == 0 || strcmp(name, "system.posix_acl_access") == 0 ||
           strncmp(name, "user.", 5) == 0;
}

/* Integrity measurement: the kernel makes them anew for every file by itself. */
static bool xattr_makes_itself(const char *name)
{
    return strcmp(name, "security.ima") == 0 || strcmp(name, "security.evm") == 0;
}

static int read_xattrs(int fd, const char *name, struct arena *arena, struct file_image *image,
                       struct err *err)
{
    char *list = arena_alloc(arena, ATTRIBUTE_LIST_MAX);
    ssize_t len = TEMP_FAILURE_RETRY(flistxattr(fd, list, ATTRIBUTE_LIST_MAX));

    if (len < 0 && errno == ENOTSUP)
        return 0;
    if (len < 0)
        return err_sys(err, errno, "cannot list the attributes of '%s'", name);
    for (const char *key = list; key < list + len; key += strlen(key) + 1) {
        if (!xattr_is_carried(key))
            continue;
        ssize_t size = TEMP_FAILURE_RETRY(fgetxattr(fd, key, NULL, 0));
        if (size < 0)
            return err_sys(err, errno, "cannot read attribute '%s' of '%s'", key, name);
        char *value = arena_alloc(arena, (size_t)size + 1);
        size = TEMP_FAILURE_RETRY(fgetxattr(fd, key, value, (size_t)size));
        if (size < 0)
            return err_sys(err, errno, "cannot read attribute '%s' of '%s'", key, name);
        ARENA_PUSH(arena, image->xattrs, image->xattr_count) = (struct file_xattr){
            arena_string(arena, key),
            {value, (size_t)size},
        };
    }
    return 0;
}

/* Asked before the bytes are read, so that a writer who closes it in between is seen in them. The
 * lease is given back at once: nobody is kept waiting. Who opens it in that moment raises a signal,
 * which by default is SIGIO, and would end us; SIGURG is ignored. Where leases are not to be had
 * nobody is seen. */
static bool is_busy(int fd)
{
    if (TEMP_FAILURE_RETRY(fcntl(fd, F_SETSIG, SIGURG)) < 0)
        return false;
    if (TEMP_FAILURE_RETRY(fcntl(fd, F_SETLEASE, F_RDLCK)) < 0)
        return errno == EAGAIN;
    (void)TEMP_FAILURE_RETRY(fcntl(fd, F_SETLEASE, F_UNLCK));
    return false;
}

int replace_read(int dir, const char *name, struct arena *arena, struct file_image *out_image,
                 struct err *err)
{
    struct file_image image = {0};
    int fd CLEANUP_FD = -1;

    if (file_open(dir, name, &fd, err) < 0) {
        if (err->kind != ERR_SYS || err->sys != ENOENT)
            return -1;
        *out_image = image;
        return 0;
    }
    image.exists = true;
    image.busy = is_busy(fd);
    if (TEMP_FAILURE_RETRY(fstat(fd, &image.st)) < 0)
        return err_sys(err, errno, "cannot examine '%s'", name);
    if (file_read_fd(fd, name, REPLACE_FILE_MAX, arena, &image.bytes, err) < 0 ||
        read_xattrs(fd, name, arena, &image, err) < 0)
        return -1;
    image.digest = digest_bytes(image.bytes);
    *out_image = image;
    return 0;
}

int replace_look(int dir, const char *name, struct arena *arena, struct file_image *out_image,
                 struct err *err)
{
    struct file_image image = {.exists = true};

    if (TEMP_FAILURE_RETRY(fstatat(dir, name, &image.st, AT_SYMLINK_NOFOLLOW)) < 0) {
        if (errno != ENOENT)
            return err_sys(err, errno, "cannot examine '%s'", name);
        image.exists = false;
    } else if (S_ISREG(image.st.st_mode)) {
        return replace_read(dir, name, arena, out_image, err);
    }
    *out_image = image;
    return 0;
}

static const struct file_xattr *find_xattr(const struct file_image *image, const char *name)
{
    for (size_t i = 0; i < image->xattr_count; i++)
        if (strcmp(image->xattrs[i].name, name) == 0)
            return &image->xattrs[i];
    return NULL;
}

bool replace_same_dress(const struct file_image *a, const struct file_image *b)
{
    if (a->st.st_uid != b->st.st_uid || a->st.st_gid != b->st.st_gid ||
        (a->st.st_mode & 07777) != (b->st.st_mode & 07777) || a->xattr_count != b->xattr_count)
        return false;
    for (size_t i = 0; i < a->xattr_count; i++) {
        const struct file_xattr *other = find_xattr(b, a->xattrs[i].name);
        if (other == NULL || !span_equal(a->xattrs[i].value, other->value))
            return false;
    }
    return true;
}

/* ---- can it be replaced? ---- */

static bool is_chattr_fixed(int fd)
{
    int flags = 0;

    return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 &&
           (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) != 0;
}

/* An attribute that the copy would not have is not lost in silence. */
static int check_xattrs(int fd, const char *name, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    char *list = arena_alloc(arena, ATTRIBUTE_LIST_MAX);
    ssize_t len = TEMP_FAILURE_RETRY(flistxattr(fd, list, ATTRIBUTE_LIST_MAX));

    if (len < 0 && errno == ENOTSUP)
        return 0;
    if (len < 0)
        return err_sys(err, errno, "cannot list the attributes of '%s'", name);
    for (const char *key = list; key < list + len; key += strlen(key) + 1)
        if (!xattr_is_carried(key) && !xattr_makes_itself(key))
            return err_set(err, ERR_UNSUPPORTED,
                           "'%s' has the attribute '%s', which a replacement would lose", name,
                           key);
    return 0;
}

int replace_check(int dir, const char *name, struct err *err)
{
    struct statx stx;
    int fd CLEANUP_FD = -1;

    /* In such a directory a staged file could not be made, or not be taken away again. */
    if (is_chattr_fixed(dir))
        return err_set(err, ERR_UNSUPPORTED,
                       "the directory of '%s' is immutable or append-only (chattr)", name);
    if (file_open(dir, name, &fd, err) < 0)
        return err->kind == ERR_SYS && err->sys == ENOENT ? 0 : -1;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_NLINK, &stx) < 0)
        return err_sys(err, errno, "cannot examine '%s'", name);
    if ((stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
        return err_set(err, ERR_UNSUPPORTED,
                       "'%s' is a mount point of its own: it cannot be replaced in one step", name);
    if (stx.stx_nlink > 1)
        return err_set(err, ERR_UNSUPPORTED, "'%s' has %u hard links: replacing it would part them",
                       name, stx.stx_nlink);
    if (is_chattr_fixed(fd))
        return err_set(err, ERR_UNSUPPORTED, "'%s' is immutable or append-only (chattr)", name);
    if (is_busy(fd))
        return err_set(err, ERR_CHANGED, "'%s' is being written to by somebody at this moment",
                       name);
    return check_xattrs(fd, name, err);
}
