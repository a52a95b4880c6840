/* host/unit_rules: which files make up a unit. For unit_*.c only.
 * Source:  systemd.unit(5), systemd 252; the order was compared with systemd-analyze verify on
 *          generated trees.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_UNIT_RULES_H
#define HAMEDIC_REMEDIATIONS_HOST_UNIT_RULES_H

#include "remediations/host/conf_files.h"
#include "remediations/host/unit_files.h"

struct unit_sources {
    const char *id; /* the name that aliases lead to */
    bool exists, masked;
    struct conf_file fragment;
    struct conf_files dropins; /* in the order in which they apply */
};
MUST_CHECK int unit_rules_sources(const struct host *host, const char *name,
                                  const struct conf_what_if *what_if, struct arena *arena,
                                  struct unit_sources *out_sources, struct err *err);
/* unit_read as it would be. */
MUST_CHECK int unit_rules_read(const struct host *host, const char *name,
                               const struct conf_what_if *what_if, struct arena *arena,
                               struct unit *out_unit, struct err *err);

#endif
