/* host/sysctl: kernel settings: the running value, and the one that the next boot will set.
 * Use:     sysctl_read, sysctl_write: /proc/sys. sysctl_at_boot: which file wins.
 *          sysctl_plan_edit: new bytes for the file in which a value must stand to win.
 * Shapes:  keys are dotted ("net.core.somaxconn"); '/' in place of '.' is understood when files are
 *          read, as are "-key" (errors ignored), globs and comments. Values: runs of blanks as one
 *          blank, ends trimmed.
 * Owns:    results live in the arena.
 * Errors:  ERR_INPUT a key that is no sysctl name; ERR_SYS with the key; ERR_UNSUPPORTED a key this
 *          kernel does not have, or one for which no file of ours would win; ERR_CHANGED a written
 *          value that reads back as another.
 * Source:  sysctl.d(5), systemd 252: directories /etc/sysctl.d, /run/sysctl.d,
 *          /usr/local/lib/sysctl.d, /usr/lib/sysctl.d, /lib/sysctl.d: a name in an earlier one
 *          masks the same name in later ones, a link to /dev/null masks it altogether; then all
 *          names in byte order, the last assignment wins; explicit keys win over globs.
 *          /etc/sysctl.conf is read by systemd only where something links it into a sysctl.d
 *          (Debian: /etc/sysctl.d/99-sysctl.conf).
 *
 * Where a new value is put, first that wins at boot, worked out with the new bytes in place:
 *   1. a file of ours that has the key already;
 *   2. /etc/sysctl.d/99-hamedic.conf, the usual place;
 *   3. the assignment that wins now, where it stands (in its real file: /etc/sysctl.conf for
 *      Debian's 99-sysctl.conf), every other byte kept. Only below /etc, only an assignment by
 *      name, and not in a file that another manager says is its own;
 *   4. /etc/sysctl.d/zz-hamedic.conf, then zzzz-hamedic.conf.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SYSCTL_H
#define HAMEDIC_REMEDIATIONS_HOST_SYSCTL_H

#include "remediations/host/host.h"

#define SYSCTL_OWN_FILE "/etc/sysctl.d/99-hamedic.conf"

bool sysctl_key_is_valid(const char *key);
/* NULL value: this kernel has no such key. In a tree always NULL. */
MUST_CHECK int sysctl_read(const struct host *host, const char *key, struct arena *arena,
                           const char **out_value, struct err *err);
MUST_CHECK int sysctl_write(const struct host *host, const char *key, const char *value,
                            struct err *err);
bool sysctl_same_value(const char *a, const char *b); /* blanks folded */

struct sysctl_boot {
    const char *value;     /* NULL: no file sets it: the kernel's default */
    const char *file;      /* the file that wins, as it is named in its directory */
    const char *real_file; /* with links followed: what an edit would change */
    size_t line;
};
MUST_CHECK int sysctl_at_boot(const struct host *host, const char *key, struct arena *arena,
                              struct sysctl_boot *out_boot, struct err *err);

/* One line that gives the key a value by name, wherever it stands in the order of boot. */
struct sysctl_assignment {
    const char *value;
    const char *file, *real_file; /* as in struct sysctl_boot */
    size_t line;
    bool wins;
    bool is_read;     /* false: /etc/sysctl.conf that no sysctl.d links to: boot passes it over */
    bool for_haproxy; /* its file's name or text speaks of haproxy or hamedic */
    int64_t changed;  /* when its file was written last, seconds since 1970; 0: not known */
};
/* Those of an administrator (below /etc and /run) in the order in which boot reads them, and the
 * one that wins wherever it stands. Where a glob or no file wins, none of them `wins`. */
MUST_CHECK int sysctl_assignments(const struct host *host, const char *key, struct arena *arena,
                                  struct sysctl_assignment **out_assignments, size_t *out_count,
                                  struct err *err);

/* The file to edit so that `value` wins at boot, and its new bytes. Where it wins already: the file
 * that wins, unchanged. value NULL: takes the line out of a file of ours again; removing our last
 * line gives exists false. */
struct sysctl_edit {
    const char *path;   /* real path */
    bool existed;       /* before */
    bool exists;        /* after */
    struct span before; /* bytes before */
    struct span after;  /* bytes after */
    struct strings diff;
    struct sysctl_boot boot; /* what the next boot sets once the edit is made */
};
/* As a pure edit of text, for composing and for undo: sets the last assignment of `key` in `text`,
 * adds one where there is none, or (value NULL) removes all of them. Empty when nothing but our own
 * remark is left. out_diff may be NULL. */
MUST_CHECK int sysctl_edit_text(struct span text, const char *key, const char *value,
                                struct arena *arena, struct span *out_text,
                                struct strings *out_diff, struct err *err);
/* The last value that `text` gives `key` by name; NULL: none. */
const char *sysctl_edit_value(struct span text, const char *key, struct arena *arena);
MUST_CHECK int sysctl_plan_edit(const struct host *host, const char *key, const char *value,
                                struct arena *arena, struct sysctl_edit *out_edit, struct err *err);
/* Real paths of all files that an edit of `key` may concern: those of ours, there or not, and the
 * winner. */
MUST_CHECK int sysctl_edit_files(const struct host *host, const char *key, struct arena *arena,
                                 struct strings *out_paths, struct err *err);

#endif
