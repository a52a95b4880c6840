/* base/replace: takes one file's place at one instant, and gives it back.
 * Use:     replace_stage(dir, name, stage_name, new_bytes, ...)   nobody sees anything yet
 *          replace_commit(...)   the new bytes stand under `name`, the old ones under `stage_name`
 *          replace_revert(...)   the other way round: the very file that was there, inode and all
 *          replace_settle(...)   the displaced file goes away; after that only replace_restore can
 *          undo
 * Shapes:  `dir` is an open directory, `name` and `stage_name` are single names in it. stage_name
 *          MUST begin with '.' and not end in ".conf" or ".cfg", so that nobody reads it as
 *          configuration.
 * Owns:    nothing stays open between calls; all state is in the directory, so that another
 *          process can go on after a crash.
 * Errors:  ERR_SYS; ERR_CHANGED where the file under `name` is not the expected one, in bytes,
 *          owner, mode or attributes, or is being written to. It is left, or put back; of several
 *          that somebody wrote meanwhile the newest stands under `name`, and one that cannot stand
 *          there too is kept as stage_name with ".kept" behind it, which the error names and nobody
 *          removes. ERR_UNSUPPORTED for a file that cannot be exchanged (mount point, hard links,
 *          immutable).
 * Source:  renameat2(2) RENAME_EXCHANGE and RENAME_NOREPLACE, Linux 3.15; fsync(2); statx(2);
 *          fcntl(2) F_SETLEASE: a read lease is refused while somebody has the file open for
 *          writing.
 */
#ifndef HAMEDIC_PLANS_BASE_REPLACE_H
#define HAMEDIC_PLANS_BASE_REPLACE_H

#include <sys/stat.h>

#include "plans/base/arena.h"
#include "plans/base/digest.h"
#include "plans/base/span.h"

#define REPLACE_FILE_MAX ((size_t)64 * 1024 * 1024)

/* The file under `name`: its bytes, and what else makes it that file. */
struct file_image {
    bool exists;
    struct span bytes;
    struct digest digest; /* of the bytes; empty hex where it does not exist */
    struct stat st;
    struct file_xattr {
        const char
            *name; /* ACL, SELinux label, user.*: system.posix_acl_access, security.selinux, ... */
        struct span value;
    } * xattrs;
    size_t xattr_count;
    bool busy; /* somebody has it open for writing: what it holds may change after the look */
};

/* An absent file is no error: exists is false. Anything but a regular file is ERR_INPUT. */
MUST_CHECK int replace_read(int dir, const char *name, struct arena *arena,
                            struct file_image *out_image, struct err *err);
/* The same, but a link, a directory, a device is no error either: it exists, and its digest is empty. */
MUST_CHECK int replace_look(int dir, const char *name, struct arena *arena,
                            struct file_image *out_image, struct err *err);
/* Owner, mode, ACL, label and user.* are the same. */
bool replace_same_dress(const struct file_image *a, const struct file_image *b);
/* Why `name` cannot be replaced (ERR_UNSUPPORTED; ERR_CHANGED: somebody is writing to it), or 0. */
MUST_CHECK int replace_check(int dir, const char *name, struct err *err);

/* Writes `bytes` as stage_name with owner, mode, ACL, extended attributes and label of `like` (of a
 * new file: root, mode 0644, the label the directory gives), on disk. */
MUST_CHECK int replace_stage(int dir, const char *stage_name, struct span bytes,
                             const struct file_image *like, struct err *err);
/* Puts stage_name in the place of `name`, which MUST be `expected` (exists false: MUST not be
 * there). */
MUST_CHECK int replace_commit(int dir, const char *name, const char *stage_name,
                              const struct file_image *expected, struct err *err);
/* Takes `name`, which MUST be `expected`, away: it stands as stage_name. And the way back. */
MUST_CHECK int replace_remove(int dir, const char *name, const char *stage_name,
                              const struct file_image *expected, struct err *err);
MUST_CHECK int replace_unremove(int dir, const char *name, const char *stage_name, struct err *err);
/* Takes replace_commit back: `name` MUST still be `written`. `existed`: it displaced a file, which
 * stands as stage_name. */
MUST_CHECK int replace_revert(int dir, const char *name, const char *stage_name,
                              const struct file_image *written, bool existed, struct err *err);
/* Removes stage_name where it is there. */
MUST_CHECK int replace_settle(int dir, const char *stage_name, struct err *err);
/* The same, but only where it is one of `known` and nobody is writing to it: else it is somebody's
 * edit, which is kept under the name that ERR_CHANGED tells. */
MUST_CHECK int replace_settle_known(int dir, const char *name, const char *stage_name,
                                    const struct file_image *known[], size_t count,
                                    struct err *err);
/* Puts `image` (or its absence) under `name`, which MUST be `now`, with every attribute and the
 * times it had. Where `image` exists, stage_name MUST NOT be the one that a
 * displaced file has. */
MUST_CHECK int replace_restore(int dir, const char *name, const char *stage_name,
                               const struct file_image *now, const struct file_image *image,
                               struct err *err);

#endif
