/* logs/files: a log and those it was rotated to, opened.
 * Use:     struct log_files files = {0}; log_files_open(host_or_NULL, path, since, arena, &files,
 *          err) for each log ... log_files_close(&files);
 * Shapes:  the log itself comes before those it was rotated to, and these newest first: PATH.1,
 *          PATH-20261128, PATH.2026-11-28, NAME.1.log, NAME-20261128.log, each perhaps with .gz,
 *          .zst or .xz behind it. Of those only ones that were written to after `since`
 *          (milliseconds since 1970; LOG_NO_TIME: the log alone). The same file is opened once,
 *          whatever its names. Sizes are those when it was opened.
 *          A path is the host's; without a host it is this process's own, relative ones too.
 * Owns:    log_files_close closes what was opened; names live in the arena.
 * Errors:  ERR_SYS; ERR_INPUT: not a regular file (nothing is waited for), or a link that is neither
 *          root's nor our own, which is not followed. What is wrong with a rotated one is a note.
 * Source:  logrotate(8) 3.21: dateext, dateformat, extension, compressext, nocreate, copytruncate.
 */
#ifndef HAMEDIC_AGENT_LOGS_FILES_H
#define HAMEDIC_AGENT_LOGS_FILES_H

#include <sys/types.h>

#include "remediations/host/host.h"

enum { LOG_FILES_MAX = 500 }; /* descriptors; a year of days is less */

struct log_file {
    const char *name; /* for people: a path, may hold any byte */
    int fd;
    uint64_t size;
    int64_t modified; /* milliseconds since 1970 */
    bool is_rotated;
    dev_t device;
    ino_t inode;
};

struct log_files {
    struct log_file *at;
    size_t count;
    size_t unread;        /* rotated ones that are there, and `since` does not reach */
    struct strings notes; /* what was passed over, and why */
};

MUST_CHECK int log_files_open(const struct host *host, const char *path, int64_t since,
                              struct arena *arena, struct log_files *files, struct err *err);
void log_files_close(struct log_files *files);

/* Where this host's logs stand: the setting `logs`, else /var/log/haproxy.log and
 * the *.log in /var/log/haproxy as far as they exist. None is no error. */
MUST_CHECK int log_files_find(const struct host *host, struct arena *arena,
                              struct strings *out_paths, struct err *err);

/* Is it a name that a log called `base` is rotated to? */
bool log_files_is_rotated(const char *base, const char *name);

static inline void log_files_cleanup(struct log_files *files)
{
    log_files_close(files);
}
#define CLEANUP_LOG_FILES __attribute__((cleanup(log_files_cleanup)))

#endif
