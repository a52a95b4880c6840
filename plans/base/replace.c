#include "plans/base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "plans/base/file.h"

/* An exchange is taken back some times in a row where somebody writes at each. */
enum { PUT_BACK_TRIES = 100, KEPT_NAMES = 100, KEPT_NAME_SIZE = 256 };

static const char access_acl[] = "system.posix_acl_access";

/* Owner last: once the file is another's, its mode and attributes are no longer ours to set. */
static int dress(int fd, const char *name, const struct file_image *like, struct err *err)
{
    bool has_acl = false;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_sys(err, errno, "cannot examine '%s'", name);
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
    /* A directory with the set-group-ID bit gave it the directory's group. */
    if ((like->st.st_uid != st.st_uid || like->st.st_gid != st.st_gid) &&
        fchown(fd, like->st.st_uid, like->st.st_gid) < 0)
        return err_sys(err, errno, "cannot set the owner of '%s'", name);
    /* chown(2) clears set-id bits. */
    if ((like->st.st_mode & 06000) != 0 && fchmod(fd, like->st.st_mode & 07777) < 0)
        return err_sys(err, errno, "cannot set the mode of '%s'", name);
    return 0;
}

static int set_times(int fd, const char *name, const struct file_image *like, struct err *err)
{
    const struct timespec times[2] = {like->st.st_atim, like->st.st_mtim};

    return futimens(fd, times) < 0 ? err_sys(err, errno, "cannot set the times of '%s'", name) : 0;
}

static int stage_dressed(int dir, const char *stage_name, struct span bytes,
                         const struct file_image *like, bool with_times, struct err *err)
{
    /* One that a crashed attempt of the same transaction left is ours to remove. */
    if (replace_settle(dir, stage_name, err) < 0)
        return -1;
    int fd CLEANUP_FD =
        openat(dir, stage_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, errno, "cannot create '%s'", stage_name);
    if (file_write_all(fd, stage_name, bytes, err) == 0 && dress(fd, stage_name, like, err) == 0 &&
        (!with_times || set_times(fd, stage_name, like, err) == 0)) {
        if (fsync(fd) == 0)
            return file_sync_parent(dir, stage_name, err);
        (void)err_sys(err, errno, "cannot sync '%s'", stage_name);
    }
    (void)unlinkat(dir, stage_name, 0);
    return -1;
}

int replace_stage(int dir, const char *stage_name, struct span bytes, const struct file_image *like,
                  struct err *err)
{
    return stage_dressed(dir, stage_name, bytes, like, false, err);
}

/* ---- what came out ---- */

static bool is_expected(const struct file_image *found, const struct file_image *expected)
{
    if (found->exists != expected->exists || found->busy)
        return false;
    /* An image from the journal knows no number of links. */
    return !found->exists ||
           (digest_equal(&found->digest, &expected->digest) && found->digest.hex[0] != '\0' &&
            replace_same_dress(found, expected) &&
            (expected->st.st_nlink == 0 || found->st.st_nlink == expected->st.st_nlink));
}

/* The very file, untouched since that look. */
static bool is_untouched(const struct file_image *found, const struct file_image *then)
{
    return found->exists && then->exists && found->st.st_dev == then->st.st_dev &&
           found->st.st_ino == then->st.st_ino && digest_equal(&found->digest, &then->digest) &&
           (S_ISREG(found->st.st_mode) ? replace_same_dress(found, then) : true);
}

static int say_changed(const char *name, const struct file_image *found,
                       const struct file_image *expected, struct err *err)
{
    if (!found->exists)
        return err_set(err, ERR_CHANGED, "'%s' was removed by somebody else meanwhile", name);
    if (!S_ISREG(found->st.st_mode))
        return err_set(err, ERR_CHANGED, "'%s' was replaced by %s meanwhile", name,
                       file_kind_word(found->st.st_mode));
    if (!digest_equal(&found->digest, &expected->digest))
        return err_set(err, ERR_CHANGED, "'%s' was edited by somebody else meanwhile", name);
    if (!replace_same_dress(found, expected))
        return err_set(err, ERR_CHANGED,
                       "owner, mode, ACL or attributes of '%s' were changed by somebody else "
                       "meanwhile",
                       name);
    if (found->busy)
        return err_set(err, ERR_CHANGED, "'%s' is being written to by somebody at this moment",
                       name);
    return err_set(err, ERR_CHANGED, "'%s' was linked to another name by somebody else meanwhile",
                   name);
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

/* What somebody wrote and cannot stand under its own name gets one that nobody removes. Adds to the
 * error that is there. */
static int keep(int dir, const char *name, const char *stage_name, struct err *err)
{
    char kept[KEPT_NAME_SIZE];

    for (int number = 1; number <= KEPT_NAMES; number++) {
        int len = number == 1 ? snprintf(kept, sizeof kept, "%s.kept", stage_name)
                              : snprintf(kept, sizeof kept, "%s.kept.%d", stage_name, number);
        if (len < 0 || (size_t)len >= sizeof kept)
            break;
        if (renameat2(dir, stage_name, dir, kept, RENAME_NOREPLACE) == 0) {
            struct err unsynced;
            (void)sync_dir(dir, kept, &unsynced);
            return err_wrap(err, "what somebody wrote to '%s' is kept beside it as '%s'", name,
                            kept);
        }
        if (errno != EEXIST)
            break;
    }
    return err_wrap(err, "what somebody wrote to '%s' stands beside it as '%s'", name, stage_name);
}

/* `aside` came out where something else was expected, and `ours` stands under `name`. Exchanged back
 * until nobody wrote in between: then the newest stands under `name`, and what stands beside it is
 * ours, or was overtaken and is kept. */
static int put_back(int dir, const char *name, const char *stage_name,
                    const struct file_image *ours, const struct file_image *aside, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct file_image in_place = *ours, put = *aside;
    struct err second;

    for (int tries = 0; tries < PUT_BACK_TRIES; tries++) {
        struct file_image out = {0};
        if (exchange(dir, stage_name, name, &second) < 0) {
            if (second.sys != ENOENT)
                break;
            /* Somebody removed what stood there. */
            if (move(dir, stage_name, name, &second) == 0)
                return -1;
            continue;
        }
        int looked = replace_look(dir, stage_name, arena, &out, &second);
        if (looked == 0 && is_untouched(&out, &in_place)) {
            (void)sync_dir(dir, name, &second);
            if (is_untouched(&out, ours) && !out.busy)
                return -1;
            return keep(dir, name, stage_name, err);
        }
        in_place = put;
        put = out;
    }
    return keep(dir, name, stage_name, err);
}

/* What came out must be what we looked at: somebody may have written between look and exchange. */
static int exchange_expecting(int dir, const char *name, const char *stage_name,
                              const struct file_image *expected, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct file_image ours, out = {.exists = true};

    if (replace_look(dir, stage_name, arena, &ours, err) < 0)
        return -1;
    if (!ours.exists)
        return err_set(err, ERR_CHANGED,
                       "'%s', which was to take the place of '%s', was removed by somebody else",
                       stage_name, name);
    if (exchange(dir, stage_name, name, err) < 0)
        return err->sys == ENOENT ? say_changed(name, &(struct file_image){0}, expected, err) : -1;
    int looked = replace_look(dir, stage_name, arena, &out, err);
    if (looked == 0 && is_expected(&out, expected))
        return 0;
    if (looked == 0)
        (void)say_changed(name, &out, expected, err);
    return put_back(dir, name, stage_name, &ours, &out, err);
}

/* ---- there and back ---- */

int replace_commit(int dir, const char *name, const char *stage_name,
                   const struct file_image *expected, struct err *err)
{
    if (!expected->exists)
        return move(dir, stage_name, name, err);
    if (exchange_expecting(dir, name, stage_name, expected, err) < 0)
        return -1;
    return sync_dir(dir, name, err);
}

int replace_remove(int dir, const char *name, const char *stage_name,
                   const struct file_image *expected, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct file_image out = {0};
    struct err second;

    if (move(dir, name, stage_name, err) < 0)
        return err->sys == ENOENT ? say_changed(name, &out, expected, err) : -1;
    int looked = replace_look(dir, stage_name, arena, &out, err);
    if (looked == 0 && is_expected(&out, expected))
        return 0;
    if (looked == 0)
        (void)say_changed(name, &out, expected, err);
    if (move(dir, stage_name, name, &second) < 0 && second.kind == ERR_CHANGED)
        return keep(dir, name, stage_name, err);
    return -1;
}

int replace_unremove(int dir, const char *name, const char *stage_name, struct err *err)
{
    return move(dir, stage_name, name, err);
}

int replace_revert(int dir, const char *name, const char *stage_name,
                   const struct file_image *written, bool existed, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct file_image now;
    int done;

    if (replace_look(dir, name, arena, &now, err) < 0)
        return -1;
    if (!is_expected(&now, written))
        return say_changed(name, &now, written, err);
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
    struct stat st;

    if (unlinkat(dir, stage_name, 0) < 0) {
        int failed = errno;
        /* On a read-only file system nothing can be removed, not even what is not there. */
        if (fstatat(dir, stage_name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
            return 0;
        return err_sys(err, failed, "cannot remove '%s'", stage_name);
    }
    return sync_dir(dir, stage_name, err);
}

int replace_settle_known(int dir, const char *name, const char *stage_name,
                         const struct file_image *known[], size_t count, struct err *err)
{
    struct arena *arena CLEANUP_ARENA = arena_new();
    struct file_image image;

    if (replace_look(dir, stage_name, arena, &image, err) < 0)
        return -1;
    if (!image.exists)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (is_expected(&image, known[i]))
            return replace_settle(dir, stage_name, err);
    (void)err_set(err, ERR_CHANGED, "it was edited while it was being replaced");
    return keep(dir, name, stage_name, err);
}

int replace_restore(int dir, const char *name, const char *stage_name, const struct file_image *now,
                    const struct file_image *image, struct err *err)
{
    if (!image->exists)
        return replace_revert(dir, name, stage_name, now, false, err);
    if (stage_dressed(dir, stage_name, image->bytes, image, true, err) < 0)
        return -1;
    if (replace_commit(dir, name, stage_name, now, err) < 0) {
        (void)unlinkat(dir, stage_name, 0);
        return -1;
    }
    return replace_settle(dir, stage_name, err);
}
