/* base/file: reading whole files and writing them so that they survive a power cut.
 * Use:     int fd CLEANUP_FD = ...; file_read_fd(fd, ...); file_create(dirfd, name, ...);
 * Shapes:  sizes in bytes; `dir` is an open directory (or AT_FDCWD), `name` a path below it.
 * Owns:    contents live in the caller's arena; descriptors are the caller's, always O_CLOEXEC.
 * Errors:  ERR_SYS, ERR_INPUT (too large, not a regular file). On failure no file with the wanted
 * name was made or changed, and no temporary one is left (but after a power cut).
 */
#ifndef HAMEDIC_PLANS_BASE_FILE_H
#define HAMEDIC_PLANS_BASE_FILE_H

#include <sys/types.h>
#include <unistd.h>

#include "plans/base/arena.h"
#include "plans/base/span.h"

static inline void fd_cleanup(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}
#define CLEANUP_FD __attribute__((cleanup(fd_cleanup)))

/* Hands the descriptor over: the variable no longer owns it. */
static inline int take_fd(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

/* "a symbolic link", "a directory", ...: what a mode says it is. */
const char *file_kind_word(mode_t mode);
/* Opens a regular file for reading: never follows a link in the last part, never waits on a FIFO,
 * never opens a device. */
MUST_CHECK int file_open(int dir, const char *name, int *out_fd, struct err *err);
/* Everything from the start of the file; larger than `max` is ERR_INPUT. `name` is for messages.
 * NUL is added behind the bytes. */
MUST_CHECK int file_read_fd(int fd, const char *name, size_t max, struct arena *arena,
                            struct span *out_bytes, struct err *err);
MUST_CHECK int file_read(int dir, const char *name, size_t max, struct arena *arena,
                         struct span *out_bytes, struct err *err);
MUST_CHECK int file_write_all(int fd, const char *name, struct span bytes, struct err *err);

/* A new file, complete and on disk with its directory entry, or none. One that exists is an error
 * (ERR_SYS, EEXIST). */
MUST_CHECK int file_create(int dir, const char *name, struct span bytes, mode_t mode,
                           struct err *err);
/* The same, but takes the place of a file of that name at one instant. */
MUST_CHECK int file_put(int dir, const char *name, struct span bytes, mode_t mode, struct err *err);
/* Makes the entries of the directory that holds `name` durable. */
MUST_CHECK int file_sync_parent(int dir, const char *name, struct err *err);

#endif
