#include "plans/base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#include <linux/fs.h>

#include "plans/base/file.h"

enum { ATTRIBUTE_LIST_MAX = 64 * 1024 };

static const char access_acl[] = "system.posix_acl_access";

/* What a copy must carry along. security.capability and trusted.* are left out: a configuration
 * file has none, and copying them is a privilege of its own. */
static bool xattr_is_carried(const char *name)
{
    return strcmp(name, "security.selinux") == 0 || strcmp(name, access_acl) == 0 ||
           strncmp(name, "user.", 5) == 0;
}

static int read_xattrs(int fd, const char *name, struct arena *arena, struct file_image *image,
                       struct err *err)
{
    char *list = arena_alloc(arena, ATTRIBUTE_LIST_MAX);
    ssize_t len = flistxattr(fd, list, ATTRIBUTE_LIST_MAX);

    if (len < 0 && errno == ENOTSUP)
        return 0;
    if (len < 0)
        return err_sys(err, errno, "cannot list the attributes of '%s'", name);
    for (const char *key = list; key < list + len; key += strlen(key) + 1) {
        if (!xattr_is_carried(key))
            continue;
        ssize_t size = fgetxattr(fd, key, NULL, 0);
        if (size < 0)
            return err_sys(err, errno, "cannot read attribute '%s' of '%s'", key, name);
        char *value = arena_alloc(arena, (size_t)size + 1);
        size = fgetxattr(fd, key, value, (size_t)size);
        if (size < 0)
            return err_sys(err, errno, "cannot read attribute '%s' of '%s'", key, name);
        ARENA_PUSH(arena, image->xattrs, image->xattr_count) = (struct file_xattr){
            arena_string(arena, key),
            {value, (size_t)size},
        };
    }
    return 0;
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
    if (fstat(fd, &image.st) < 0)
        return err_sys(err, errno, "cannot examine '%s'", name);
    if (file_read_fd(fd, name, REPLACE_FILE_MAX, arena, &image.bytes, err) < 0 ||
        read_xattrs(fd, name, arena, &image, err) < 0)
        return -1;
    image.digest = digest_bytes(image.bytes);
    *out_image = image;
    return 0;
}

int replace_check(int dir, const char *name, struct err *err)
{
    struct statx stx;
    int flags = 0;
    int fd CLEANUP_FD = -1;

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
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) != 0)
        return err_set(err, ERR_UNSUPPORTED, "'%s' is immutable or append-only (chattr)", name);
    return 0;
}

/* Owner last: once the file is another's, its mode and attributes are no longer ours to set. */
static int dress(int fd, const char *name, const struct file_image *like, struct err *err)
{
    bool has_acl = false;

    if (!like->exists) {
        if (fchmod(fd, 0644) < 0)
            return err_sys(err, errno, "cannot set the mode of '%s'", name);
        return 0;
    }
    for (size_t i = 0; i < like->xattr_count; i++) {
        const struct file_xattr *xattr = &like->xattrs[i];
        if (fsetxattr(fd, xattr->name, xattr->value.ptr, xattr->value.len, 0) < 0)
            return err_sys(err, errno, "cannot set attribute '%s' of '%s'", xattr->name, name);
        has_acl = has_acl || strcmp(xattr->name, access_acl) == 0;
    }
    /* The directory's default ACL gave the new file one: whoever is in it was not to read the old
     * file. */
    if (!has_acl && fremovexattr(fd, access_acl) < 0 && errno != ENODATA && errno != ENOTSUP)
        return err_sys(err, errno, "cannot remove the ACL of '%s'", name);
    /* An ACL's mask is the group's mode bits, so the mode after the ACL is the same word again. */
    if (fchmod(fd, like->st.st_mode & 07777) < 0)
        return err_sys(err, errno, "cannot set the mode of '%s'", name);
    if ((like->st.st_uid != geteuid() || like->st.st_gid != getegid()) &&
        fchown(fd, like->st.st_uid, like->st.st_gid) < 0)
        return err_sys(err, errno, "cannot set the owner of '%s'", name);
    /* chown(2) clears set-id bits. */
    if ((like->st.st_mode & 06000) != 0 && fchmod(fd, like->st.st_mode & 07777) < 0)
        return err_sys(err, errno, "cannot set the mode of '%s'", name);
    return 0;
}

int replace_stage(int dir, const char *stage_name, struct span bytes, const struct file_image *like,
                  struct err *err)
{
    /* One that a crashed attempt of the same transaction left is ours to remove. */
    if (replace_settle(dir, stage_name, err) < 0)
        return -1;
    int fd CLEANUP_FD =
        openat(dir, stage_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, errno, "cannot create '%s'", stage_name);
    if (file_write_all(fd, stage_name, bytes, err) == 0 && dress(fd, stage_name, like, err) == 0) {
        if (fsync(fd) == 0)
            return file_sync_parent(dir, stage_name, err);
        (void)err_sys(err, errno, "cannot sync '%s'", stage_name);
    }
    (void)unlinkat(dir, stage_name, 0);
    return -1;
}

static int digest_of(int dir, const char *name, struct digest *out_digest, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct span bytes;

    if (file_read(dir, name, REPLACE_FILE_MAX, arena, &bytes, err) < 0) {
        if (err->kind != ERR_SYS || err->sys != ENOENT)
            return -1;
        out_digest->hex[0] = '\0';
        return 0;
    }
    *out_digest = digest_bytes(bytes);
    return 0;
}

static int exchange(int dir, const char *a, const char *b, struct err *err)
{
    if (renameat2(dir, a, dir, b, RENAME_EXCHANGE) < 0)
        return err_sys(err, errno, "cannot exchange '%s' and '%s'", a, b);
    return 0;
}

static int sync_dir(int dir, const char *name, struct err *err)
{
    return fsync(dir) < 0 ? err_sys(err, errno, "cannot sync the directory of '%s'", name) : 0;
}

static int move(int dir, const char *from, const char *to, struct err *err)
{
    if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0)
        return sync_dir(dir, to, err);
    if (errno == EEXIST)
        return err_set(err, ERR_CHANGED, "'%s' was made by somebody else meanwhile", to);
    return err_sys(err, errno, "cannot move '%s' to '%s'", from, to);
}

/* What came out must be what we looked at: somebody may have written between look and exchange. */
static int exchange_expecting(int dir, const char *name, const char *stage_name,
                              const struct digest *expected, struct err *err)
{
    struct digest displaced;
    struct err second;

    if (exchange(dir, stage_name, name, err) < 0)
        return -1;
    int looked = digest_of(dir, stage_name, &displaced, err);
    if (looked == 0 && digest_equal(&displaced, expected))
        return 0;
    if (exchange(dir, stage_name, name, &second) < 0)
        return err_set(err, ERR_SYS, "'%s' was edited meanwhile, and stands as '%s' now: %s", name,
                       stage_name, second.text);
    if (looked < 0)
        return -1;
    return err_set(err, ERR_CHANGED, "'%s' was edited by somebody else meanwhile", name);
}

int replace_commit(int dir, const char *name, const char *stage_name, const struct digest *expected,
                   struct err *err)
{
    if (expected->hex[0] == '\0')
        return move(dir, stage_name, name, err);
    if (exchange_expecting(dir, name, stage_name, expected, err) < 0)
        return -1;
    return sync_dir(dir, name, err);
}

int replace_remove(int dir, const char *name, const char *stage_name, const struct digest *expected,
                   struct err *err)
{
    struct digest moved;
    struct err second;

    if (move(dir, name, stage_name, err) < 0)
        return -1;
    int looked = digest_of(dir, stage_name, &moved, err);
    if (looked == 0 && digest_equal(&moved, expected))
        return 0;
    if (move(dir, stage_name, name, &second) < 0)
        return err_set(err, ERR_SYS, "'%s' was edited meanwhile, and stands as '%s' now: %s", name,
                       stage_name, second.text);
    if (looked < 0)
        return -1;
    return err_set(err, ERR_CHANGED, "'%s' was edited by somebody else meanwhile", name);
}

int replace_unremove(int dir, const char *name, const char *stage_name, struct err *err)
{
    return move(dir, stage_name, name, err);
}

int replace_revert(int dir, const char *name, const char *stage_name, const struct digest *written,
                   bool existed, struct err *err)
{
    struct digest now;

    if (digest_of(dir, name, &now, err) < 0)
        return -1;
    if (!digest_equal(&now, written))
        return err_set(err, ERR_CHANGED, "'%s' is not as hamedic wrote it", name);
    int done;
    if (existed) {
        done = exchange_expecting(dir, name, stage_name, written, err);
        if (done == 0)
            done = sync_dir(dir, name, err);
    } else {
        /* Moved away and looked at, not just removed: it may be edited at this very moment. */
        done = replace_settle(dir, stage_name, err);
        if (done == 0)
            done = replace_remove(dir, name, stage_name, written, err);
    }
    return done < 0 ? -1 : replace_settle(dir, stage_name, err);
}

int replace_settle(int dir, const char *stage_name, struct err *err)
{
    if (unlinkat(dir, stage_name, 0) < 0) {
        if (errno == ENOENT)
            return 0;
        return err_sys(err, errno, "cannot remove '%s'", stage_name);
    }
    return sync_dir(dir, stage_name, err);
}

int replace_restore(int dir, const char *name, const char *stage_name, const struct digest *written,
                    const struct file_image *image, struct err *err)
{
    if (!image->exists)
        return replace_revert(dir, name, stage_name, written, false, err);
    if (replace_stage(dir, stage_name, image->bytes, image, err) < 0)
        return -1;
    const struct timespec times[2] = {image->st.st_atim, image->st.st_mtim};
    if (utimensat(dir, stage_name, times, AT_SYMLINK_NOFOLLOW) < 0) {
        (void)err_sys(err, errno, "cannot set the times of '%s'", stage_name);
        (void)unlinkat(dir, stage_name, 0);
        return -1;
    }
    if (replace_commit(dir, name, stage_name, written, err) < 0) {
        (void)unlinkat(dir, stage_name, 0);
        return -1;
    }
    return replace_settle(dir, stage_name, err);
}
