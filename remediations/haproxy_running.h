/* remediations/haproxy_running: a maxconn as the running HAProxy has it, over its Runtime API.
 * Shapes:  values are decimal text; NULL: no limit, or it cannot be asked (`reason` says why).
 * Errors:  of running_set, as host/haproxy_api says.
 * Source:  HAProxy management.txt 9.3 "set maxconn global", "set maxconn server", "show info",
 *          "show stat".
 */
#ifndef HAMEDIC_REMEDIATIONS_HAPROXY_RUNNING_H
#define HAMEDIC_REMEDIATIONS_HAPROXY_RUNNING_H

#include "remediations/host/haproxy_cfg.h"

struct running_maxconn {
    bool asked;        /* false: `reason` says why not */
    bool silent;       /* it was asked and did not answer */
    const char *value; /* NULL: no limit */
    uint64_t hard;     /* global: up to here it can be set without a reload; 0: not known */
    const char *reason;
};
/* A HAProxy that does not answer is no error: a plan can do without. */
void running_read(const struct host *host, const struct haproxy *haproxy,
                  const struct cfg_target *target, struct arena *arena,
                  struct running_maxconn *out_running);
/* Only global and server: `set maxconn frontend` can end HAProxy before 3.1. value NULL: no limit.
 */
MUST_CHECK int running_set(const struct haproxy *haproxy, const struct cfg_target *target,
                           const char *value, struct arena *arena, struct err *err);

#endif
