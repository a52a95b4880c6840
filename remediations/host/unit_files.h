/* host/unit_files: what systemd's files say of a service, as the next boot will read them.
 * Use:     unit_read(host, "haproxy.service", arena, &unit, err)
 * Shapes:  limits are numbers of descriptors, UINT64_MAX: infinity; 0: not set by any file.
 *          Aliases are followed, instances of templates are read (specifiers such as %i stay as
 *          they are).
 * Errors:  ERR_INPUT a name that is no service's; ERR_UNSUPPORTED (unit_plan_limit) no such unit,
 *          it is masked, or a drop-in would win over every name of ours; ERR_SYS.
 * Source:  systemd.unit(5) "Unit File Load Path": drop-ins of NAME.d, of its aliases, of
 *          FOO-.service.d and of service.d, in order of file names over all directories, a name in
 *          an earlier directory masks; systemd.exec(5) "LimitNOFILE": soft:hard or infinity.
 *          systemd 252 takes no K, M, G for this limit and ignores what it cannot read, also an
 *          empty value (seen with systemd-analyze verify): the assignment before it counts.
 *          EnvironmentFile wins over Environment.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_UNIT_FILES_H
#define HAMEDIC_REMEDIATIONS_HOST_UNIT_FILES_H

#include "remediations/host/host.h"

/* Made "zz-hamedic.conf" where a later drop-in would win. */
#define UNIT_DROPIN_NAME "99-hamedic.conf"

struct unit {
    bool exists, masked;
    const char *name;
    const char *file;       /* the fragment */
    struct strings dropins; /* in the order in which they apply */
    const char *limit_text; /* LimitNOFILE as written by the winner; NULL: not set */
    uint64_t limit_soft, limit_hard;
    const char *limit_file; /* the winner */
    size_t limit_line;
    struct strings environment; /* NAME=VALUE, EnvironmentFile applied */
    /* Words of the last ExecStart, variables expanded; [0] is the program. */
    struct strings exec_start;
    const char *user;         /* NULL: root */
    bool bounds_sys_resource; /* CapabilityBoundingSet leaves CAP_SYS_RESOURCE out */
    bool type_notify;
};
MUST_CHECK int unit_read(const struct host *host, const char *name, struct arena *arena,
                         struct unit *out_unit, struct err *err);

/* Where our drop-in for LimitNOFILE must stand to win, what it holds now and will. value "" takes
 * it away. */
struct unit_edit {
    const char *path;
    bool existed, exists;
    struct span before, after;
    struct strings diff;
    /* LimitNOFILE once the edit is made; 0 and NULL: no file sets it. */
    uint64_t limit_soft, limit_hard;
    const char *limit_file;
};
MUST_CHECK int unit_plan_limit(const struct host *host, const char *name, const char *value,
                               struct arena *arena, struct unit_edit *out_edit, struct err *err);
/* Pure: LimitNOFILE set (value NULL or "": removed) in the text of our drop-in; "" when nothing is
 * left. */
MUST_CHECK int unit_edit_limit_text(struct span text, const char *value, struct arena *arena,
                                    struct span *out_text, struct err *err);
/* The last LimitNOFILE of a text, as written; NULL: none. */
const char *unit_limit_of_text(struct span text, struct arena *arena);
/* Real paths of all files that an edit may concern: drop-ins of ours, there or not, and the winner.
 */
MUST_CHECK int unit_limit_files(const struct host *host, const char *name, struct arena *arena,
                                struct strings *out_paths, struct err *err);

#endif
