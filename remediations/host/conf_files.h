/* host/conf_files: the *.conf files of several directories, merged the way systemd merges them.
 * Use:     conf_files_list(host, &dirs, what_if, arena, &files, err); conf_file_bytes(...) of each.
 * Shapes:  directories come in order of precedence: a name in an earlier one masks the same name
 *          in later ones, also where it is a link to /dev/null, a dangling link or no regular file
 *          (those count as empty). Files then come in byte order of their names, whatever directory
 *          they are in. Hidden names are left out.
 *          what_if: one file as it would be after a change, by its real path; NULL: as things are.
 * Owns:    results live in the arena.
 * Source:  systemd 252: sysctl.d(5) "Configuration directories and precedence"; the order was
 *          compared with systemd-sysctl and systemd-analyze on generated trees.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_CONF_FILES_H
#define HAMEDIC_REMEDIATIONS_HOST_CONF_FILES_H

#include "remediations/host/host.h"

struct conf_what_if {
    const char *path; /* real path */
    bool exists;
    struct span bytes;
};

struct conf_file {
    const char *name;
    const char *path; /* as it is named in its directory */
    const char *real; /* links followed; NULL: there is nothing to read */
};
struct conf_files {
    struct conf_file *at;
    size_t count;
};

MUST_CHECK int conf_files_list(const struct host *host, const struct strings *dirs,
                               const struct conf_what_if *what_if, struct arena *arena,
                               struct conf_files *out_files, struct err *err);
MUST_CHECK int conf_file_bytes(const struct host *host, const struct conf_file *file,
                               const struct conf_what_if *what_if, struct arena *arena,
                               struct span *out_bytes, struct err *err);
/* A regular file is behind this path: its real path; else NULL (also for loops and dangling links).
 */
MUST_CHECK int conf_real_file(const struct host *host, const char *path, struct arena *arena,
                              const char **out_real, struct err *err);

/* Where a file of ours named `name` in `dir` can stand: its real path. NULL where a link or
 * something else than a regular file is in the way. */
MUST_CHECK int conf_own_path(const struct host *host, const char *dir, const char *name,
                             struct arena *arena, const char **out_path, struct err *err);

/* Lines as systemd's reader ends them: LF, CR, NUL, and one of each in a row (CR LF) is one end. */
struct conf_line {
    struct span text;   /* without its end */
    size_t offset, len; /* in the whole text; len with its end */
    size_t number;      /* from 1 */
};
/* *position: 0 to begin with; line->number counts on from what is there (0 to begin with). */
bool conf_next_line(struct span text, size_t *position, struct conf_line *line);

/* "\r\n" where the last line ends so, else "\n". */
const char *conf_line_end(struct span text);
/* Another manager (Ansible, Puppet, Chef, Salt, cloud-init, ...) says in its head that the file is
 * its own. */
bool conf_is_managed(struct span text);
/* The lines that differ, with up to two lines around them. */
void conf_diff(struct span before, struct span after, struct arena *arena,
               struct strings *out_diff);

#endif
