/* host/limits: RLIMIT_NOFILE of a running process.
 * Shapes:  numbers of descriptors, UINT64_MAX: unlimited.
 * Errors:  ERR_SYS (ESRCH: no such process; EPERM: the agent may not).
 * Source:  prlimit(2): raising a hard limit needs CAP_SYS_RESOURCE, and no hard limit may be above
 *          fs.nr_open.
 */
#ifndef HAMEDIC_REMEDIATIONS_HOST_LIMITS_H
#define HAMEDIC_REMEDIATIONS_HOST_LIMITS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "plans/base/err.h"

bool limits_may_raise(void); /* the agent has CAP_SYS_RESOURCE */
MUST_CHECK int limits_read(pid_t pid, uint64_t *out_soft, uint64_t *out_hard, struct err *err);
MUST_CHECK int limits_set(pid_t pid, uint64_t soft, uint64_t hard, struct err *err);

#endif
