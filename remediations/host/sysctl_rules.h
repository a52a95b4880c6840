/* host/sysctl_rules: the text of sysctl.d files, and which assignment wins. For sysctl*.c only.
 * Shapes:  keys are paths below /proc/sys here ("net/core/somaxconn"): what systemd compares.
 * Source:  sysctl.d(5) and systemd-sysctl of systemd 252 (compared with the program itself): where
 *          the first separator of a key is a dot, dots and slashes change places; an explicit key
 *          anywhere ("-key" too, which sets nothing) keeps all globs away; among explicit
 *          assignments the last one wins; among globs the one whose value was changed last. The
 *          value is everything behind '=': there are no comments behind it.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_SYSCTL_RULES_H
#define HAMEDIC_REMEDIATIONS_HOST_SYSCTL_RULES_H

#include "remediations/host/conf_files.h"
#include "remediations/host/sysctl.h"

struct sysctl_line {
    const char *path;  /* key as a path below /proc/sys; may be a glob */
    bool assigns;      /* false: "-key" alone */
    struct span value; /* trimmed; where empty, ptr is right behind the '=' */
    struct conf_line line;
};

/* Key as a path below /proc/sys. */
const char *sysctl_rules_path(struct arena *arena, struct span key);
/* The next line that says something. out_line zeroed and *position 0 to begin with. */
bool sysctl_rules_next(struct span text, size_t *position, struct arena *arena,
                       struct sysctl_line *out_line);
/* All files that boot reads, in order. */
MUST_CHECK int sysctl_rules_files(const struct host *host, const struct conf_what_if *what_if,
                                  struct arena *arena, struct conf_files *out_files,
                                  struct err *err);
bool sysctl_rules_is_glob(const char *path);

struct sysctl_winner {
    struct sysctl_boot boot;
    bool explicit; /* no glob */
    bool kept_out; /* a "-key" keeps every value away; boot.file names it, boot.value is NULL */
};
MUST_CHECK int sysctl_rules_winner(const struct host *host, const char *key,
                                   const struct conf_what_if *what_if, struct arena *arena,
                                   struct sysctl_winner *out_winner, struct err *err);

/* Runs of blanks as one blank, ends trimmed, other bytes escaped. */
const char *sysctl_rules_value(struct arena *arena, struct span value);

#endif
